//! The drill's own reader, without a group: what it was given while the drill went on, and what is
//! there in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use client::{Admin, Client, Consumer, IsolationLevel, OffsetSpec, Settings};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::{Offset, PartitionIndex, TopicPartition};

use super::event::{Event, What};
use super::payload::Payload;
use super::verdict::Seen;
use crate::exit::Exit;
use crate::failure::{Failure, Result};

const POLL: Duration = Duration::from_millis(100);
/// After the end, so long for what is still on its way.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Reading back gives up when nothing has come for so long.
const STALLED: Duration = Duration::from_secs(30);
/// Between two tries after an error.
const PAUSE: Duration = Duration::from_millis(100);
/// Errors told.
const ERRORS_MAX: usize = 100;

/// A record as the reader was given it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delivered {
    pub(super) seen: Seen,
    pub(super) sent: Duration,
    pub(super) at: Duration,
}

/// All it was given.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) by_partition: BTreeMap<PartitionIndex, Vec<Delivered>>,
    pub(super) errors: Vec<Event>,
}

/// Where to read from.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) settings: Settings,
    pub(super) topic: String,
    pub(super) starts: BTreeMap<PartitionIndex, Offset>,
    pub(super) run: u64,
    pub(super) zero: Instant,
}

impl Reader {
    /// Reads until stopped, and a moment longer.
    pub(super) async fn live(self, stop: CancellationToken) -> Live {
        let mut live = Live::default();
        let mut positions = self.starts.clone();
        let mut last_words: Option<Instant> = None;
        let mut consumer: Option<Consumer> = None;
        loop {
            if stop.is_cancelled() {
                let until = *last_words.get_or_insert_with(|| Instant::now() + LAST_WORDS);
                if Instant::now() >= until {
                    return live;
                }
            }
            let Some(polled) = &mut consumer else {
                match self.consumer(&positions).await {
                    Ok(made) => consumer = Some(made),
                    Err(failure) => self.on_error(&mut live, failure.message).await,
                }
                continue;
            };
            match polled.poll(POLL).await {
                Ok(records) => {
                    if records.is_empty() && last_words.is_some() {
                        return live;
                    }
                    let at = self.zero.elapsed();
                    for record in &records {
                        positions.insert(record.partition, record.offset + 1);
                        let payload = record.value.as_deref().and_then(Payload::parse);
                        let Some(payload) = payload.filter(|it| it.run == self.run) else {
                            continue;
                        };
                        let delivered = Delivered {
                            seen: (record.offset, payload.sequence),
                            sent: Duration::from_micros(payload.sent_us),
                            at,
                        };
                        let seen = live.by_partition.entry(record.partition).or_default();
                        seen.push(delivered);
                    }
                }
                Err(error) => {
                    consumer = None;
                    self.on_error(&mut live, error.to_string()).await;
                }
            }
        }
    }

    async fn on_error(&self, live: &mut Live, text: String) {
        if live.errors.len() < ERRORS_MAX {
            let at = self.zero.elapsed();
            let what = What::Reader { text };
            live.errors.push(Event { at, what });
        }
        tokio::time::sleep(PAUSE).await;
    }

    async fn consumer(&self, positions: &BTreeMap<PartitionIndex, Offset>) -> Result<Consumer> {
        let client = Client::connect(self.settings.client.clone()).await?;
        let mut config = self.settings.consumer.clone();
        config.isolation_level = IsolationLevel::ReadUncommitted;
        config.reset = None;
        config.poll_records_max = config.poll_records_max.max(5_000);
        let mut consumer = Consumer::new(client, config);
        for (partition, offset) in positions {
            consumer.assign(self.partition(*partition), *offset);
        }
        Ok(consumer)
    }

    fn partition(&self, index: PartitionIndex) -> TopicPartition {
        TopicPartition::new(self.topic.as_str(), index)
    }

    /// Reads everything of this drill that is there now. `progress` is told how much has been read and
    /// how much there is.
    ///
    /// # Errors
    /// It cannot be read, or not in reasonable time; then nothing is proved.
    pub(super) async fn all(
        &self,
        progress: impl Fn(u64, u64),
    ) -> Result<BTreeMap<PartitionIndex, Vec<Seen>>> {
        let ends = self.offsets(OffsetSpec::Latest).await?;
        let firsts = self.offsets(OffsetSpec::Earliest).await?;
        let mut positions = self.starts.clone();
        for (partition, start) in &self.starts {
            let first = firsts.get(partition).copied().unwrap_or(0);
            if first > *start {
                return Err(Failure::failed(format!(
                    "partition {partition} now begins at offset {first}, the drill at {start}: records \
                     were deleted meanwhile, so nothing can be proved"
                ))
                .hint("raise retention.ms and retention.bytes of the topic"));
            }
        }
        let behind = |positions: &BTreeMap<PartitionIndex, Offset>| -> u64 {
            let left = ends.iter().map(|(partition, end)| {
                let position = positions.get(partition).copied().unwrap_or(*end);
                u64::try_from(end - position).unwrap_or(0)
            });
            left.sum()
        };
        let total = behind(&positions);
        let mut found: BTreeMap<PartitionIndex, Vec<Seen>> = BTreeMap::new();
        let mut consumer = self.consumer(&positions).await?;
        let mut last_progress = Instant::now();
        while behind(&positions) > 0 {
            let records = consumer.poll(POLL).await?;
            if !records.is_empty() {
                last_progress = Instant::now();
                progress(total - behind(&positions), total);
            }
            for record in records {
                let payload = record.value.as_deref().and_then(Payload::parse);
                if let Some(payload) = payload.filter(|payload| payload.run == self.run) {
                    let seen = found.entry(record.partition).or_default();
                    seen.push((record.offset, payload.sequence));
                }
            }
            for (partition, position) in &mut positions {
                if let Some(now) = consumer.position(&self.partition(*partition)) {
                    *position = now;
                }
            }
            if last_progress.elapsed() > STALLED {
                let message = "the records cannot be read back: nothing has come for 30 s";
                let why = consumer.trouble().map(|(_, error)| error.to_string());
                return Err(Failure::new(Exit::Unreachable, message).hint_if(why));
            }
        }
        Ok(found)
    }

    async fn offsets(&self, spec: OffsetSpec) -> Result<BTreeMap<PartitionIndex, Offset>> {
        let admin = Admin::new(Client::connect(self.settings.client.clone()).await?);
        let asked: Vec<_> = self
            .starts
            .keys()
            .map(|partition| (self.partition(*partition), spec))
            .collect();
        let found = admin
            .list_offsets(&asked, IsolationLevel::ReadUncommitted)
            .await?;
        let found = found.into_iter().map(|(key, found)| {
            let found = found?;
            Ok((key.partition, found.offset))
        });
        found.collect()
    }
}
