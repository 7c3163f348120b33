//! `.snapshot` files: the producers as of an offset.
//!
//! ```text
//!  | version 2 = 1 | crc 4 | count 4 | entry 46 | entry 46 | …
//!                          `-------- CRC-32C covers --------
//!  entry: id 8, epoch 2, last sequence 4, last offset 8, offset delta 4, timestamp 8,
//!         coordinator epoch 4, first offset of the open transaction 8 (-1: none)
//! ```
//!
//! Kafka writes one entry per producer, its last batch, and so forgets the other four of the window
//! at a restart. We write one entry per batch of the window, oldest first: Kafka, which lets a later
//! entry for a producer replace an earlier one, reads what it would have written itself, and we read
//! back the whole window.

use bytes::{Buf, BufMut};
use protocol::records::crc32c;
use types::{Offset, ProducerEpoch, ProducerId};

use super::Producers;
use super::entry::{BatchMeta, Producer};

const VERSION: i16 = 1;
const HEADER_LEN: usize = 10;
/// Where the checksum's range begins.
const CRC_START: usize = 6;
const ENTRY_LEN: usize = 46;
/// "None", for sequences, offsets and epochs.
const NONE: i64 = -1;

/// Why a snapshot cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SnapshotError {
    #[error("{0} bytes are no snapshot")]
    Length(usize),
    #[error("version {0} is unknown")]
    Version(i16),
    #[error("the checksum does not match")]
    Crc,
    #[error("entry {0} is malformed")]
    Entry(usize),
}

pub(crate) fn encode(producers: &Producers) -> Vec<u8> {
    let mut sorted: Vec<_> = producers.by_id.iter().collect();
    sorted.sort_by_key(|(id, _)| **id);
    let mut entries = Vec::new();
    let mut count = 0i32;
    for (id, producer) in sorted {
        let none = BatchMeta {
            last_sequence: -1,
            last_offset: NONE,
            offset_delta: 0,
            timestamp: producer.last_timestamp,
        };
        let batches = match producer.batches() {
            [] => &[none],
            batches => batches,
        };
        for (i, batch) in batches.iter().enumerate() {
            let is_last = i + 1 == batches.len();
            put_entry(&mut entries, *id, producer, batch, is_last);
            count += 1;
        }
    }
    let mut bytes = Vec::with_capacity(HEADER_LEN + entries.len());
    bytes.put_i16(VERSION);
    bytes.put_u32(0);
    bytes.put_i32(count);
    bytes.extend(entries);
    let crc = crc32c(bytes.get(CRC_START..).unwrap_or_default());
    if let Some(field) = bytes.get_mut(2..CRC_START) {
        field.copy_from_slice(&crc.to_be_bytes());
    }
    bytes
}

fn put_entry(
    out: &mut Vec<u8>,
    id: ProducerId,
    producer: &Producer,
    batch: &BatchMeta,
    is_last: bool,
) {
    // Only the last entry speaks for the transaction, or Kafka would open one for each.
    let transaction_start = producer.transaction_start.filter(|_| is_last);
    let timestamp = if is_last {
        producer.last_timestamp
    } else {
        batch.timestamp
    };
    out.put_i64(id.0);
    out.put_i16(producer.epoch.0);
    out.put_i32(batch.last_sequence);
    out.put_i64(batch.last_offset);
    out.put_i32(batch.offset_delta);
    out.put_i64(timestamp);
    out.put_i32(producer.coordinator_epoch);
    out.put_i64(transaction_start.unwrap_or(NONE));
}

/// Reads a snapshot taken at `offset`. Entries that claim anything at or beyond it are malformed.
pub(crate) fn decode(bytes: &[u8], offset: Offset) -> Result<Producers, SnapshotError> {
    let Some(mut header) = bytes.get(..HEADER_LEN) else {
        return Err(SnapshotError::Length(bytes.len()));
    };
    let version = header.get_i16();
    let crc = header.get_u32();
    let count = header.get_i32();
    if version != VERSION {
        return Err(SnapshotError::Version(version));
    }
    if crc != crc32c(bytes.get(CRC_START..).unwrap_or_default()) {
        return Err(SnapshotError::Crc);
    }
    let entries = bytes.get(HEADER_LEN..).unwrap_or_default();
    if usize::try_from(count)
        .ok()
        .and_then(|n| n.checked_mul(ENTRY_LEN))
        != Some(entries.len())
    {
        return Err(SnapshotError::Length(bytes.len()));
    }
    let mut producers = Producers::default();
    for (i, entry) in entries.chunks_exact(ENTRY_LEN).enumerate() {
        take_entry(&mut producers, entry, offset).ok_or(SnapshotError::Entry(i))?;
    }
    let open = producers
        .by_id
        .iter()
        .filter_map(|(id, p)| Some((p.transaction_start?, *id)));
    producers.open = open.collect();
    Ok(producers)
}

/// `entry` is [`ENTRY_LEN`] long.
fn take_entry(producers: &mut Producers, mut entry: &[u8], end: Offset) -> Option<()> {
    let id = ProducerId(entry.get_i64());
    let epoch = ProducerEpoch(entry.get_i16());
    let last_sequence = entry.get_i32();
    let last_offset = entry.get_i64();
    let offset_delta = entry.get_i32();
    let timestamp = entry.get_i64();
    let coordinator_epoch = entry.get_i32();
    let transaction_start = entry.get_i64();
    let is_sound = id.is_known()
        && (NONE..end).contains(&last_offset)
        && (NONE..end).contains(&transaction_start)
        && offset_delta >= 0
        && last_sequence >= -1;
    if !is_sound {
        return None;
    }
    let producer = producers.entry(id);
    producer.start_epoch(epoch);
    if last_sequence >= 0 && last_offset >= 0 {
        producer.push(BatchMeta {
            last_sequence,
            last_offset,
            offset_delta,
            timestamp,
        });
    }
    producer.coordinator_epoch = coordinator_epoch;
    producer.last_timestamp = timestamp;
    producer.last_seen_ms = timestamp;
    producer.transaction_start = (transaction_start >= 0).then_some(transaction_start);
    Some(())
}
