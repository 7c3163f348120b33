//! One producer.

use protocol::records::BatchHeader;
use types::{Offset, ProducerEpoch, TimestampMs};

/// Batches a producer may have in flight, and so batches of which a retry is recognised.
pub(crate) const WINDOW: usize = 5;

/// "No sequence".
pub(crate) const NO_SEQUENCE: i32 = -1;

/// What is kept of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchMeta {
    pub(crate) last_sequence: i32,
    /// Inclusive.
    pub(crate) last_offset: Offset,
    /// Last offset less first; also last sequence less first.
    pub(crate) offset_delta: i32,
    pub(crate) timestamp: TimestampMs,
}

impl BatchMeta {
    pub(crate) fn of(header: &BatchHeader) -> Self {
        Self {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        }
    }

    pub(crate) fn base_offset(&self) -> Offset {
        self.last_offset
            .saturating_sub(i64::from(self.offset_delta))
    }

    fn first_sequence(&self) -> i32 {
        let first = i64::from(self.last_sequence) - i64::from(self.offset_delta);
        // Sequences count modulo 2³¹.
        i32::try_from(first.rem_euclid(1 << 31)).unwrap_or(NO_SEQUENCE)
    }

    fn repeats(&self, header: &BatchHeader) -> bool {
        self.first_sequence() == header.base_sequence
            && self.last_sequence == header.last_sequence()
    }
}

/// One producer, as far as the log knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Producer {
    pub(crate) epoch: ProducerEpoch,
    /// The last batches of this epoch, oldest first.
    batches: Vec<BatchMeta>,
    /// Epoch of the last transaction coordinator that ended a transaction of this producer.
    pub(crate) coordinator_epoch: i32,
    /// First offset of the open transaction.
    pub(crate) transaction_start: Option<Offset>,
    /// The largest timestamp of the last batch or marker, as the producer put it.
    pub(crate) last_timestamp: TimestampMs,
    /// When the log last heard of the producer, by the broker's clock as far as it is known (else by
    /// the batch's timestamp). For expiry.
    pub(crate) last_seen_ms: TimestampMs,
}

impl Default for Producer {
    fn default() -> Self {
        Self {
            epoch: ProducerEpoch::NONE,
            batches: Vec::new(),
            coordinator_epoch: -1,
            transaction_start: None,
            last_timestamp: -1,
            last_seen_ms: 0,
        }
    }
}

impl Producer {
    /// A producer that takes up another epoch starts without batches.
    pub(crate) fn start_epoch(&mut self, epoch: ProducerEpoch) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.batches.clear();
        }
    }

    pub(crate) fn push(&mut self, batch: BatchMeta) {
        if self.batches.len() == WINDOW {
            self.batches.remove(0);
        }
        self.last_timestamp = batch.timestamp;
        self.batches.push(batch);
    }

    pub(crate) fn batches(&self) -> &[BatchMeta] {
        &self.batches
    }

    /// The last sequence of this epoch, -1 if the epoch has no batch.
    pub(crate) fn last_sequence(&self) -> i32 {
        self.batches
            .last()
            .map_or(NO_SEQUENCE, |batch| batch.last_sequence)
    }

    /// The batch that `header` repeats.
    pub(crate) fn find_duplicate(&self, header: &BatchHeader) -> Option<BatchMeta> {
        if header.producer_epoch != self.epoch {
            return None;
        }
        self.batches
            .iter()
            .find(|batch| batch.repeats(header))
            .copied()
    }
}
