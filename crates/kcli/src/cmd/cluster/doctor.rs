//! `kcli cluster doctor`: a judgement of each thing that hurts later, with what to do about it.

use clap::Args;
use serde_json::{Value, json};

use super::checks::{self, Finding, Verdict};
use super::look::Look;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Cell, Column, Report, Table, Tone};

pub(super) const EXAMPLES: &str = "\
Examples:
  kcli cluster doctor                      what is wrong or will be, and the remedy
  kcli cluster doctor --all                also what is fine
  kcli cluster doctor -o json | jq '.[] | select(.verdict==\"bad\")'

The exit code is 10 if something is bad, 0 if there are only warnings.";

/// Judge the cluster's health and configuration, with a remedy for each finding.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Show what is fine, too
    #[arg(long)]
    all: bool,
}

/// Looks, judges, tells.
pub(crate) async fn run(doctor: &Doctor, context: &Context) -> Result {
    let admin = context.admin().await?;
    let look = Look::take(&admin).await?;
    let findings = checks::all(&admin, &look, context).await;
    let is_shown = |finding: &&Finding| doctor.all || finding.verdict != Verdict::Ok;
    let mut table = Table::new(vec![
        Column::new("VERDICT"),
        Column::new("CHECK"),
        Column::new("FINDING"),
        Column::new("REMEDY"),
    ]);
    for finding in findings.iter().filter(is_shown) {
        let (word, tone) = match finding.verdict {
            Verdict::Ok => ("ok", Tone::Good),
            Verdict::Warn => ("WARN", Tone::Warn),
            Verdict::Bad => ("BAD", Tone::Bad),
            Verdict::Unknown => ("UNKNOWN", Tone::Warn),
        };
        let row = vec![
            Cell::toned(word, tone),
            Cell::from(finding.check),
            Cell::from(finding.text.as_str()),
            Cell::from(finding.remedy.as_deref().unwrap_or("-")),
        ];
        table.push(finding.check, row);
    }
    let is_bad = findings
        .iter()
        .any(|finding| finding.verdict == Verdict::Bad);
    if table.rows.is_empty() {
        context.remark(&format!("{} checks, nothing to say", findings.len()));
    }
    let json: Vec<Value> = findings.iter().map(to_json).collect();
    context.output.print(&Report::new(&json, table))?;
    match is_bad {
        true => Err(Failure::reported(Exit::Unhealthy)),
        false => Ok(()),
    }
}

fn to_json(finding: &Finding) -> Value {
    json!({
        "check": finding.check,
        "verdict": match finding.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Bad => "bad",
            Verdict::Unknown => "unknown",
        },
        "finding": finding.text,
        "remedy": finding.remedy,
    })
}
