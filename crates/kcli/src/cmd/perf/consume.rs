//! `kcli perf consume`.

use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::{Admin, Consumer, IsolationLevel, OffsetSpec, Reset};
use tokio::time::Instant;
use types::TopicPartition;

use super::meter::Meter;
use super::report;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::{complete, topics};

/// How long to wait for another event, unless --timeout says otherwise.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// Read events as fast as can be, from the oldest on.
#[derive(Debug, Args)]
pub(crate) struct Consume {
    /// From where
    #[arg(value_name = "TOPIC", add = ArgValueCompleter::new(complete::topics))]
    topic: String,
    /// Stop after so many events
    #[arg(short = 'n', long, visible_aliases = ["messages", "num-records"], value_name = "N")]
    records: Option<u64>,
    /// Only events that arrive from now on
    #[arg(long)]
    from_latest: bool,
}

/// Measures.
pub(crate) async fn run(consume: Consume, context: &Context) -> Result {
    let client = context.client().await?;
    let topic = topics::find(&client, &consume.topic).await?;
    let spec = match consume.from_latest {
        true => OffsetSpec::Latest,
        false => OffsetSpec::Earliest,
    };
    let partitions = topic.partitions.iter().map(|partition| {
        (
            TopicPartition::new(consume.topic.as_str(), partition.index),
            spec,
        )
    });
    let partitions: Vec<_> = partitions.collect();
    let admin = Admin::new(client.clone());
    let starts = admin
        .list_offsets(&partitions, IsolationLevel::ReadUncommitted)
        .await?;
    let mut config = context.settings.consumer.clone();
    config.reset = Some(Reset::Earliest);
    config.poll_records_max = config.poll_records_max.max(5000);
    let mut consumer = Consumer::new(client, config);
    for (partition, start) in starts {
        consumer.assign(partition, start?.offset);
    }
    let mut meter = Meter::new(consume.records, context)?;
    let idle_max = context.timeout_given.unwrap_or(IDLE_MAX);
    read(&consume, context, &mut consumer, &mut meter, idle_max).await?;
    meter.finish();
    report::print("consume", &meter, context)?;
    match context.interrupt.is_cancelled() {
        true => Err(Failure::reported(Exit::Interrupted)),
        false => Ok(()),
    }
}

async fn read(
    consume: &Consume,
    context: &Context,
    consumer: &mut Consumer,
    meter: &mut Meter,
    idle_max: Duration,
) -> Result {
    let mut last_event = Instant::now();
    loop {
        let left = idle_max.saturating_sub(last_event.elapsed());
        let records = tokio::select! {
            records = consumer.poll(left) => records?,
            () = context.interrupt.cancelled() => return Ok(()),
        };
        for record in &records {
            let size = |bytes: Option<&bytes::Bytes>| bytes.map_or(0, |b| b.len() as u64);
            meter.add(size(record.key.as_ref()) + size(record.value.as_ref()));
            if consume.records == Some(meter.count) {
                return Ok(());
            }
        }
        if records.is_empty() && last_event.elapsed() >= idle_max {
            // The time spent waiting for nothing is not part of the measurement.
            meter.started += last_event.elapsed();
            return Ok(());
        }
        if !records.is_empty() {
            last_event = Instant::now();
        }
    }
}
