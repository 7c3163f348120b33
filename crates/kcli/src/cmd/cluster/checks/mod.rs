//! The doctor's checks: each gives one finding at least, so that people see what was looked at.

mod brokers;
mod quorum;
mod replicas;

use client::Admin;

use super::look::Look;
use super::reasons;
use crate::context::Context;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As it should be.
    Ok,
    /// Will hurt some day.
    Warn,
    /// Hurts now.
    Bad,
    /// Could not be looked at.
    Unknown,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The check's name, for programs and people.
    pub(crate) check: &'static str,
    /// How bad it is.
    pub(crate) verdict: Verdict,
    /// What was found.
    pub(crate) text: String,
    /// What to do.
    pub(crate) remedy: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Ok,
            text: text.into(),
            remedy: None,
        }
    }

    fn warn(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Warn,
            remedy: Some(remedy.into()),
            ..Self::ok(check, text)
        }
    }

    fn bad(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Bad,
            ..Self::warn(check, text, remedy)
        }
    }

    fn unknown(check: &'static str, text: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unknown,
            ..Self::ok(check, text)
        }
    }
}

/// All checks.
pub(crate) async fn all(admin: &Admin, look: &Look, context: &Context) -> Vec<Finding> {
    let now_ms = context.now_ms();
    let mut findings = health(look, now_ms);
    findings.extend(brokers::listeners(admin, look).await);
    findings.extend(brokers::versions(admin, look).await);
    findings.extend(brokers::racks(look));
    findings.extend(brokers::disks(look));
    findings.extend(brokers::draining(admin, look).await);
    findings.extend(quorum::voters(look));
    findings.extend(quorum::clock(admin, context).await);
    findings.extend(replicas::factors(look));
    findings.extend(replicas::min_isr(look));
    findings.extend(replicas::unclean(admin, look).await);
    findings.extend(replicas::racks(look));
    findings.extend(replicas::leaders(look));
    findings.extend(replicas::spread(look));
    findings.extend(replicas::moves(admin).await);
    findings
}

/// What `cluster health` says.
fn health(look: &Look, now_ms: i64) -> Vec<Finding> {
    const CHECK: &str = "health";
    let reasons = reasons::all(look, now_ms);
    let first = reasons.first().map(|reason| reason.message.clone());
    let finding = match (first, reasons.len()) {
        (None, _) => Finding::ok(CHECK, "all brokers are up, all replicas in sync"),
        (Some(first), 1) => Finding::bad(CHECK, first, "see `kcli cluster health`"),
        (Some(first), count) => {
            let text = format!("{first}, and {} more", count - 1);
            Finding::bad(CHECK, text, "see `kcli cluster health`")
        }
    };
    vec![finding]
}

/// Some names, and how many more there are.
fn some(names: &[String]) -> String {
    const SHOWN_MAX: usize = 4;
    let shown: Vec<&str> = names.iter().take(SHOWN_MAX).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN_MAX) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
