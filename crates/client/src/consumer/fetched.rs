//! The records of one fetched answer, handed out bit by bit.

use std::collections::HashSet;

use protocol::messages::fetch::AbortedTransaction;
use protocol::records::{
    Batch, BatchError, BatchHeader, Batches, ControlRecord, EndTxnMarker, Outcome, RecordIter,
    TimestampType, split_batches,
};
use types::{Offset, TopicPartition};

use super::ConsumerRecord;
use super::position::Position;
use super::wire::PartitionAnswer;
use crate::{ConsumerConfig, Error, IsolationLevel, Result};

/// See the module.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) partition: TopicPartition,
    batches: Batches,
    current: Option<(BatchHeader, RecordIter)>,
    aborted: AbortedFilter,
    is_done: bool,
}

impl Fetched {
    pub(super) fn new(partition: TopicPartition, answer: PartitionAnswer) -> Self {
        Self {
            partition,
            batches: split_batches(answer.records),
            current: None,
            aborted: AbortedFilter::new(answer.aborted),
            is_done: false,
        }
    }

    /// Whether all has been handed out.
    pub(super) fn is_empty(&self) -> bool {
        self.is_done
    }

    /// Moves up to `room` records to `records` and the position forward.
    pub(super) fn take(
        &mut self,
        records: &mut Vec<ConsumerRecord>,
        room: usize,
        position: &mut Position,
        config: &ConsumerConfig,
    ) -> Result<()> {
        let until = records.len().saturating_add(room);
        while records.len() < until {
            let Some((header, iter)) = &mut self.current else {
                if !self.next_batch(position, config)? {
                    self.is_done = true;
                    return Ok(());
                }
                continue;
            };
            match iter.next() {
                None => {
                    // Compaction may have taken the last records of the batch.
                    position.next_offset = position.next_offset.max(header.next_offset());
                    self.current = None;
                }
                Some(record) => {
                    let record = record.map_err(|e| damaged(&self.partition, header, &e))?;
                    let offset = header.offset_at(record.offset_delta);
                    // A fetch returns whole batches, also what lies before the offset asked for.
                    if offset >= position.next_offset {
                        position.next_offset = offset + 1;
                        position.leader_epoch = header.partition_leader_epoch.0;
                        records.push(ConsumerRecord {
                            topic: self.partition.topic.clone(),
                            partition: self.partition.partition,
                            offset,
                            leader_epoch: header.partition_leader_epoch.0,
                            timestamp_ms: header.timestamp_at(record.timestamp_delta),
                            is_log_append_time: header.timestamp_type()
                                == TimestampType::LogAppendTime,
                            key: record.key,
                            value: record.value,
                            headers: record.headers,
                            producer_id: header.producer_id.0,
                            producer_epoch: header.producer_epoch.0,
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// Goes on to the next batch that has something for the application.
    fn next_batch(&mut self, position: &mut Position, config: &ConsumerConfig) -> Result<bool> {
        while let Some(batch) = self.batches.next() {
            let batch = match batch {
                Ok(batch) => batch,
                // Brokers may cut the last batch; it will be fetched again.
                Err(BatchError::Incomplete { .. }) => break,
                Err(error) => return Err(malformed(&self.partition, position.next_offset, &error)),
            };
            let header = batch.header;
            if config.checks_crc {
                batch
                    .check_crc()
                    .map_err(|e| damaged(&self.partition, &header, &e))?;
            }
            let is_committed = config.isolation_level == IsolationLevel::ReadCommitted;
            let is_hidden = is_committed && self.aborted.hides(&batch);
            if header.is_control() || is_hidden || header.next_offset() <= position.next_offset {
                position.next_offset = position.next_offset.max(header.next_offset());
                continue;
            }
            let records = batch.records(config.decompressed_bytes_max);
            let records = records.map_err(|e| damaged(&self.partition, &header, &e))?;
            self.current = Some((header, records));
            return Ok(true);
        }
        Ok(false)
    }
}

fn damaged(partition: &TopicPartition, header: &BatchHeader, error: &BatchError) -> Error {
    malformed(partition, header.base_offset, error)
}

fn malformed(partition: &TopicPartition, offset: Offset, error: &BatchError) -> Error {
    Error::Malformed {
        what: format!("batch at offset {offset} of {partition}"),
        reason: error.to_string(),
    }
}

/// Which batches belong to transactions that were aborted.
#[derive(Debug, Default)]
struct AbortedFilter {
    /// By first offset, last one first.
    upcoming: Vec<AbortedTransaction>,
    /// Producers in the middle of an aborted transaction.
    active: HashSet<i64>,
}

impl AbortedFilter {
    fn new(mut aborted: Vec<AbortedTransaction>) -> Self {
        aborted.sort_by_key(|transaction| std::cmp::Reverse(transaction.first_offset));
        Self {
            upcoming: aborted,
            active: HashSet::new(),
        }
    }

    /// Whether the application shall not see the batch. Batches come in order.
    fn hides(&mut self, batch: &Batch) -> bool {
        let header = &batch.header;
        while self
            .upcoming
            .last()
            .is_some_and(|t| t.first_offset <= header.last_offset())
        {
            let transaction = self.upcoming.pop();
            self.active.extend(transaction.map(|t| t.producer_id));
        }
        if header.is_control() {
            let abort = Outcome::Abort;
            let ends = batch.control_record().is_ok_and(|control| {
                matches!(control, Some(ControlRecord::EndTxn(EndTxnMarker { outcome, .. })) if outcome == abort)
            });
            if ends {
                self.active.remove(&header.producer_id.0);
            }
            return true;
        }
        header.is_transactional() && self.active.contains(&header.producer_id.0)
    }
}

#[cfg(test)]
#[path = "fetched_tests.rs"]
mod tests;
