//! Checksums of what a read found.
//!
//! ```text
//!   0             from                     to                      size
//!   │ was verified  │ may have come from disk │ written here, in memory │
//! ```

use protocol::records::{BatchHeader, verify_crc};
use types::Offset;

use super::{Segment, Wanted};
use crate::ReadError;

/// The part of a segment that may have come from the disk since anybody verified it: positions, the second
/// exclusive. What is in front of it or behind it was verified, or written by this process, and has not left
/// memory since, as far as it can know.
#[derive(Debug, Default)]
pub(super) struct Suspect {
    from: u64,
    to: u64,
    /// How often something came from the disk.
    arrivals: u64,
}

impl Suspect {
    /// Everything below this position.
    pub(super) fn below(position: u64) -> Self {
        Self {
            to: position,
            ..Self::default()
        }
    }

    fn is_nothing(&self) -> bool {
        self.from >= self.to
    }
}

/// How much of what was read is sound.
pub(super) struct Intact {
    pub(super) len: usize,
    pub(super) next_offset: Offset,
}

impl Segment {
    /// Bytes from `position` on were read from the disk, or may be from now on: the kernel reads ahead, so
    /// any of those that were written so far.
    pub(super) fn on_read_from_disk(&self, position: u64) {
        let mut suspect = self.suspect.lock();
        let is_first = suspect.is_nothing() || position < suspect.from;
        suspect.from = if is_first { position } else { suspect.from };
        suspect.to = self.size_bytes();
        suspect.arrivals += 1;
    }

    /// To be asked before a read that is to be verified.
    pub(super) fn arrivals(&self) -> u64 {
        self.suspect.lock().arrivals
    }

    /// How much of these batches, which begin at `position`, is sound; `None` if there is no reason to ask.
    /// They were read after `arrivals` was asked for: what has come from the disk since then may be other
    /// bytes than those that are verified here.
    pub(super) fn verify(
        &self,
        bytes: &[u8],
        position: u64,
        arrivals: u64,
        wanted: &Wanted,
    ) -> Result<Option<Intact>, ReadError> {
        let end = position + bytes.len() as u64;
        let (from, to) = {
            let suspect = self.suspect.lock();
            (suspect.from.max(position), suspect.to.min(end))
        };
        if !wanted.verifies_crc || from >= to {
            return Ok(None);
        }
        let suspect_bytes = usize::try_from(to - position).unwrap_or(usize::MAX);
        let intact = self.intact(bytes, suspect_bytes, position, wanted)?;
        let mut suspect = self.suspect.lock();
        let sound_end = position + intact.len as u64;
        if suspect.arrivals == arrivals && (position..sound_end).contains(&suspect.from) {
            suspect.from = sound_end;
        }
        Ok(Some(intact))
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
