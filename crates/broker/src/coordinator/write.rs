//! What a shard has decided becomes one batch of its partition.

use ::coordinator::Record;
use protocol::records::{BatchBuilder, Compression};
use types::{LeaderEpoch, Offset, TimestampMs};

use super::failure::WriteFailure;
use crate::partition::Partition;

/// Larger batches could not be carried to followers, nor be loaded. Shards refuse long before what would
/// make one; this is the last line.
const BATCH_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Appends the records as one batch, in that epoch. Returns where it ends (exclusive).
///
/// The bytes are in the page cache on return; the high watermark says when they cannot be lost.
pub(super) fn append(
    partition: &Partition,
    leader_epoch: LeaderEpoch,
    records: &[Record],
    now_ms: TimestampMs,
) -> Result<Offset, WriteFailure> {
    let mut builder = BatchBuilder::new(Compression::None);
    for record in records {
        let (key, value) = record.encode().map_err(WriteFailure::Encode)?;
        builder
            .append(now_ms, Some(&key), value.as_deref(), &[])
            .map_err(WriteFailure::Build)?;
        if builder.size_in_bytes() > BATCH_BYTES_MAX {
            return Err(WriteFailure::TooLarge);
        }
    }
    let batch = builder.build().map_err(WriteFailure::Build)?;
    let appended = partition.append_own(batch, leader_epoch);
    let appended = appended.map_err(WriteFailure::Append)?;
    Ok(appended.end_offset)
}
