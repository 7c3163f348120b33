//! `kcli perf produce`.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use clap_complete::ArgValueCompleter;
use client::producer::{Compression, Delivery, Record};
use client::{Acks, Producer};
use rand::RngExt as _;
use tokio::time::Instant;

use super::meter::Meter;
use super::report;
use crate::cmd::produce::{Pace, acks, codec, rate};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::note;
use crate::{complete, topics, when};

/// Events whose answer has not been looked at.
const OPEN_MAX: usize = 200_000;
/// Different payloads, so that compression has work to do but making them has not.
const PAYLOAD_COUNT: usize = 64;

/// Write events as fast as can be, or at a rate.
#[derive(Debug, Args)]
pub(crate) struct Produce {
    /// Where to
    #[arg(value_name = "TOPIC", add = ArgValueCompleter::new(complete::topics))]
    topic: String,
    /// How many events
    #[arg(
        short = 'n',
        long,
        visible_alias = "num-records",
        value_name = "N",
        default_value_t = 100_000
    )]
    records: u64,
    /// Bytes of each
    #[arg(
        long,
        visible_alias = "record-size",
        value_name = "BYTES",
        default_value_t = 1000
    )]
    size: usize,
    /// Stop after this time, even if events are left
    #[arg(long, value_name = "TIME", value_parser = when::duration)]
    duration: Option<Duration>,
    /// At most so many events a second
    #[arg(long, visible_alias = "throughput", value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    /// none, gzip, snappy, lz4 or zstd
    #[arg(short = 'z', long, value_name = "CODEC", value_parser = codec)]
    compression: Option<Compression>,
    /// Who must have an event: all, 1 or 0
    #[arg(long, value_name = "all|1|0", value_parser = acks)]
    acks: Option<Acks>,
    /// Without sequence numbers
    #[arg(long)]
    no_idempotence: bool,
}

/// Measures.
pub(crate) async fn run(produce: Produce, context: &Context) -> Result {
    let mut config = context.settings.producer.clone();
    config.compression = produce.compression.unwrap_or(config.compression);
    config.acks = produce.acks.unwrap_or(config.acks);
    config.is_idempotent &= !produce.no_idempotence;
    let client = context.client().await?;
    topics::find(&client, &produce.topic).await?;
    let producer = Producer::new(client, config)?;
    producer.learn(&produce.topic).await?;
    let mut meter = Meter::new(Some(produce.records), context)?;
    let mut open = VecDeque::new();
    send_all(&produce, &producer, context, &mut open, &mut meter).await?;
    {
        let flushed = producer.flush();
        tokio::pin!(flushed);
        loop {
            tokio::select! {
                () = &mut flushed => break,
                () = settle_next(&mut open, &mut meter, produce.size as u64) => {}
            }
        }
    }
    while !open.is_empty() {
        settle_next(&mut open, &mut meter, produce.size as u64).await;
    }
    meter.finish();
    report::print("produce", &meter, context)?;
    producer.close().await;
    match (context.interrupt.is_cancelled(), meter.failed) {
        (true, _) => Err(Failure::reported(Exit::Interrupted)),
        (false, 0) => Ok(()),
        (false, _) => Err(Failure::reported(Exit::Failed)),
    }
}

type Open = VecDeque<(Instant, Delivery)>;

async fn send_all(
    produce: &Produce,
    producer: &Producer,
    context: &Context,
    open: &mut Open,
    meter: &mut Meter,
) -> Result {
    let payloads = payloads(produce.size);
    let mut record = Record {
        topic: produce.topic.as_str().into(),
        ..Record::default()
    };
    let mut pace = Pace::new(produce.rate);
    for (_, payload) in (0..produce.records).zip(payloads.iter().cycle()) {
        let is_over = produce
            .duration
            .is_some_and(|max| meter.started.elapsed() >= max);
        if is_over || context.interrupt.is_cancelled() {
            break;
        }
        pace.wait().await;
        record.value = Some(payload.clone());
        let delivery = producer.send(&record).await?;
        open.push_back((Instant::now(), delivery));
        while open.front().is_some_and(|(_, delivery)| delivery.is_done()) || open.len() > OPEN_MAX
        {
            settle(open, meter, produce.size as u64).await;
        }
    }
    Ok(())
}

async fn settle_next(open: &mut Open, meter: &mut Meter, size_bytes: u64) {
    match open.is_empty() {
        true => std::future::pending().await,
        false => settle(open, meter, size_bytes).await,
    }
}

async fn settle(open: &mut Open, meter: &mut Meter, size_bytes: u64) {
    let Some((sent, delivery)) = open.front() else {
        return;
    };
    let (sent, outcome) = (*sent, delivery.wait().await);
    open.pop_front();
    match outcome {
        Ok(_) => {
            meter.add(size_bytes);
            meter.add_latency(sent.elapsed());
        }
        Err(error) => {
            meter.failed += 1;
            if meter.failed == 1 {
                note(&format!("error: {error}"));
            }
        }
    }
}

/// Letters and digits: neither constant nor noise.
fn payloads(size: usize) -> Vec<Bytes> {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = rand::rng();
    let mut payload = || {
        let bytes = (0..size).map(|_| LETTERS[random.random_range(0..LETTERS.len())]);
        bytes.collect::<Vec<u8>>().into()
    };
    (0..PAYLOAD_COUNT).map(|_| payload()).collect()
}
