//! What became of each event, in the order they were sent. Bounded: answers are looked at while
//! later events go out.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use client::producer::{Delivery, Record};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Format, Output, Page, Report, note, write_stdout};

/// Events whose answer has not been looked at.
const OPEN_MAX: usize = 50_000;
/// Failures told one by one; the others are counted.
const TOLD_MAX: usize = 10;

/// Where an event came from.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) source: Arc<str>,
    /// From 1.
    pub(super) line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.source, self.line)
    }
}

/// One event on its way.
#[derive(Debug)]
struct Open {
    delivery: Delivery,
    place: Place,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Deliveries {
    open: VecDeque<Open>,
    started: Instant,
    written_count: u64,
    written_bytes: u64,
    failed_count: u64,
    first_failure: Option<Exit>,
    prints_offsets: bool,
    format: Format,
    is_quiet: bool,
    is_first: bool,
}

impl Deliveries {
    pub(super) fn new(prints_offsets: bool, context: &Context) -> Self {
        Self {
            open: VecDeque::new(),
            started: Instant::now(),
            written_count: 0,
            written_bytes: 0,
            failed_count: 0,
            first_failure: None,
            prints_offsets,
            format: context.output.format,
            is_quiet: context.is_quiet,
            is_first: true,
        }
    }

    pub(super) async fn push(
        &mut self,
        delivery: Delivery,
        record: &Record,
        place: Place,
    ) -> Result {
        let size = |bytes: Option<&bytes::Bytes>| bytes.map_or(0, |b| b.len() as u64);
        self.written_bytes += size(record.key.as_ref()) + size(record.value.as_ref());
        self.open.push_back(Open { delivery, place });
        if self.open.len() >= OPEN_MAX {
            self.settle_one().await?;
        }
        Ok(())
    }

    /// Looks at the answers that are there.
    pub(super) async fn settle_ready(&mut self) -> Result {
        while self
            .open
            .front()
            .is_some_and(|open| open.delivery.is_done())
        {
            self.settle_one().await?;
        }
        Ok(())
    }

    /// Waits for all answers.
    pub(super) async fn settle_all(&mut self) -> Result {
        while !self.open.is_empty() {
            self.settle_one().await?;
        }
        if self.prints_offsets && self.format == Format::Json {
            write_stdout(if self.is_first { b"[]\n" } else { b"\n]\n" })?;
        }
        Ok(())
    }

    async fn settle_one(&mut self) -> Result {
        let Some(open) = self.open.pop_front() else {
            return Ok(());
        };
        match open.delivery.wait().await {
            Ok(receipt) => {
                self.written_count += 1;
                if self.prints_offsets {
                    self.print(receipt.partition, receipt.offset)?;
                }
                Ok(())
            }
            Err(error) => {
                self.fail(&open.place, &error.into());
                Ok(())
            }
        }
    }

    /// Tells a failed event, up to a number.
    pub(super) fn fail(&mut self, place: &Place, failure: &Failure) {
        self.failed_count += 1;
        self.first_failure.get_or_insert(failure.exit);
        if self.failed_count <= TOLD_MAX as u64 {
            note(&format!("error: {place}: {}", failure.message));
            if self.failed_count == 1 {
                failure
                    .hints
                    .iter()
                    .for_each(|hint| note(&format!("  hint: {hint}")));
            }
        } else if self.failed_count == TOLD_MAX as u64 + 1 {
            note("error: further events failed; they are only counted");
        }
    }

    fn print(&mut self, partition: i32, offset: i64) -> Result {
        let json: Value = json!({ "partition": partition, "offset": offset });
        let line = match self.format {
            Format::Jsonl => format!("{json}\n"),
            Format::Json if self.is_first => format!("[\n  {json}"),
            Format::Json => format!(",\n  {json}"),
            Format::Csv => format!("{partition},{offset}\n"),
            _ => format!("{partition}\t{offset}\n"),
        };
        self.is_first = false;
        write_stdout(line.as_bytes())
    }

    /// The exit code of the first failure.
    pub(super) fn failed_exit(&self) -> Option<Exit> {
        self.first_failure
    }

    /// One object for programs, unless they have got an offset for each event.
    pub(super) fn report(&self, topic: &str, output: &Output) -> Result {
        let is_for_programs = matches!(self.format, Format::Json | Format::Jsonl | Format::Yaml);
        if self.prints_offsets || !is_for_programs {
            return Ok(());
        }
        let json = json!({
            "topic": topic,
            "events": self.written_count,
            "failed": self.failed_count,
            "bytes": self.written_bytes,
            "seconds": self.started.elapsed().as_secs_f64(),
        });
        output.print(&Report::new(&json, Page::default()))
    }

    /// One line for people.
    pub(super) fn summarize(&self, topic: &str) {
        if self.is_quiet {
            return;
        }
        let seconds = self.started.elapsed().as_secs_f64();
        let events = if self.written_count == 1 {
            "event"
        } else {
            "events"
        };
        let mut line = format!("{} {events} written to {topic}", self.written_count);
        if self.written_count >= 1000 && seconds > 0.0 {
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let (rate, mb) = (
                self.written_count as f64 / seconds,
                self.written_bytes as f64 / 1e6 / seconds,
            );
            line.push_str(&format!(
                " in {seconds:.1} s ({rate:.0} events/s, {mb:.1} MB/s)"
            ));
        }
        if self.failed_count > 0 {
            line.push_str(&format!(", {} failed", self.failed_count));
        }
        note(&line);
    }
}
