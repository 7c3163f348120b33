//! Taking records out of a batch, as compaction does.
//!
//! ```text
//!  batch   base offset 20, last offset 24, sequence 7    [20][21][22][23][24]
//!  after   base offset 20, last offset 24, sequence 7        [21]    [23]
//! ```
//!
//! What the batch says of itself stays: its offsets, sequence, producer, leader epoch, codec and the
//! clock of its timestamps. A batch that loses nothing is not written anew.

use std::ops::{ControlFlow, Range};

use bytes::Bytes;
use types::{Offset, TimestampMs};

use super::batch::Batch;
use super::builder::{self, BuildError};
use super::compression::{self, Compression};
use super::crc;
use super::error::BatchError;
use super::fault::Fault;
use super::header::{BatchHeader, HEADER_LEN, LOG_OVERHEAD, TimestampType};
use super::rewrite::RecompressError;
use super::varint;
use super::walk::Outline;

/// What decides about a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyedRecord<'a> {
    /// Its offset, which lies within its batch whatever the record says.
    pub offset: Offset,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Whether there is a value, be it empty. Without one the record is a tombstone.
    pub has_value: bool,
}

/// How many records of a batch stay and go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sifted {
    /// Those that stay.
    pub kept_count: u32,
    /// Those that go.
    pub dropped_count: u32,
}

/// Takes records out of batches, one batch after the other. Its buffers are used again.
#[derive(Debug)]
pub struct RecordFilter {
    limit_bytes: usize,
    /// The records of the batch sifted last, decompressed.
    records: Bytes,
    kept: Vec<Kept>,
    output: Vec<u8>,
}

/// A record that stays.
#[derive(Debug)]
struct Kept {
    /// With the size field.
    whole: Range<usize>,
    /// Behind the timestamp delta.
    rest: Range<usize>,
    attributes: u8,
    timestamp_delta: i64,
}

impl RecordFilter {
    /// Decompresses at most `limit_bytes` of a batch's records.
    #[must_use]
    pub fn new(limit_bytes: usize) -> Self {
        Self {
            limit_bytes,
            records: Bytes::new(),
            kept: Vec::new(),
            output: Vec::new(),
        }
    }

    /// Shows all records of a batch to `see`, until it breaks off.
    ///
    /// # Errors
    /// If the records are damaged or larger than the limit.
    pub fn for_each(
        &mut self,
        batch: &Batch,
        mut see: impl FnMut(KeyedRecord<'_>) -> ControlFlow<()>,
    ) -> Result<(), BatchError> {
        self.read(batch, |_, record, _| see(record))
    }

    /// Asks `keep` about every record of a batch. What it said is what [`rewrite`](Self::rewrite)
    /// does.
    ///
    /// # Errors
    /// If the records are damaged or larger than the limit.
    pub fn sift(
        &mut self,
        batch: &Batch,
        mut keep: impl FnMut(KeyedRecord<'_>) -> bool,
    ) -> Result<Sifted, BatchError> {
        let mut sifted = Sifted::default();
        self.read(batch, |kept, record, place| {
            if keep(record) {
                sifted.kept_count += 1;
                kept.push(place);
            } else {
                sifted.dropped_count += 1;
            }
            ControlFlow::Continue(())
        })?;
        Ok(sifted)
    }

    /// The batch with the records that the last [`sift`](Self::sift) of it kept, of which there must be
    /// one at least. With `delete_horizon_ms` its header says from then on when its tombstones may go.
    ///
    /// # Errors
    /// If the result cannot be compressed or is too large.
    pub fn rewrite(
        &mut self,
        batch: &Batch,
        delete_horizon_ms: Option<TimestampMs>,
    ) -> Result<(BatchHeader, &[u8]), RecompressError> {
        let mut header = batch.header;
        if let Some(horizon) = delete_horizon_ms {
            header.set_delete_horizon(horizon);
        }
        if header.timestamp_type() == TimestampType::CreateTime {
            let timestamps = self.kept.iter().map(|kept| kept.timestamp(&batch.header));
            header.max_timestamp = timestamps.max().unwrap_or(header.max_timestamp);
        }
        header.record_count = len_field(self.kept.len())?;
        self.output.clear();
        self.output.resize(HEADER_LEN, 0);
        self.put_records(&batch.header, &header)?;
        let codec = header.compression()?;
        if codec != Compression::None {
            let compressed = builder::compress(codec, &self.output[HEADER_LEN..])?;
            self.output.truncate(HEADER_LEN);
            self.output.extend_from_slice(&compressed);
        }
        header.batch_length = len_field(self.output.len() - LOG_OVERHEAD)?;
        crc::seal(&mut header, &self.output[HEADER_LEN..]);
        self.output[..HEADER_LEN].copy_from_slice(&header.encode());
        Ok((header, &self.output))
    }

    /// Appends the kept records. Their bytes stay as they are unless what their timestamps are counted
    /// from has changed.
    fn put_records(&mut self, old: &BatchHeader, new: &BatchHeader) -> Result<(), BuildError> {
        for kept in &self.kept {
            if old.base_timestamp == new.base_timestamp {
                let whole = self.records.get(kept.whole.clone()).unwrap_or_default();
                self.output.extend_from_slice(whole);
                continue;
            }
            let delta = kept.timestamp(old).saturating_sub(new.base_timestamp);
            let rest = self.records.get(kept.rest.clone()).unwrap_or_default();
            let size = 1 + varint::encoded_len(delta) + rest.len();
            varint::write_i32(&mut self.output, len_field(size)?);
            self.output.push(kept.attributes);
            varint::write_i64(&mut self.output, delta);
            self.output.extend_from_slice(rest);
        }
        Ok(())
    }

    fn read(
        &mut self,
        batch: &Batch,
        mut see: impl FnMut(&mut Vec<Kept>, KeyedRecord<'_>, Kept) -> ControlFlow<()>,
    ) -> Result<(), BatchError> {
        let codec = batch.header.compression()?;
        self.records = compression::decompress(codec, &batch.payload(), self.limit_bytes)?;
        self.kept.clear();
        let mut at = 0;
        for index in 0..batch.header.record_count {
            let found = Found::read(&self.records, at).map_err(|fault| fault.at(index, codec))?;
            at = found.place.whole.end;
            let header = &batch.header;
            let offset = header.offset_at(found.offset_delta);
            let record = KeyedRecord {
                // A liar must not speak for other batches.
                offset: offset.max(header.base_offset).min(header.last_offset()),
                key: found.key.and_then(|key| self.records.get(key)),
                has_value: found.has_value,
            };
            if see(&mut self.kept, record, found.place).is_break() {
                return Ok(());
            }
        }
        if at == self.records.len() {
            return Ok(());
        }
        Err(BatchError::TrailingBytes {
            record_count: batch.header.record_count,
        })
    }
}

impl Kept {
    fn timestamp(&self, header: &BatchHeader) -> TimestampMs {
        header.timestamp_at(self.timestamp_delta)
    }
}

/// A record among others.
struct Found {
    place: Kept,
    offset_delta: i32,
    key: Option<Range<usize>>,
    has_value: bool,
}

impl Found {
    /// The record that begins at `at`.
    fn read(records: &[u8], at: usize) -> Result<Self, Fault> {
        let mut rest = records.get(at..).unwrap_or_default();
        let size = varint::read_i32(&mut rest)?;
        let size = usize::try_from(size).map_err(|_negative| Fault::Record("negative size"))?;
        let body = rest.get(..size).ok_or(Fault::Record("ends early"))?;
        let end = records.len() - rest.len() + size;
        let mut after_timestamp = body;
        let attributes = varint::read_byte(&mut after_timestamp)?;
        varint::read_i64(&mut after_timestamp)?;
        let mut inside = body;
        let outline = Outline::read(&mut inside)?;
        let key_start = end - inside.len();
        let key_len = usize::try_from(outline.key_len).ok();
        inside = inside
            .get(key_len.unwrap_or(0)..)
            .ok_or(Fault::Record("the key does not fit"))?;
        Ok(Self {
            place: Kept {
                whole: at..end,
                rest: end - after_timestamp.len()..end,
                attributes,
                timestamp_delta: outline.timestamp_delta,
            },
            offset_delta: outline.offset_delta,
            key: key_len.map(|len| key_start..key_start + len),
            has_value: varint::read_i32(&mut inside)? >= 0,
        })
    }
}

fn len_field(len: usize) -> Result<i32, BuildError> {
    i32::try_from(len).map_err(|_too_large| BuildError::TooLarge)
}

/// What is left of a batch without records: a header that keeps its offsets, its producer's sequence
/// and its leader epoch.
#[must_use]
pub fn empty_batch(header: &BatchHeader) -> (BatchHeader, [u8; HEADER_LEN]) {
    let mut empty = *header;
    empty.set_compression(Compression::None);
    empty.clear_delete_horizon();
    empty.base_timestamp = header.max_timestamp;
    empty.record_count = 0;
    empty.batch_length = len_field(HEADER_LEN - LOG_OVERHEAD).unwrap_or(0);
    crc::seal(&mut empty, &[]);
    (empty, empty.encode())
}

#[cfg(test)]
mod tests {
    use types::{LeaderEpoch, ProducerEpoch, ProducerId};

    use super::*;
    use crate::records::{BatchBuilder, verify_crc, with_log_append_time};

    const LIMIT: usize = 1 << 20;

    /// Keys k0, k1, …; every third one is a tombstone.
    fn batch(codec: Compression) -> Batch {
        let mut builder = BatchBuilder::new(codec);
        for i in 0..7i64 {
            let key = format!("k{i}");
            let value = (i % 3 != 2).then(|| vec![b'v'; 40]);
            let timestamp = 1000 + (i * 37) % 5;
            let appended = builder.append(timestamp, Some(key.as_bytes()), value.as_deref(), &[]);
            appended.unwrap();
        }
        builder
            .set_producer(ProducerId(7), ProducerEpoch(2), 11)
            .set_base_offset(100)
            .set_leader_epoch(LeaderEpoch(4));
        builder.build().unwrap()
    }

    /// Offset, timestamp, key of each record.
    fn seen(batch: &Batch) -> Vec<(Offset, TimestampMs, Bytes)> {
        let records = batch.records(LIMIT).unwrap().map(|record| {
            let record = record.unwrap();
            let header = &batch.header;
            let offset = header.offset_at(record.offset_delta);
            let timestamp = header.timestamp_at(record.timestamp_delta);
            (offset, timestamp, record.key.unwrap())
        });
        records.collect()
    }

    fn rewritten(batch: &Batch, offsets: &[Offset], horizon: Option<TimestampMs>) -> Batch {
        let mut filter = RecordFilter::new(LIMIT);
        let sifted = filter
            .sift(batch, |record| offsets.contains(&record.offset))
            .unwrap();
        assert_eq!(sifted.kept_count as usize, offsets.len());
        assert_eq!(sifted.dropped_count as usize, 7 - offsets.len());
        let (header, bytes) = filter.rewrite(batch, horizon).unwrap();
        assert!(verify_crc(bytes));
        let rewritten = Batch::parse(&Bytes::copy_from_slice(bytes)).unwrap();
        assert_eq!(rewritten.header, header);
        rewritten
    }

    #[test]
    fn what_stays_keeps_its_offset_and_timestamp_in_every_codec() {
        for codec in Compression::ALL {
            let batch = batch(codec);
            for horizon in [None, Some(5_000_000)] {
                let after = rewritten(&batch, &[101, 102, 105], horizon);
                let mut expected = seen(&batch);
                expected.retain(|(offset, ..)| [101, 102, 105].contains(offset));
                assert_eq!(seen(&after), expected);
                let (old, new) = (&batch.header, &after.header);
                assert_eq!((new.base_offset, new.last_offset()), (100, 106));
                assert_eq!(new.last_sequence(), old.last_sequence());
                assert_eq!(new.partition_leader_epoch, LeaderEpoch(4));
                assert_eq!(new.compression(), Ok(codec));
                let max = expected.iter().map(|(_, timestamp, _)| *timestamp).max();
                assert_eq!(Some(new.max_timestamp), max);
                assert_eq!(new.delete_horizon_ms(), horizon);
            }
        }
    }

    #[test]
    fn append_time_and_an_older_delete_horizon_stay() {
        let stamped = with_log_append_time(&batch(Compression::None), 77_000);
        let first = rewritten(&stamped, &[102, 105], Some(90_000));
        assert_eq!(first.header.max_timestamp, 77_000);
        assert!(seen(&first).iter().all(|(_, at, _)| *at == 77_000));
        let mut filter = RecordFilter::new(LIMIT);
        filter.sift(&first, |record| record.offset == 105).unwrap();
        let (again, _) = filter.rewrite(&first, None).unwrap();
        assert_eq!(again.delete_horizon_ms(), Some(90_000));
    }

    #[test]
    fn a_batch_without_records_keeps_what_its_header_says() {
        let batch = batch(Compression::Zstd);
        let (header, bytes) = empty_batch(&batch.header);
        assert!(verify_crc(&bytes));
        let empty = Batch::parse(&Bytes::copy_from_slice(&bytes)).unwrap();
        assert_eq!(empty.header, header);
        assert_eq!(empty.records(LIMIT).unwrap().count(), 0);
        assert_eq!((header.base_offset, header.last_offset()), (100, 106));
        assert_eq!(header.last_sequence(), 17);
        assert_eq!(header.max_timestamp, batch.header.max_timestamp);
    }

    #[test]
    fn damaged_records_are_errors() {
        let whole = batch(Compression::None);
        let mut filter = RecordFilter::new(LIMIT);
        for at in HEADER_LEN..whole.bytes.len() {
            for bit in [1, 0x80] {
                let mut bytes = whole.bytes.to_vec();
                bytes[at] ^= bit;
                let damaged = Batch::parse(&bytes.into()).unwrap();
                // Whatever it says, it does not panic, and neither does writing it.
                if filter.sift(&damaged, |_| true).is_ok() {
                    drop(filter.rewrite(&damaged, Some(1)));
                }
            }
        }
        let mut liar = whole.clone();
        liar.header.last_offset_delta = 3;
        let mut seen = Vec::new();
        filter
            .sift(&liar, |record| {
                seen.push(record.offset);
                true
            })
            .unwrap();
        assert_eq!(seen, [100, 101, 102, 103, 103, 103, 103]);
        let mut fewer = whole;
        fewer.header.record_count = 3;
        let error = filter.sift(&fewer, |_| true).unwrap_err();
        assert_eq!(error, BatchError::TrailingBytes { record_count: 3 });
        let stopped = filter.for_each(&fewer, |_| ControlFlow::Break(()));
        assert_eq!(stopped, Ok(()));
    }
}
