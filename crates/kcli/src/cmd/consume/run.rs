//! The loop: poll, sift, print, until it is enough.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::Duration;

use client::{Admin, Client, Consumer, Error, Reset};
use tokio::time::Instant;
use types::TopicPartition;

use super::args::Consume;
use super::bounds::Bounds;
use super::group;
use super::printer::Printer;
use super::start::{self, Part};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::note;

pub(super) const POLL_WAIT: Duration = Duration::from_secs(1);
/// How long something may go wrong before people are told.
const TOLD_AFTER: Duration = Duration::from_secs(3);

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Done,
    Interrupted,
}

/// Reads and prints events.
pub(crate) async fn run(consume: Consume, context: &Context) -> Result {
    consume.check()?;
    let style = consume.style(context.output.format)?;
    let settings = consume.settings(context)?;
    if !settings.group.group_id.is_empty() {
        return group::run(&consume, settings, style, context).await;
    }
    let (range, is_start_given) = consume.range(context)?;
    let mut config = settings.consumer;
    config.reset = Some(Reset::Earliest);
    let client = Client::connect(settings.client).await?;
    let admin = Admin::new(client.clone());
    let partitions = start::partitions(&consume, &admin).await?;
    let parts = start::parts(&admin, &partitions, range, config.isolation_level).await?;
    if !is_start_given {
        tell_of_earlier(&parts, context);
    }
    let mut consumer = Consumer::new(client, config);
    for (partition, part) in &parts {
        consumer.assign(partition.clone(), part.from);
    }
    let mut printer = Printer::new(style, context.output.has_header).decoding(consume.is_decoded());
    let bounds = Bounds::new(&parts);
    let reading = read(&consume, context, &mut consumer, &bounds, &mut printer);
    let outcome = reading.await;
    let finished = printer.finish();
    conclude(outcome, finished, &printer, context)
}

/// Says how much it was, and how it ended.
pub(super) fn conclude(
    outcome: Result<End>,
    finished: Result,
    printer: &Printer,
    context: &Context,
) -> Result {
    if !context.is_quiet {
        let count = printer.printed_count();
        note(&format!("Processed a total of {count} messages"));
    }
    let end = outcome?;
    finished?;
    match end {
        End::Done => Ok(()),
        End::Interrupted => Err(Failure::reported(Exit::Interrupted)),
    }
}

async fn read(
    consume: &Consume,
    context: &Context,
    consumer: &mut Consumer,
    bounds: &Bounds,
    printer: &mut Printer,
) -> Result<End> {
    let idle_max = consume.idle_max(context);
    let mut last_event = Instant::now();
    let mut is_told = false;
    if bounds.stop_finished(consumer) || consume.max_messages == Some(0) {
        return Ok(End::Done);
    }
    loop {
        let idle_left = idle_max.map(|max| max.saturating_sub(last_event.elapsed()));
        let wait = idle_left.map_or(POLL_WAIT, |left| left.min(POLL_WAIT));
        let records = tokio::select! {
            records = consumer.poll(wait) => records?,
            () = context.interrupt.cancelled() => return Ok(End::Interrupted),
        };
        if !records.is_empty() {
            last_event = Instant::now();
        }
        for record in &records {
            let is_wanted =
                bounds.contains(record) && consume.grep.iter().all(|grep| grep.matches(record));
            if is_wanted {
                printer.print(record)?;
                if consume.max_messages == Some(printer.printed_count()) {
                    return Ok(End::Done);
                }
            }
        }
        printer.flush()?;
        tell_of_trouble(consumer.trouble(), &mut is_told, context);
        if bounds.stop_finished(consumer) {
            return Ok(End::Done);
        }
        if idle_max.is_some_and(|max| last_event.elapsed() >= max) {
            return stopped(consumer, bounds);
        }
    }
}

/// Nothing has come for as long as was allowed. That is well where no end was asked for and the
/// brokers answer; else it is a failure, or half a topic would pass for a whole one.
fn stopped(consumer: &Consumer, bounds: &Bounds) -> Result<End> {
    let trouble = consumer.trouble().map(|(_, error)| error.to_string());
    let unfinished = bounds.unfinished(consumer);
    let Some((partition, position, end)) = unfinished.first() else {
        return match trouble {
            None => Ok(End::Done),
            Some(trouble) => {
                let message = format!("stopped while the brokers do not answer: {trouble}");
                Err(Failure::new(Exit::Unreachable, message))
            }
        };
    };
    let others = match unfinished.len() - 1 {
        0 => String::new(),
        n => format!(", and {n} other partitions"),
    };
    let message =
        format!("stopped before the end: {partition} was read to {position} of {end}{others}");
    let failure = Failure::new(Exit::Unreachable, message);
    Err(match trouble {
        Some(trouble) => failure.hint(format!("what kept it: {trouble}")),
        None => failure.hint("allow more time with --timeout"),
    })
}

/// A consumer tries for ever; people want to know why nothing comes.
pub(super) fn tell_of_trouble(
    trouble: Option<(Duration, &Error)>,
    is_told: &mut bool,
    context: &Context,
) {
    match trouble {
        Some((age, error)) if age >= TOLD_AFTER && !*is_told => {
            *is_told = true;
            context.remark(&format!("still trying: {error}"));
        }
        None if std::mem::take(is_told) => context.remark("connected again"),
        _ => {}
    }
}

/// People who forgot --from-beginning wait for ever; on a terminal they are told.
fn tell_of_earlier(parts: &BTreeMap<TopicPartition, Part>, context: &Context) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    let earlier: i64 = parts.values().map(|part| part.from - part.log_start).sum();
    let hint = match earlier {
        0 => String::new(),
        n => format!("; {n} earlier ones are there: --from-beginning or --offset -10 shows them"),
    };
    context.remark(&format!("waiting for new events{hint}"));
}
