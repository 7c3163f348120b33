//! Flags that drills share.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::Acks;

use crate::cmd::produce::{acks, rate};
use crate::complete;
use crate::failure::{Failure, Result};
use crate::when;

/// What is written during a drill.
#[derive(Debug, Clone, Args)]
pub(super) struct LoadArgs {
    /// The topic to write to; what others write there is left alone
    #[arg(long, value_name = "TOPIC", add = ArgValueCompleter::new(complete::topics))]
    pub(super) topic: String,
    /// Records a second
    #[arg(long, value_name = "N[/s]", default_value = "500", value_parser = rate)]
    pub(super) rate: f64,
    /// Bytes of each record
    #[arg(long, value_name = "BYTES", default_value_t = 100)]
    pub(super) size: usize,
    /// Who must have a record: all in-sync replicas, the leader (1), or nobody (0)
    #[arg(long, value_name = "all|1|0", default_value = "all", value_parser = acks)]
    pub(super) acks: Acks,
    /// Keep a report: F.json for programs and `drill verify`, F.html for people
    #[arg(long = "report", value_name = "FILE")]
    pub(super) reports: Vec<PathBuf>,
}

impl LoadArgs {
    /// Looks at what can be looked at before anything begins.
    pub(super) fn check(&self) -> Result {
        for path in &self.reports {
            let end = path.extension().and_then(|end| end.to_str());
            if !matches!(end, Some("json" | "html")) {
                let message = format!("--report {}: end it in .json or .html", path.display());
                return Err(Failure::usage(message));
            }
            let parent = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            if parent.is_some_and(|parent| !parent.is_dir()) {
                let message = format!("--report {}: there is no such folder", path.display());
                return Err(Failure::usage(message));
            }
        }
        Ok(())
    }

    /// `acks`, as Kafka writes it.
    pub(super) fn acks_name(&self) -> &'static str {
        match self.acks {
            Acks::All => "all",
            Acks::Leader => "1",
            Acks::None => "0",
        }
    }
}

/// A time as `--duration` takes it.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    when::duration(text)
}
