//! The two changes a leader may make to a batch: its append time, and another codec.

use bytes::{Bytes, BytesMut};
use types::TimestampMs;

use super::batch::Batch;
use super::builder::{self, BuildError};
use super::compression::{self, Compression};
use super::crc;
use super::error::BatchError;
use super::header::{BatchHeader, HEADER_LEN, LOG_OVERHEAD, TimestampType};

/// Why a batch cannot be compressed anew.
#[derive(Debug, thiserror::Error)]
pub enum RecompressError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] BatchError),
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] BuildError),
}

/// The batch with every record's timestamp set to `now_ms`. Its CRC must be right.
#[must_use]
pub fn with_log_append_time(batch: &Batch, now_ms: TimestampMs) -> Batch {
    let mut header = batch.header;
    header.set_timestamp_type(TimestampType::LogAppendTime);
    header.max_timestamp = now_ms;
    with_header(batch, header)
}

/// The batch with its records' own timestamps, whose maximum is the header's word. Its CRC must be
/// right.
pub(super) fn with_create_time(batch: &Batch) -> Batch {
    let mut header = batch.header;
    header.set_timestamp_type(TimestampType::CreateTime);
    with_header(batch, header)
}

/// The batch with the true maximum of its records' timestamps. Its CRC must be right.
pub(super) fn with_max_timestamp(batch: &Batch, max_timestamp: TimestampMs) -> Batch {
    let mut header = batch.header;
    header.max_timestamp = max_timestamp;
    with_header(batch, header)
}

/// The batch with its records in another codec. The records are not looked at.
pub fn recompress(
    batch: &Batch,
    compression: Compression,
    limit_bytes: usize,
) -> Result<Batch, RecompressError> {
    let from = batch.header.compression()?;
    let records = compression::decompress(from, &batch.payload(), limit_bytes)?;
    let payload = match compression {
        Compression::None => records,
        _ => Bytes::from(builder::compress(compression, &records)?),
    };
    let mut header = batch.header;
    header.set_compression(compression);
    header.batch_length = i32::try_from(HEADER_LEN - LOG_OVERHEAD + payload.len())
        .map_err(|_too_large| BuildError::TooLarge)?;
    crc::seal(&mut header, &payload);
    Ok(join(header, &payload))
}

fn with_header(batch: &Batch, mut header: BatchHeader) -> Batch {
    crc::reseal(&batch.header, &mut header);
    join(header, batch.payload_slice())
}

fn join(header: BatchHeader, payload: &[u8]) -> Batch {
    let mut bytes = BytesMut::with_capacity(HEADER_LEN + payload.len());
    bytes.extend_from_slice(&header.encode());
    bytes.extend_from_slice(payload);
    Batch {
        header,
        bytes: bytes.freeze(),
    }
}
