//! A batch on its way: being filled, sealed, sent, perhaps sent again.

use std::sync::Arc;

use bytes::Bytes;
use protocol::records::{self, BatchBuilder, Compression, RecordHeader, crc32c};
use tokio::time::Instant;
use types::{ProducerEpoch, ProducerId};

use super::record::{Completion, Outcome};
use crate::{Error, Result};

/// Where the checksum begins: behind base offset, length, leader epoch, magic and itself.
const CRC_START: usize = 21;
/// Distance between the order numbers of two new batches, so that halves fit between.
const ORDER_STEP: u64 = 1 << 20;

/// An idempotent producer as the cluster knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) producer_id: ProducerId,
    pub(super) epoch: ProducerEpoch,
}

/// What makes a batch idempotent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) identity: Identity,
    pub(super) base_sequence: i32,
}

#[derive(Debug)]
enum Content {
    Open(BatchBuilder),
    Sealed(records::Batch),
}

/// See the module. Whoever waits for it is answered on every path: dropping it says "closed".
#[derive(Debug)]
pub(super) struct Batch {
    content: Option<Content>,
    stamp: Option<Stamp>,
    order: u64,
    order_step: u64,
    pub(super) created: Instant,
    pub(super) deadline: Instant,
    /// Bytes of the producer's buffer that it holds.
    pub(super) charged_bytes: usize,
    pub(super) last_error: Option<Error>,
    /// Whether a try of it ended without word on whether it was written. Then it may be in the log,
    /// whatever later tries are told, and its sequence numbers are never used for other records.
    pub(super) is_uncertain: bool,
    completion: Arc<Completion>,
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.completion.set(Outcome::Failed(Error::Closed));
    }
}

impl Batch {
    /// An empty batch, the `number`th of its producer.
    pub(super) fn new(
        number: u64,
        compression: Compression,
        created: Instant,
        deadline: Instant,
    ) -> Self {
        Self {
            content: Some(Content::Open(BatchBuilder::new(compression))),
            stamp: None,
            order: number.saturating_mul(ORDER_STEP),
            order_step: ORDER_STEP,
            created,
            deadline,
            charged_bytes: 0,
            last_error: None,
            is_uncertain: false,
            completion: Arc::default(),
        }
    }

    /// Its place among the batches of its partition.
    pub(super) fn order(&self) -> u64 {
        self.order
    }

    pub(super) fn completion(&self) -> &Arc<Completion> {
        &self.completion
    }

    pub(super) fn stamp(&self) -> Option<Stamp> {
        self.stamp
    }

    /// Whether records of so many bytes may still be added to keep it within `limit`. The first
    /// record always fits.
    pub(super) fn has_room(&self, record_bytes: usize, limit: usize) -> bool {
        match &self.content {
            Some(Content::Open(builder)) => {
                builder.is_empty() || builder.size_in_bytes() + record_bytes <= limit
            }
            _ => false,
        }
    }

    /// Bytes so far, before compression while it is open.
    pub(super) fn size_bytes(&self) -> usize {
        match &self.content {
            Some(Content::Open(builder)) => builder.size_in_bytes(),
            Some(Content::Sealed(batch)) => batch.bytes.len(),
            None => 0,
        }
    }

    pub(super) fn record_count(&self) -> i32 {
        match &self.content {
            Some(Content::Open(builder)) => builder.record_count(),
            Some(Content::Sealed(batch)) => batch.header.record_count,
            None => 0,
        }
    }

    pub(super) fn is_sealed(&self) -> bool {
        matches!(self.content, Some(Content::Sealed(_)))
    }

    /// Adds a record and returns its index. Only while open.
    pub(super) fn append(
        &mut self,
        timestamp_ms: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[RecordHeader],
    ) -> Result<i32> {
        let Some(Content::Open(builder)) = &mut self.content else {
            return Err(Error::Closed);
        };
        let appended = builder.append(timestamp_ms, key, value, headers);
        appended.map_err(|error| Error::InvalidRecord {
            reason: error.to_string(),
        })
    }

    /// Gives it the sequence numbers it will be known by, or takes them away.
    pub(super) fn set_stamp(&mut self, stamp: Option<Stamp>) {
        if self.stamp == stamp {
            return;
        }
        self.stamp = stamp;
        let (identity, sequence) = match stamp {
            Some(stamp) => (stamp.identity, stamp.base_sequence),
            None => (NO_IDENTITY, -1),
        };
        match &mut self.content {
            Some(Content::Open(builder)) => {
                builder.set_producer(identity.producer_id, identity.epoch, sequence);
            }
            Some(Content::Sealed(batch)) => *batch = restamped(batch, identity, sequence),
            None => {}
        }
    }

    /// Compresses and seals; again is no work. Returns the bytes to send.
    pub(super) fn seal(&mut self) -> Result<Bytes> {
        let content = self.content.take().ok_or(Error::Closed)?;
        let batch = match content {
            Content::Sealed(batch) => batch,
            Content::Open(builder) => builder.build().map_err(|error| Error::InvalidRecord {
                reason: error.to_string(),
            })?,
        };
        let bytes = batch.bytes.clone();
        self.content = Some(Content::Sealed(batch));
        Ok(bytes)
    }

    /// Ends it.
    pub(super) fn complete(self, outcome: Outcome) {
        self.completion.set(outcome);
    }

    /// Two batches of half the records each, as the broker found this one too large. Sequence
    /// numbers stay with their records, and this batch is over. `None`, and nothing happened, if it
    /// cannot be divided.
    pub(super) fn split(&mut self, limit_bytes: usize) -> Option<(Self, Self)> {
        let Some(Content::Sealed(sealed)) = &self.content else {
            return None;
        };
        let count = sealed.header.record_count;
        if count < 2 || self.order_step < 2 {
            return None;
        }
        let (first, second) = halves(sealed, count / 2, limit_bytes)?;
        let first_count = first.record_count();
        let second_order = self.order + self.order_step / 2;
        let second_stamp = self.stamp.map(|stamp| Stamp {
            base_sequence: add_to_sequence(stamp.base_sequence, first_count),
            ..stamp
        });
        let charged = std::mem::take(&mut self.charged_bytes);
        let first = self.half(first, self.order, self.stamp, charged);
        let second = self.half(second, second_order, second_stamp, 0);
        self.completion.set(Outcome::Split {
            first: Arc::clone(&first.completion),
            first_count,
            second: Arc::clone(&second.completion),
        });
        Some((first, second))
    }

    fn half(
        &self,
        builder: BatchBuilder,
        order: u64,
        stamp: Option<Stamp>,
        charged_bytes: usize,
    ) -> Self {
        let mut half = Self {
            content: Some(Content::Open(builder)),
            stamp: None,
            order,
            order_step: self.order_step / 2,
            created: self.created,
            deadline: self.deadline,
            charged_bytes,
            last_error: self.last_error.clone(),
            is_uncertain: self.is_uncertain,
            completion: Arc::default(),
        };
        half.set_stamp(stamp);
        half
    }
}

const NO_IDENTITY: Identity = Identity {
    producer_id: ProducerId::NONE,
    epoch: ProducerEpoch::NONE,
};

/// `sequence + count`, past `i32::MAX` counted on from 0.
pub(super) fn add_to_sequence(sequence: i32, count: i32) -> i32 {
    let sum = i64::from(sequence) + i64::from(count);
    i32::try_from(sum & i64::from(i32::MAX)).unwrap_or(0)
}

/// The same records under another producer or sequence: only the header and its checksum change.
fn restamped(batch: &records::Batch, identity: Identity, base_sequence: i32) -> records::Batch {
    let mut header = batch.header;
    header.producer_id = identity.producer_id;
    header.producer_epoch = identity.epoch;
    header.base_sequence = base_sequence;
    let mut bytes = batch.bytes.to_vec();
    let header_bytes = header.encode();
    bytes[..header_bytes.len()].copy_from_slice(&header_bytes);
    header.crc = crc32c(&bytes[CRC_START..]);
    bytes[..header_bytes.len()].copy_from_slice(&header.encode());
    records::Batch {
        header,
        bytes: bytes.into(),
    }
}

fn halves(
    sealed: &records::Batch,
    first_count: i32,
    limit_bytes: usize,
) -> Option<(BatchBuilder, BatchBuilder)> {
    let compression = sealed.header.compression().ok()?;
    let mut halves = (
        BatchBuilder::new(compression),
        BatchBuilder::new(compression),
    );
    for record in sealed.records(limit_bytes).ok()? {
        let record = record.ok()?;
        let half = match record.offset_delta < first_count {
            true => &mut halves.0,
            false => &mut halves.1,
        };
        let timestamp = sealed.header.base_timestamp + record.timestamp_delta;
        half.append(
            timestamp,
            record.key.as_deref(),
            record.value.as_deref(),
            &record.headers,
        )
        .ok()?;
    }
    Some(halves)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(records: i32) -> Batch {
        let now = Instant::now();
        let mut batch = Batch::new(1, Compression::Lz4, now, now);
        for i in 0..records {
            let index = batch.append(1000 + i64::from(i), None, Some(&[7; 50]), &[]);
            assert_eq!(index.expect("open"), i);
        }
        batch
    }

    fn stamp(base_sequence: i32) -> Stamp {
        Stamp {
            identity: Identity {
                producer_id: ProducerId(9),
                epoch: ProducerEpoch(1),
            },
            base_sequence,
        }
    }

    fn sent(batch: &mut Batch) -> records::Batch {
        let bytes = batch.seal().expect("seals");
        let parsed = records::Batch::parse(&bytes).expect("a batch");
        parsed.check_crc().expect("checksum");
        parsed
    }

    #[test]
    fn a_sealed_batch_takes_new_sequence_numbers_and_a_valid_checksum() {
        let mut batch = batch(3);
        batch.set_stamp(Some(stamp(5)));
        assert_eq!(sent(&mut batch).header.base_sequence, 5);
        batch.set_stamp(Some(stamp(100)));
        let header = sent(&mut batch).header;
        assert_eq!((header.base_sequence, header.producer_id.0), (100, 9));
    }

    #[test]
    fn halves_keep_order_and_sequence_numbers() {
        let mut whole = batch(5);
        whole.set_stamp(Some(stamp(i32::MAX - 1)));
        sent(&mut whole);
        let (mut first, mut second) = whole.split(1 << 20).expect("splits");
        assert!(first.order() < second.order());
        let (first, second) = (sent(&mut first).header, sent(&mut second).header);
        assert_eq!((first.record_count, first.base_sequence), (2, i32::MAX - 1));
        // Past the largest sequence number comes zero.
        assert_eq!((second.record_count, second.base_sequence), (3, 0));
        assert_eq!(second.base_timestamp, 1002);
    }

    #[test]
    fn one_record_cannot_be_divided() {
        let mut one = batch(1);
        sent(&mut one);
        assert!(one.split(1 << 20).is_none());
    }
}
