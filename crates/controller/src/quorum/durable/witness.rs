//! A second memory of how much the store holds at least.
//!
//! sled ends its log at the first damaged byte and opens as if nothing had been behind it. For most
//! uses that is a virtue; a voter that forgets a vote or an acknowledged entry can make a second
//! leader or undo a decision. So a small file of its own remembers the vote and the last log id:
//!
//! ```text
//! raise (vote, append): store durable ─▶ witness written ─▶ done is reported
//! lower (truncate):     witness durable ─▶ store truncated
//! ```
//!
//! In that order the store never holds less than its witness says, unless it lost something. The
//! witness of an append is not flushed by itself, only handed to the operating system: that costs
//! microseconds, survives `kill -9`, and after a power cut the witness may say less than it could,
//! never more. Two slots are written in turn, so that a torn write leaves the one before.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use prost::Message;
use rpc::proto::quorum::v1 as wire;

use super::{OpenError, Recovered};
use crate::quorum::files;
use crate::quorum::raft_types::{LogId, Vote};
use crate::quorum::wire::{log_id_to_wire, optional_log_id, vote_from_wire, vote_to_wire};

const FILE_NAME: &str = "witness";
/// Slots lie on pages of their own.
const SLOT_BYTES: u64 = 4096;
const SLOT_COUNT: u64 = 2;
const MAGIC: &[u8; 4] = b"RQW1";
/// Magic, length, checksum.
const HEADER_BYTES: usize = 12;
const PAYLOAD_BYTES_MAX: usize = 1024;

/// What a store holds at least.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Testimony {
    pub(super) vote: Option<Vote>,
    pub(super) last_log_id: Option<LogId>,
}

/// The file, open. Owned by the one thread that writes the store.
#[derive(Debug)]
pub(super) struct Witness {
    file: File,
    sequence: u64,
}

impl Witness {
    fn path(dir: &Path) -> PathBuf {
        dir.join(FILE_NAME)
    }

    /// Makes the file of a store that holds nothing yet. Not durable by itself.
    pub(super) fn create(dir: &Path) -> io::Result<()> {
        let slot = encode(0, &Testimony::default());
        let mut content = vec![0; as_len(SLOT_BYTES * SLOT_COUNT)];
        content[..slot.len()].copy_from_slice(&slot);
        files::write(&Self::path(dir), &[&content])?;
        Ok(())
    }

    /// Reads the newest slot that can be read.
    pub(super) fn open(dir: &Path) -> Result<(Self, Testimony), OpenError> {
        let path = Self::path(dir);
        let bytes = files::read(&path, SLOT_BYTES * SLOT_COUNT)?
            .ok_or_else(|| OpenError::Missing(FILE_NAME.to_owned()))?;
        let newest = bytes
            .chunks(as_len(SLOT_BYTES))
            .filter_map(decode)
            .max_by_key(|(sequence, _)| *sequence);
        let (sequence, testimony) = newest
            .ok_or_else(|| OpenError::Unreadable(format!("no part of {FILE_NAME} is intact")))?;
        let file = files::open_or_create(&path)?;
        Ok((Self { file, sequence }, testimony))
    }

    /// Writes the next slot. In the operating system's hands when this returns, no further.
    pub(super) fn write(&mut self, testimony: &Testimony) -> io::Result<()> {
        self.sequence += 1;
        let slot = encode(self.sequence, testimony);
        let offset = (self.sequence % SLOT_COUNT) * SLOT_BYTES;
        self.file.write_all_at(&slot, offset)
    }

    /// Writes the next slot, durably.
    pub(super) fn write_durably(&mut self, testimony: &Testimony) -> io::Result<()> {
        self.write(testimony)?;
        self.file.sync_data()
    }
}

impl Testimony {
    pub(super) fn of(recovered: &Recovered) -> Self {
        Self {
            vote: recovered.vote,
            last_log_id: recovered.last_log_id(),
        }
    }

    /// Compares what the store holds with what it is known to have held.
    pub(super) fn check(&self, held: &Self) -> Result<(), OpenError> {
        if held.vote < self.vote {
            let (known, found) = (text(self.vote.as_ref()), text(held.vote.as_ref()));
            let message = format!("it voted {known} and holds {found}");
            return Err(OpenError::Lost(message));
        }
        if held.last_log_id < self.last_log_id {
            let known = text(self.last_log_id.as_ref());
            let found = text(held.last_log_id.as_ref());
            let message = format!("its last entry was {known} and is {found}");
            return Err(OpenError::Lost(message));
        }
        Ok(())
    }
}

fn text(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

fn encode(sequence: u64, testimony: &Testimony) -> Vec<u8> {
    let payload = wire::Witness {
        sequence,
        vote: testimony.vote.as_ref().map(vote_to_wire),
        last_log_id: testimony.last_log_id.as_ref().map(log_id_to_wire),
    };
    let payload = payload.encode_to_vec();
    let length = u32::try_from(payload.len()).expect("two ids and a number are short");
    let mut slot = Vec::with_capacity(HEADER_BYTES + payload.len());
    slot.extend_from_slice(MAGIC);
    slot.extend_from_slice(&length.to_be_bytes());
    slot.extend_from_slice(&crc32c::crc32c(&payload).to_be_bytes());
    slot.extend_from_slice(&payload);
    slot
}

fn decode(slot: &[u8]) -> Option<(u64, Testimony)> {
    let (header, rest) = slot.split_at_checked(HEADER_BYTES)?;
    let (magic, numbers) = header.split_at_checked(MAGIC.len())?;
    let (length, checksum) = numbers.split_at_checked(4)?;
    let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
    if magic != MAGIC || length > PAYLOAD_BYTES_MAX {
        return None;
    }
    let payload = rest.get(..length)?;
    let intact = crc32c::crc32c(payload) == u32::from_be_bytes(checksum.try_into().ok()?);
    let witness = intact.then(|| wire::Witness::decode(payload).ok())??;
    let testimony = Testimony {
        vote: witness.vote.map(vote_from_wire).transpose().ok()?,
        last_log_id: optional_log_id(witness.last_log_id).ok()?,
    };
    Some((witness.sequence, testimony))
}

fn as_len(bytes: u64) -> usize {
    usize::try_from(bytes).expect("two pages fit into memory")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quorum::testing::log_id;

    fn testimony(index: u64) -> Testimony {
        Testimony {
            vote: Some(Vote::new(index, 1)),
            last_log_id: Some(log_id(1, index)),
        }
    }

    #[test]
    fn the_newest_slot_holds_and_a_torn_one_leaves_the_one_before() {
        let dir = tempfile::tempdir().expect("a folder");
        Witness::create(dir.path()).expect("created");
        for index in 1..=3 {
            let (mut witness, _) = Witness::open(dir.path()).expect("intact");
            witness.write(&testimony(index)).expect("written");
        }
        let (witness, newest) = Witness::open(dir.path()).expect("intact");
        assert_eq!(newest, testimony(3));
        // The third version lies in the second slot.
        witness
            .file
            .write_all_at(&[0xff], SLOT_BYTES + 14)
            .expect("written");
        let (witness, newest) = Witness::open(dir.path()).expect("one slot is left");
        assert_eq!(newest, testimony(2));
        witness.file.write_all_at(&[0xff], 14).expect("written");
        assert!(matches!(
            Witness::open(dir.path()),
            Err(OpenError::Unreadable(_))
        ));
    }

    #[test]
    fn a_store_may_hold_more_than_its_witness_and_never_less() {
        let known = testimony(5);
        assert!(known.check(&testimony(5)).is_ok());
        assert!(known.check(&testimony(6)).is_ok());
        assert!(matches!(
            known.check(&testimony(4)),
            Err(OpenError::Lost(_))
        ));
        assert!(known.check(&Testimony::default()).is_err());
        // A later term outranks a higher index.
        let shorter = Testimony {
            last_log_id: Some(log_id(2, 3)),
            ..testimony(5)
        };
        assert!(known.check(&shorter).is_ok());
    }
}
