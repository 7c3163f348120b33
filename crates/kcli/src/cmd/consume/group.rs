//! Reading as a member of a group: what was printed is committed, and whoever stops says goodbye.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use client::consumer::ConsumerRecord;
use client::group::{Change, Selection};
use client::{Client, GroupConsumer, Settings};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;
use types::TopicPartition;

use super::args::{Consume, Style};
use super::printer::Printer;
use super::run::{End, POLL_WAIT, conclude, tell_of_trouble};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::topics;

/// How long a group may take to find itself, whatever `--timeout` says of events.
const JOIN_WITHIN: Duration = Duration::from_secs(60);
/// How long a member that was given nothing may be about to be given something: a coordinator deals
/// out in the background, and tells with the next heartbeat.
const EMPTY_WITHIN: Duration = Duration::from_secs(10);

/// Reads and prints events.
pub(super) async fn run(
    consume: &Consume,
    settings: Settings,
    style: Style,
    context: &Context,
) -> Result {
    let client = Client::connect(settings.client).await?;
    let selection = selection(consume, &client).await?;
    let consumer = GroupConsumer::new(client, settings.consumer, settings.group, selection)?;
    let mut member = Member {
        consume,
        context,
        consumer,
        printer: Printer::new(style, context.output.has_header).decoding(consume.is_decoded()),
        terminate: signal(SignalKind::terminate())?,
        settled_at: None,
        idle_since: None,
        is_told: false,
    };
    let outcome = member.read().await;
    let finished = member.printer.finish();
    let closed = member.consumer.close().await;
    let concluded = conclude(outcome, finished, &member.printer, context);
    concluded.and(closed.map_err(Failure::from))
}

async fn selection(consume: &Consume, client: &Client) -> Result<Selection> {
    if let Some(regex) = &consume.regex {
        let matches = regex.clone();
        return Ok(Selection::Pattern {
            // The coordinator wants the whole name to match.
            text: format!(".*(?:{regex}).*"),
            matches: Arc::new(move |name| matches.is_match(name)),
        });
    }
    for name in &consume.topics {
        topics::find(client, name).await?;
    }
    let names = consume.topics.iter().map(String::as_str);
    Ok(Selection::topics(names))
}

struct Member<'a> {
    consume: &'a Consume,
    context: &'a Context,
    consumer: GroupConsumer,
    printer: Printer,
    terminate: Signal,
    /// Since when the group has dealt out its partitions.
    settled_at: Option<Instant>,
    /// Since when nothing has come, the group having found itself.
    idle_since: Option<Instant>,
    is_told: bool,
}

impl Member<'_> {
    async fn read(&mut self) -> Result<End> {
        let idle_max = self.consume.idle_max(self.context);
        let begun = Instant::now();
        if self.consume.max_messages == Some(0) {
            return Ok(End::Done);
        }
        loop {
            let idle_left = self.idle_left(idle_max, begun);
            let records = tokio::select! {
                records = self.consumer.poll(idle_left.min(POLL_WAIT)) => records,
                () = self.context.interrupt.cancelled() => return Ok(End::Interrupted),
                _ = self.terminate.recv() => return Ok(End::Interrupted),
            };
            self.tell_of_changes();
            let records = records?;
            if self.is_settled() {
                self.idle_since.get_or_insert_with(Instant::now);
            }
            if !records.is_empty() {
                self.idle_since = Some(Instant::now());
            }
            if self.print(&records)? {
                return Ok(End::Done);
            }
            let trouble = self.consumer.trouble();
            let trouble = trouble.as_ref().map(|(age, error)| (*age, error));
            tell_of_trouble(trouble, &mut self.is_told, self.context);
            if self.consume.exit_at_end && self.is_settled() && self.is_at_end() {
                return Ok(End::Done);
            }
            if records.is_empty() && self.idle_left(idle_max, begun).is_zero() {
                return self.stopped();
            }
        }
    }

    /// Prints events. `true` if that was enough. What was not printed is left to the group.
    fn print(&mut self, records: &[ConsumerRecord]) -> Result<bool> {
        for (index, record) in records.iter().enumerate() {
            if !self.consume.grep.iter().all(|grep| grep.matches(record)) {
                continue;
            }
            let printed = self.printer.print(record);
            let is_enough = self.consume.max_messages == Some(self.printer.printed_count());
            if printed.is_err() || is_enough {
                let rest = if is_enough { index + 1 } else { 0 };
                self.give_back(records.get(rest..).unwrap_or_default());
                printed?;
                return Ok(true);
            }
        }
        if let Err(error) = self.printer.flush() {
            self.give_back(records);
            return Err(error);
        }
        Ok(false)
    }

    /// These have not been printed: the group shall read them again.
    fn give_back(&mut self, records: &[ConsumerRecord]) {
        let mut firsts = BTreeMap::new();
        for record in records {
            let partition = TopicPartition::new(Arc::clone(&record.topic), record.partition);
            firsts.entry(partition).or_insert(record.offset);
        }
        for (partition, offset) in firsts {
            self.consumer.seek(&partition, offset);
        }
    }

    /// How long nothing may come from now on. Joining does not count, if it does not last.
    fn idle_left(&self, idle_max: Option<Duration>, begun: Instant) -> Duration {
        let Some(idle_max) = idle_max else {
            return POLL_WAIT;
        };
        match self.idle_since {
            Some(since) => idle_max.saturating_sub(since.elapsed()),
            None => idle_max.max(JOIN_WITHIN).saturating_sub(begun.elapsed()),
        }
    }

    /// Whether everything that this member has been given has been read.
    fn is_at_end(&self) -> bool {
        let is_read = |partition: &TopicPartition| {
            let position = self.consumer.position(partition);
            let end = self.consumer.high_watermark(partition);
            matches!((position, end), (Some(position), Some(end)) if position >= end)
        };
        let mut partitions = self.consumer.assignment().iter();
        partitions.all(is_read)
    }

    /// Whether the member has what it will have, as far as can be told.
    fn is_settled(&mut self) -> bool {
        if !self.consumer.is_settled() {
            self.settled_at = None;
            return false;
        }
        let since = self.settled_at.get_or_insert_with(Instant::now);
        !self.consumer.assignment().is_empty() || since.elapsed() >= EMPTY_WITHIN
    }

    /// Nothing has come for as long as was allowed. That is well while the brokers answer.
    fn stopped(&self) -> Result<End> {
        if let Some((_, error)) = self.consumer.trouble() {
            let message = format!("stopped while the brokers do not answer: {error}");
            return Err(Failure::new(Exit::Unreachable, message));
        }
        if self.idle_since.is_none() {
            let message = "stopped before the group had dealt out its partitions";
            return Err(Failure::new(Exit::Unreachable, message).hint(
                "another member may be holding up the rebalance: see `kcli group describe`",
            ));
        }
        Ok(End::Done)
    }

    fn tell_of_changes(&mut self) {
        let is_told = std::io::stderr().is_terminal();
        for change in self.consumer.take_changes() {
            let (what, partitions) = match &change {
                Change::Assigned(partitions) => ("assigned", partitions),
                Change::Revoked(partitions) => ("given up", partitions),
                Change::Lost(partitions) => ("lost to others", partitions),
            };
            if is_told && !partitions.is_empty() {
                let names: Vec<_> = partitions.iter().map(ToString::to_string).collect();
                self.context.remark(&format!("{what}: {}", names.join(" ")));
            }
        }
    }
}
