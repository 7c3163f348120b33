//! `kcli cluster health`: the answer is the exit code.

use std::time::Duration;

use clap::Args;
use client::Admin;
use tokio::time::Instant;

use super::look::Look;
use super::reasons::{self, Reason};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Format, Report, note};
use crate::when;

pub(super) const EXAMPLES: &str = "\
Examples:
  kcli cluster health                      exit code 0 if all is well, 10 if not
  kcli cluster health --wait 60s           give it a minute, also to come up at all
  kcli cluster health --watch              a line whenever it changes; Ctrl-C ends
  kcli cluster health -o json | jq .reasons";

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Sentences told to people; the others are counted.
const TOLD_MAX: usize = 20;

/// Is all well? Exit code 10 if not.
#[derive(Debug, Args)]
pub(crate) struct Health {
    /// Wait so long for it to become well
    #[arg(long, value_name = "TIME", value_parser = when::duration)]
    wait: Option<Duration>,
    /// Look again and again, and tell when something changes
    #[arg(
        long,
        value_name = "EVERY",
        value_parser = when::duration,
        num_args = 0..=1,
        default_missing_value = "2s",
        require_equals = true,
        conflicts_with = "wait"
    )]
    watch: Option<Duration>,
}

/// Looks, again while there is time, and tells.
pub(crate) async fn run(health: &Health, context: &Context) -> Result {
    if let Some(every) = health.watch {
        return watch(every, context).await;
    }
    let until = Instant::now() + health.wait.unwrap_or_default();
    let (look, reasons) = loop {
        let is_last = Instant::now() + LOOK_EVERY >= until;
        match look(context).await {
            Ok((look, reasons)) if reasons.is_empty() || is_last => break (look, reasons),
            // A cluster that is being started does not answer yet.
            Err(failure) if is_last || failure.exit != Exit::Unreachable => return Err(failure),
            _ => tokio::time::sleep(LOOK_EVERY).await,
        }
    };
    let json = reasons::json(&look, &reasons, context.now_ms());
    let word = match reasons.is_empty() {
        true => "healthy\n",
        false => "unhealthy\n",
    };
    context.output.print(&Report::new(&json, word.to_owned()))?;
    for reason in reasons.iter().take(TOLD_MAX) {
        note(&format!("error: {}", reason.message));
    }
    if reasons.len() > TOLD_MAX {
        note(&format!("error: and {} more", reasons.len() - TOLD_MAX));
    }
    match reasons.is_empty() {
        true => Ok(()),
        false => Err(Failure::reported(Exit::Unhealthy)),
    }
}

async fn look(context: &Context) -> Result<(Look, Vec<Reason>)> {
    let admin = context.admin().await?;
    let look = Look::take(&admin).await?;
    let reasons = reasons::all(&look, context.now_ms());
    Ok((look, reasons))
}

/// A line whenever what is told changes.
async fn watch(every: Duration, context: &Context) -> Result {
    let admin = context.admin().await?;
    let mut told = None;
    loop {
        let (json, line) = judge(&admin, context).await;
        if told.as_ref() != Some(&line) {
            match context.output.format {
                Format::Json | Format::Jsonl => {
                    crate::output::write_stdout(format!("{json}\n").as_bytes())?;
                }
                _ => {
                    let now = when::strftime(context.now_ms(), "%H:%M:%S");
                    crate::output::write_stdout(format!("{now} {line}\n").as_bytes())?;
                }
            }
            told = Some(line);
        }
        tokio::time::sleep(every).await;
    }
}

async fn judge(admin: &Admin, context: &Context) -> (serde_json::Value, String) {
    match Look::take(admin).await {
        Err(failure) => {
            let json = serde_json::json!({ "isHealthy": false, "error": failure.to_json() });
            (json, format!("unhealthy: {failure}"))
        }
        Ok(look) => {
            let now_ms = context.now_ms();
            let reasons = reasons::all(&look, now_ms);
            let json = reasons::json(&look, &reasons, now_ms);
            let line = match reasons.as_slice() {
                [] => "healthy".to_owned(),
                [one] => format!("unhealthy: {}", one.message),
                [first, others @ ..] => {
                    format!("unhealthy: {}, and {} more", first.message, others.len())
                }
            };
            (json, line)
        }
    }
}
