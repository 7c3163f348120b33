//! One producer: a record every so often, whatever happens.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use client::producer::{Delivery, Record};
use client::{Address, Producer, ProducerConfig};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{LoadSpec, to_bytes};
use crate::cluster::connect;
use crate::history::{Phase, Recorder, Tp, Value, What};

/// Records without an answer at most; beyond that nothing is sent, as a real program would do.
const UNANSWERED_MAX: usize = 2000;
/// Several records of one producer at a time, so that batches have more than one.
const BURST: u32 = 5;
const LINGER: Duration = Duration::from_millis(2);

/// Writes until `stop`, then waits for the last answers.
pub(super) async fn run(
    spec: Arc<LoadSpec>,
    bootstrap: Vec<Address>,
    recorder: Recorder,
    stop: CancellationToken,
) -> Result<()> {
    let id = recorder.new_client();
    let client = connect(bootstrap, &format!("producer-{id}")).await?;
    let config = ProducerConfig {
        linger: LINGER,
        delivery_timeout: spec.delivery_timeout,
        may_create_topics: false,
        ..ProducerConfig::default()
    };
    let producer = Producer::new(client, config)?;
    let mut writer = Writer {
        spec,
        recorder,
        producer,
        id,
        count: 0,
    };
    writer.run(stop).await;
    writer.producer.close().await;
    Ok(())
}

struct Writer {
    spec: Arc<LoadSpec>,
    recorder: Recorder,
    producer: Producer,
    id: u32,
    count: u32,
}

type Sent = (Tp, Value, Delivery);

impl Writer {
    async fn run(&mut self, stop: CancellationToken) {
        let mut turns = interval(Duration::from_secs(1) * BURST / self.spec.rate.max(1));
        turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut open = FuturesUnordered::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some((sent, answer)) = open.next() => self.on_answer(sent, answer),
                _turn = turns.tick(), if open.len() < UNANSWERED_MAX => {
                    for sent in self.burst().await {
                        open.push(async move {
                            let answer = sent.2.wait().await;
                            (sent, answer)
                        });
                    }
                }
            }
        }
        while let Some((sent, answer)) = open.next().await {
            self.on_answer(sent, answer);
        }
    }

    /// Several records to one partition; the next burst goes to the next one.
    async fn burst(&mut self) -> Vec<Sent> {
        let index = i32::try_from((self.count / BURST + self.id) % partitions(&self.spec));
        let index = index.unwrap_or(0);
        let mut sent = Vec::new();
        for _ in 0..BURST {
            self.count += 1;
            let value = u64::from(self.id) << 32 | u64::from(self.count);
            let tp = self.spec.tp(index);
            self.record(Phase::Invoke, &tp, value, None);
            let record = Record {
                topic: self.spec.topic.as_str().into(),
                partition: Some(index),
                value: Some(to_bytes(value, self.spec.value_bytes)),
                ..Record::default()
            };
            match self.producer.send(&record).await {
                Ok(delivery) => sent.push((tp, value, delivery)),
                // It was never handed over.
                Err(_error) => self.record(Phase::Fail, &tp, value, None),
            }
        }
        sent
    }

    /// An error is never proof here: behind the last refusal there may be an attempt whose answer
    /// was lost.
    fn on_answer(&self, sent: Sent, answer: client::Result<client::producer::Receipt>) {
        let (tp, value, _) = sent;
        match answer {
            Ok(receipt) => {
                let offset = (receipt.offset >= 0).then_some(receipt.offset);
                self.record(Phase::Ok, &tp, value, offset);
            }
            Err(error) => {
                self.record(Phase::Info, &tp, value, None);
                let text = error.to_string().into();
                self.recorder.record(self.id, What::Error { text });
            }
        }
    }

    fn record(&self, phase: Phase, tp: &Tp, value: Value, offset: Option<i64>) {
        let tp = Tp::clone(tp);
        let what = What::Send {
            phase,
            tp,
            value,
            offset,
        };
        self.recorder.record(self.id, what);
    }
}

fn partitions(spec: &LoadSpec) -> u32 {
    u32::try_from(spec.partition_count).unwrap_or(1).max(1)
}
