//! Control batches: what the machinery tells itself through the log.
//!
//! ```text
//! key   | version i16 | type i16 |
//! value | version i16 | coordinator epoch i32 | …   (transaction markers)
//! ```

use bytes::{Buf, BufMut};
use types::{ProducerEpoch, ProducerId, TimestampMs};

use super::batch::Batch;
use super::builder::{BatchBuilder, BuildError};
use super::compression::Compression;
use super::error::BatchError;

/// Control records are a few bytes; nothing larger is read.
const CONTROL_BYTES_MAX: usize = 64 * 1024;
const VERSION: i16 = 0;
const ABORT: i16 = 0;
const COMMIT: i16 = 1;

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its records do not count.
    Abort,
    /// Its records count.
    Commit,
}

/// The end of a producer's transaction in one partition. The batch's header names the producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndTxnMarker {
    /// How it ended.
    pub outcome: Outcome,
    /// Epoch of the transaction coordinator that says so; an older one is fenced.
    pub coordinator_epoch: i32,
}

/// What a control batch says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlRecord {
    /// A transaction ended.
    EndTxn(EndTxnMarker),
    /// Something else: leader changes and snapshots of Kafka's own metadata log.
    Other {
        /// The type field.
        control_type: i16,
    },
}

impl ControlRecord {
    /// Reads the first record of a control batch.
    pub(super) fn read(batch: &Batch) -> Result<Option<Self>, BatchError> {
        if !batch.header.is_control() {
            return Ok(None);
        }
        let Some(record) = batch.records(CONTROL_BYTES_MAX)?.next().transpose()? else {
            return Ok(None);
        };
        let fault = |reason| BatchError::Record { index: 0, reason };
        let control_type = read_type(record.key.as_deref().unwrap_or_default())
            .ok_or(fault("a control record's key is too short"))?;
        let outcome = match control_type {
            ABORT => Outcome::Abort,
            COMMIT => Outcome::Commit,
            control_type => return Ok(Some(Self::Other { control_type })),
        };
        let coordinator_epoch = read_epoch(record.value.as_deref().unwrap_or_default())
            .ok_or(fault("a transaction marker's value is too short"))?;
        Ok(Some(Self::EndTxn(EndTxnMarker {
            outcome,
            coordinator_epoch,
        })))
    }
}

impl EndTxnMarker {
    /// The control batch that ends the transaction of that producer.
    pub fn to_batch(
        self,
        producer_id: ProducerId,
        producer_epoch: ProducerEpoch,
        timestamp: TimestampMs,
    ) -> Result<Batch, BuildError> {
        let mut key = Vec::with_capacity(4);
        key.put_i16(VERSION);
        key.put_i16(match self.outcome {
            Outcome::Abort => ABORT,
            Outcome::Commit => COMMIT,
        });
        let mut value = Vec::with_capacity(6);
        value.put_i16(VERSION);
        value.put_i32(self.coordinator_epoch);
        let mut builder = BatchBuilder::new(Compression::None);
        builder
            .set_producer(producer_id, producer_epoch, -1)
            .set_transactional(true)
            .set_control(true)
            .append(timestamp, Some(&key), Some(&value), &[])?;
        builder.build()
    }
}

/// Later versions may only add fields, so the version is not looked at.
fn read_type(mut key: &[u8]) -> Option<i16> {
    key.try_get_i16().ok()?;
    key.try_get_i16().ok()
}

fn read_epoch(mut value: &[u8]) -> Option<i32> {
    value.try_get_i16().ok()?;
    value.try_get_i32().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_says_what_was_put_in() {
        for outcome in [Outcome::Abort, Outcome::Commit] {
            let marker = EndTxnMarker {
                outcome,
                coordinator_epoch: 7,
            };
            let batch = marker
                .to_batch(ProducerId(5), ProducerEpoch(2), 1000)
                .unwrap();
            assert!(batch.header.is_control() && batch.header.is_transactional());
            assert_eq!(batch.header.last_sequence(), -1);
            let read = batch.control_record().unwrap();
            assert_eq!(read, Some(ControlRecord::EndTxn(marker)));
        }
    }

    #[test]
    fn a_batch_of_data_says_nothing() {
        let mut builder = BatchBuilder::new(Compression::None);
        builder.append(1, Some(b"k"), None, &[]).unwrap();
        assert_eq!(builder.build().unwrap().control_record(), Ok(None));
    }

    #[test]
    fn a_control_record_too_short_is_refused() {
        let mut builder = BatchBuilder::new(Compression::None);
        builder.set_control(true);
        builder.append(1, Some(&[0, 0, 0]), None, &[]).unwrap();
        assert!(builder.build().unwrap().control_record().is_err());
    }
}
