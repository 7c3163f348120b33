//! Counting, with a progress bar for people.

use std::fmt;
use std::io::IsTerminal as _;
use std::time::Duration;

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use tokio::time::Instant;

use crate::context::Context;
use crate::failure::{Failure, Result};

/// Latencies up to ten minutes, three digits.
const LATENCY_US_MAX: u64 = 600_000_000;

/// Counts events, bytes and latencies.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) started: Instant,
    pub(super) count: u64,
    pub(super) bytes: u64,
    pub(super) failed: u64,
    pub(super) latency_us: Histogram<u64>,
    bar: ProgressBar,
}

impl Meter {
    /// Starts now. The bar shows on a terminal only.
    pub(super) fn new(total: Option<u64>, context: &Context) -> Result<Self> {
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        };
        let style = match total {
            Some(_) => "{bar:30} {pos}/{len}  {rate}  {eta} left",
            None => "{spinner} {pos}  {rate}",
        };
        if let Ok(style) = ProgressStyle::with_template(style) {
            let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
                // A bar that cannot be drawn is not worth an error.
                write!(out, "{:.0} events/s", state.per_sec()).unwrap_or_default();
            };
            bar.set_style(style.with_key("rate", rate));
        }
        if context.is_quiet || !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let latency_us = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3)
            .map_err(|error| Failure::failed(error.to_string()))?;
        Ok(Self {
            started: Instant::now(),
            count: 0,
            bytes: 0,
            failed: 0,
            latency_us,
            bar,
        })
    }

    /// One event of so many bytes is done.
    pub(super) fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
        // Drawing looks at the clock; every event would be too often.
        if self.count.is_multiple_of(256) {
            self.bar.set_position(self.count);
        }
    }

    /// How long one event took.
    pub(super) fn add_latency(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LATENCY_US_MAX);
        self.latency_us
            .saturating_record(micros.clamp(1, LATENCY_US_MAX));
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
