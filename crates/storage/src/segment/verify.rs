//! Checksums of what a read found.
//!
//! ```text
//!   0                      held_from                 size
//!   │ may have come from disk │ written here, in memory │
//!   │ verified by every read  │ not verified            │
//! ```

use std::sync::atomic::Ordering;

use protocol::records::{BatchHeader, verify_crc};
use types::Offset;

use super::{Segment, Wanted};
use crate::ReadError;

/// How much of what was read is sound.
pub(super) struct Intact {
    pub(super) len: usize,
    pub(super) next_offset: Offset,
}

impl Segment {
    /// Bytes of this segment were read from the disk, or may be from now on: the kernel reads ahead, so any
    /// of those that were written so far.
    pub(super) fn on_read_from_disk(&self) {
        self.held_from
            .fetch_max(self.size_bytes(), Ordering::SeqCst);
    }

    /// How much of these batches, which begin at `position`, is sound; `None` if there is no reason to ask.
    /// Called after the read: what it had to wait for counts as read from the disk by then.
    pub(super) fn verify(
        &self,
        bytes: &[u8],
        position: u64,
        wanted: &Wanted,
    ) -> Result<Option<Intact>, ReadError> {
        let held_from = self.held_from.load(Ordering::SeqCst);
        let suspect = held_from.saturating_sub(position);
        if !wanted.verifies_crc || suspect == 0 {
            return Ok(None);
        }
        let suspect = usize::try_from(suspect).unwrap_or(usize::MAX);
        self.intact(bytes, suspect, position, wanted).map(Some)
    }

    /// The batches in front of the first damaged one: what is sound is served, and whoever reads on
    /// from there is told of the damage. Only those that begin within the first `suspect` bytes can be
    /// damaged.
    fn intact(
        &self,
        bytes: &[u8],
        suspect: usize,
        position: u64,
        wanted: &Wanted,
    ) -> Result<Intact, ReadError> {
        let mut intact = Intact {
            len: 0,
            next_offset: wanted.offset,
        };
        while let Some(rest) = bytes.get(intact.len..).filter(|rest| !rest.is_empty()) {
            let checked = BatchHeader::parse(rest)
                .map_err(|error| error.to_string())
                .and_then(|header| {
                    let batch = rest.get(..header.size_in_bytes());
                    let is_held = intact.len >= suspect;
                    match batch.is_some_and(|batch| is_held || verify_crc(batch)) {
                        true => Ok(header),
                        false => Err("the checksum does not match".to_owned()),
                    }
                });
            match checked {
                Ok(header) => {
                    intact.len += header.size_in_bytes();
                    intact.next_offset = header.next_offset();
                }
                Err(reason) if intact.len == 0 => {
                    return Err(self.bad(position, wanted, reason));
                }
                Err(_) => break,
            }
        }
        Ok(intact)
    }
}
