//! What whoever started us reads: marks around the measured window, then one line of JSON.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Latencies are kept in microseconds up to this.
const MICROSECONDS_MAX: u64 = 120_000_000;

/// Latencies.
#[derive(Debug)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new() -> Result<Self> {
        let histogram = Histogram::new_with_max(MICROSECONDS_MAX, 3);
        Ok(Self(histogram.context("a histogram")?))
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        let microseconds = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(microseconds);
    }

    pub(crate) fn add(&mut self, other: &Self) -> Result<()> {
        self.0.add(&other.0).context("histograms of one kind")
    }

    pub(crate) fn to_json(&self) -> Value {
        let at = |quantile| self.0.value_at_quantile(quantile);
        json!({
            "n": self.0.len(), "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999),
            "max": self.0.max(),
        })
    }
}

/// Opens or closes the measured window.
pub(crate) fn mark(what: &str) -> Result<()> {
    line(&format!("MARK {what}"))
}

pub(crate) fn result(value: &Value) -> Result<()> {
    line(&value.to_string())
}

fn line(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

#[expect(clippy::print_stderr, reason = "a program's last word")]
pub(crate) fn complain(error: &anyhow::Error) {
    eprintln!("load: {error:#}");
}
