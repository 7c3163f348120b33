//! What a log knows of its idempotent and transactional producers: enough to tell a retry from a
//! new batch and a gap from the next one, and where the oldest open transaction starts.
//!
//! ```text
//!              window of five batches                 next sequence expected
//!   producer 7   [0‥4] [5‥5] [6‥9] [10‥10] [11‥14]    15   (after 2³¹-1 comes 0)
//!                  └ a batch equal to one of these is a retry: same offsets, no write
//! ```
//!
//! The state follows from the log alone. A [`snapshot`] only spares reading the log from its start;
//! after a truncation the state is read again from a snapshot at or below the cut.

mod check;
mod entry;
pub(crate) mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use protocol::records::{BatchHeader, EndTxnMarker};
use types::{Offset, ProducerEpoch, ProducerId, TimestampMs};

pub(crate) use check::Verdict;
pub(crate) use entry::{BatchMeta, Producer};

/// One producer, for `DescribeProducers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerDescription {
    /// The producer.
    pub producer_id: ProducerId,
    /// Its incarnation.
    pub producer_epoch: ProducerEpoch,
    /// Sequence of its last record, -1 if this incarnation has written none.
    pub last_sequence: i32,
    /// Largest timestamp of its last batch.
    pub last_timestamp: TimestampMs,
    /// Epoch of the coordinator that last ended a transaction of it, -1 if none has.
    pub coordinator_epoch: i32,
    /// First offset of its open transaction.
    pub transaction_start_offset: Option<Offset>,
}

/// The producers of one log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Producers {
    by_id: HashMap<ProducerId, Producer>,
    /// First offset of each open transaction.
    open: BTreeMap<Offset, ProducerId>,
    /// Transactions that ended, by first offset, until the high watermark has passed the marker.
    ended: BTreeMap<Offset, EndedTransaction>,
}

/// A transaction whose marker is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EndedTransaction {
    pub(crate) producer_id: ProducerId,
    pub(crate) first_offset: Offset,
    /// Offset of the marker. Inclusive.
    pub(crate) last_offset: Offset,
    pub(crate) is_aborted: bool,
}

impl Producers {
    /// How many producers are known.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, id: ProducerId) -> Option<&Producer> {
        self.by_id.get(&id)
    }

    pub(crate) fn describe(&self) -> Vec<ProducerDescription> {
        let describe = |(id, producer): (&ProducerId, &Producer)| ProducerDescription {
            producer_id: *id,
            producer_epoch: producer.epoch,
            last_sequence: producer.last_sequence(),
            last_timestamp: producer.last_timestamp,
            coordinator_epoch: producer.coordinator_epoch,
            transaction_start_offset: producer.transaction_start,
        };
        self.by_id.iter().map(describe).collect()
    }

    /// Where the last batch of every producer ends. Inclusive.
    pub(crate) fn last_offsets(&self) -> HashMap<ProducerId, Offset> {
        let last = |(id, producer): (&ProducerId, &Producer)| {
            let batch = producer.batches().last()?;
            Some((*id, batch.last_offset))
        };
        self.by_id.iter().filter_map(last).collect()
    }

    /// Takes in a batch that is in the log: appended just now, copied from the leader, or read
    /// again. `seen_ms` is when, for expiry.
    pub(crate) fn on_batch(&mut self, header: &BatchHeader, seen_ms: TimestampMs) {
        if !header.has_producer() || header.is_control() {
            return;
        }
        let producer = self.entry(header.producer_id);
        producer.start_epoch(header.producer_epoch);
        producer.push(BatchMeta::of(header));
        producer.last_seen_ms = seen_ms;
        if header.is_transactional() && producer.transaction_start.is_none() {
            producer.transaction_start = Some(header.base_offset);
            self.open.insert(header.base_offset, header.producer_id);
        }
    }

    /// Takes in the end of a transaction. Returns it, if one was open.
    pub(crate) fn on_marker(
        &mut self,
        header: &BatchHeader,
        marker: EndTxnMarker,
        seen_ms: TimestampMs,
    ) -> Option<EndedTransaction> {
        if !header.has_producer() {
            return None;
        }
        let producer = self.entry(header.producer_id);
        producer.start_epoch(header.producer_epoch);
        producer.coordinator_epoch = marker.coordinator_epoch;
        producer.last_timestamp = header.max_timestamp;
        producer.last_seen_ms = seen_ms;
        let first_offset = producer.transaction_start.take()?;
        self.open.remove(&first_offset);
        let ended = EndedTransaction {
            producer_id: header.producer_id,
            first_offset,
            last_offset: header.last_offset(),
            is_aborted: marker.outcome == protocol::records::Outcome::Abort,
        };
        self.ended.insert(first_offset, ended);
        Some(ended)
    }

    fn entry(&mut self, id: ProducerId) -> &mut Producer {
        self.by_id.entry(id).or_default()
    }

    /// First offset of the oldest transaction whose outcome a reader at `high_watermark` cannot
    /// know: still open, or ended by a marker that is not replicated.
    pub(crate) fn first_unstable_offset(&self, high_watermark: Offset) -> Option<Offset> {
        let open = self.open.keys().next().copied();
        let undecided = |t: &&EndedTransaction| t.last_offset >= high_watermark;
        let ended = self.ended.values().find(undecided).map(|t| t.first_offset);
        [open, ended].into_iter().flatten().min()
    }

    /// Forgets ended transactions that `high_watermark` has passed.
    pub(crate) fn on_high_watermark(&mut self, high_watermark: Offset) {
        if !self.ended.is_empty() {
            self.ended.retain(|_, t| t.last_offset >= high_watermark);
        }
    }

    /// Forgets producers that have been silent for `expiration_ms`, unless a transaction of theirs
    /// is open.
    pub(crate) fn expire(&mut self, now_ms: TimestampMs, expiration_ms: i64) {
        self.by_id.retain(|_, producer| {
            producer.transaction_start.is_some()
                || now_ms.saturating_sub(producer.last_seen_ms) < expiration_ms
        });
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
