//! The drill's own producer: numbered records to every partition in turn, at a steady rate, and what
//! became of each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use client::producer::{Delivery, Record, Trouble};
use client::{Acks, Client, Producer, Settings};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use types::{Offset, PartitionIndex};

use super::ledger::{Answer, Entry, Ledger, PartitionLedger, RECORDS_MAX};
use super::payload::Payload;
use crate::cmd::produce::Pace;
use crate::failure::Result;

const COLLECT_EVERY: Duration = Duration::from_millis(5);
/// The producer's pause between two tries: short, for it is the cluster that is measured.
const RETRY_BACKOFF: Duration = Duration::from_millis(20);
/// How long the producer itself goes on trying.
const DELIVERY_MAX: Duration = Duration::from_secs(120);
/// Troubles remembered.
const TROUBLES_MAX: usize = 10_000;

/// What to write.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) topic: Arc<str>,
    /// Partitions and where their logs ended before.
    pub(super) starts: BTreeMap<PartitionIndex, Offset>,
    pub(super) run: u64,
    pub(super) rate: f64,
    pub(super) size: usize,
    pub(super) acks: Acks,
    pub(super) zero: Instant,
    /// No further records; answers are still awaited.
    pub(super) stop: CancellationToken,
    /// How long answers are awaited then.
    pub(super) patience: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) ledger: Ledger,
    /// Errors that the producer met and tried to mend, by when.
    pub(super) troubles: Vec<(Duration, String)>,
    /// When the last record was handed over.
    pub(super) ended: Duration,
}

struct Open {
    sequence: u64,
    delivery: Delivery,
}

/// Writes until stopped, then waits for answers.
pub(super) async fn run(load: Load, settings: Settings) -> Result<Loaded> {
    let mut config = settings.producer.clone();
    config.acks = load.acks;
    config.is_idempotent = true;
    config.linger = Duration::ZERO;
    config.delivery_timeout = DELIVERY_MAX;
    let mut connection = settings.client.clone();
    connection.retry_backoff = RETRY_BACKOFF;
    connection.retry_backoff_max = RETRY_BACKOFF * 5;
    let producer = Producer::new(Client::connect(connection).await?, config)?;
    producer.learn(&load.topic).await?;
    let mut books = Books::new(&load);
    send_until_stopped(&load, &producer, &mut books).await?;
    books.loaded.ended = load.zero.elapsed();
    {
        let flushed = producer.flush();
        let awaited = timeout(load.patience, flushed);
        tokio::pin!(awaited);
        loop {
            let is_over = timeout(COLLECT_EVERY, &mut awaited).await.is_ok();
            books.collect(&producer);
            if is_over {
                break;
            }
        }
    }
    Ok(books.loaded)
}

async fn send_until_stopped(load: &Load, producer: &Producer, books: &mut Books) -> Result {
    let mut pace = Pace::new(Some(load.rate));
    let mut ticks = interval(COLLECT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let partitions: Vec<PartitionIndex> = load.starts.keys().copied().collect();
    for partition in partitions.iter().cycle().take(RECORDS_MAX) {
        loop {
            tokio::select! {
                biased;
                () = load.stop.cancelled() => return Ok(()),
                _ = ticks.tick() => books.collect(producer),
                () = pace.wait() => break,
            }
        }
        let sent = load.zero.elapsed();
        let sequence = books.next_sequence(*partition);
        let payload = Payload {
            run: load.run,
            sequence,
            sent_us: u64::try_from(sent.as_micros()).unwrap_or(u64::MAX),
        };
        let record = Record {
            topic: Arc::clone(&load.topic),
            partition: Some(*partition),
            value: Some(payload.to_bytes(load.size)),
            ..Record::default()
        };
        // A full buffer must not keep the drill from ending.
        let delivery = tokio::select! {
            delivery = producer.send(&record) => delivery?,
            () = load.stop.cancelled() => return Ok(()),
        };
        books.on_sent(*partition, sent, Open { sequence, delivery });
    }
    Ok(())
}

/// Deliveries whose answer is awaited, and the ledger.
struct Books {
    zero: Instant,
    open: BTreeMap<PartitionIndex, VecDeque<Open>>,
    loaded: Loaded,
}

impl Books {
    fn new(load: &Load) -> Self {
        let ledger = load.starts.iter().map(|(partition, start_offset)| {
            let ledger = PartitionLedger {
                start_offset: *start_offset,
                ..PartitionLedger::default()
            };
            (*partition, ledger)
        });
        Self {
            zero: load.zero,
            open: BTreeMap::new(),
            loaded: Loaded {
                ledger: ledger.collect(),
                ..Loaded::default()
            },
        }
    }

    fn next_sequence(&self, partition: PartitionIndex) -> u64 {
        let ledger = self.loaded.ledger.get(&partition);
        ledger.map_or(0, PartitionLedger::next_sequence)
    }

    fn on_sent(&mut self, partition: PartitionIndex, sent: Duration, open: Open) {
        let ledger = self.loaded.ledger.entry(partition).or_default();
        ledger.entries.push(Entry {
            sent,
            answer: Answer::None,
        });
        self.open.entry(partition).or_default().push_back(open);
    }

    /// Writes down the answers that are there. They come in the order of sending.
    fn collect(&mut self, producer: &Producer) {
        for (partition, open) in &mut self.open {
            let Some(ledger) = self.loaded.ledger.get_mut(partition) else {
                continue;
            };
            while let Some(result) = open.front().and_then(|open| open.delivery.result()) {
                let Some(done) = open.pop_front() else { break };
                let answer = match result {
                    Ok(receipt) => Answer::Acked {
                        offset: receipt.offset,
                        at: receipt.acked_at.saturating_duration_since(self.zero),
                    },
                    Err(error) => {
                        let at = self.zero.elapsed();
                        push_bounded(&mut self.loaded.troubles, (at, error.to_string()));
                        Answer::Failed { at }
                    }
                };
                let place = usize::try_from(done.sequence).unwrap_or(usize::MAX);
                if let Some(entry) = ledger.entries.get_mut(place) {
                    entry.answer = answer;
                }
            }
        }
        for trouble in producer.take_troubles() {
            let Trouble {
                at, node_id, error, ..
            } = trouble;
            let at = at.saturating_duration_since(self.zero);
            push_bounded(
                &mut self.loaded.troubles,
                (at, format!("broker {node_id}: {error}")),
            );
        }
    }
}

fn push_bounded<T>(items: &mut Vec<T>, item: T) {
    if items.len() < TROUBLES_MAX {
        items.push(item);
    }
}
