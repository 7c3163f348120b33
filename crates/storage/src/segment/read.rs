//! Reading whole batches from one segment.
//!
//! ```text
//!  index entry     offset wanted                       max_bytes, or max_offset_exclusive
//!      ▼               ▼                                   ▼
//!  ────[batch][batch][batch][batch][batch][batch][batch][batch]──
//!      `------------------- one read ----------------------'
//!                    `------- returned: a slice of it ------'
//! ```

use std::io;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use protocol::records::{BatchHeader, HEADER_LEN};
use types::Offset;

use super::Segment;
use super::buffers::Buffer;
use super::index::OffsetEntry;
use crate::disk::DiskFile;
use crate::files::names::Kind;
use crate::{Error, ReadError};

/// Whether a read may wait for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Blocking,
    /// Only what is in memory.
    Cached,
}

/// What a reader asks of a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) offset: Offset,
    pub(crate) max_bytes: usize,
    pub(crate) max_offset_exclusive: Offset,
    pub(crate) min_one_batch: bool,
    pub(crate) mode: Mode,
    /// Whether checksums are verified of what may have come from the disk.
    pub(crate) verifies_crc: bool,
    pub(crate) index_interval_bytes: u64,
}

/// Whole batches of one segment.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) bytes: Bytes,
    pub(crate) first_offset: Offset,
    /// Exclusive.
    pub(crate) next_offset: Offset,
}

/// Which part of a buffer to return.
#[derive(Debug, Default)]
struct Part {
    start: usize,
    end: usize,
    first_offset: Offset,
    next_offset: Offset,
}

impl Part {
    /// A slice of the buffer; a copy if it would keep more memory than twice its own.
    fn of(&self, buffer: &Bytes) -> Bytes {
        let part = buffer.slice(self.start..self.end);
        if part.len() < buffer.len() / 2 {
            return Bytes::copy_from_slice(&part);
        }
        part
    }
}

/// How far a buffer led.
enum Walked {
    /// These batches.
    Part(Part),
    /// Nothing may be returned: the first batch is too large, or beyond the end.
    Nothing,
    /// Nothing yet; go on this much further, with a buffer of at least so many bytes.
    GoOn { skip: u64, at_least: usize },
}

/// Bytes of the file.
struct Content {
    bytes: Bytes,
    position: u64,
    /// Of before they were read: see [`Segment::verify`].
    arrivals: u64,
}

/// Where to begin looking.
struct Start {
    position: u64,
    /// How far the batch wanted may be from there.
    slack: usize,
    /// The index said so. It may be wrong.
    is_from_index: bool,
}

impl Segment {
    /// Reads from the batch that contains `wanted.offset`, or the next one. `None` if this segment
    /// has no such batch that may be returned.
    pub(crate) fn read(&self, wanted: &Wanted) -> Result<Option<Found>, ReadError> {
        let start = self.locate(wanted)?;
        let mut result = self.read_from(&start, wanted);
        if start.is_from_index && self.is_in_doubt(&result, wanted) {
            self.rebuild_indexes(wanted.index_interval_bytes)?;
            result = self.read_from(&self.locate(wanted)?, wanted);
        }
        if self.is_changed() {
            return Err(ReadError::Changed);
        }
        match result {
            // Whoever may block finds out what is damaged.
            Err(ReadError::Storage(_)) if wanted.mode == Mode::Cached => Err(ReadError::WouldBlock),
            result => result,
        }
    }

    /// Whether damage may be the index's only.
    fn is_in_doubt(&self, result: &Result<Option<Found>, ReadError>, wanted: &Wanted) -> bool {
        matches!(result, Err(ReadError::Storage(Error::Corrupt { .. })))
            && wanted.mode == Mode::Blocking
            && self.may_rebuild_indexes()
    }

    /// Yes once per segment, so that a damaged log is not scanned again and again.
    pub(crate) fn may_rebuild_indexes(&self) -> bool {
        let may = !self.is_changed() && !self.is_rebuilt.swap(true, Ordering::Relaxed);
        if may {
            let path = self.path(Kind::OffsetIndex);
            tracing::warn!(path = %path.display(), "index does not fit its log, building it anew");
        }
        may
    }

    fn read_from(&self, start: &Start, wanted: &Wanted) -> Result<Option<Found>, ReadError> {
        let size_bytes = self.size_bytes();
        let file = self.open_file().map_err(|e| self.read_error(e))?;
        let mut position = start.position;
        let mut at_least = HEADER_LEN.saturating_add(start.slack);
        let mut is_guess = start.is_from_index;
        if is_guess && position >= size_bytes {
            return Err(self.bad(position, wanted, "the index leads beyond the end"));
        }
        while position < size_bytes {
            let rest = usize::try_from(size_bytes - position).unwrap_or(usize::MAX);
            let slack = if is_guess { start.slack } else { 0 };
            let length = wanted
                .max_bytes
                .saturating_add(slack)
                .max(at_least)
                .min(rest);
            let content = self.read_buffer(&*file, position, length, wanted)?;
            if is_guess {
                self.check_guess(&content.bytes, position, wanted)?;
                is_guess = false;
            }
            match self.walk(&content.bytes, position, size_bytes, wanted)? {
                Walked::Part(part) => return self.found(&content, &part, wanted).map(Some),
                Walked::Nothing => return Ok(None),
                Walked::GoOn {
                    skip,
                    at_least: needed,
                } => {
                    position += skip;
                    at_least = needed;
                }
            }
        }
        Ok(None)
    }

    /// A batch boundary at or before the batch wanted.
    fn locate(&self, wanted: &Wanted) -> Result<Start, ReadError> {
        let exact = |position| Start {
            position,
            slack: 0,
            is_from_index: false,
        };
        if wanted.offset <= self.base_offset() {
            return Ok(exact(0));
        }
        if let Some(position) = self.cursors.find(wanted.offset) {
            return Ok(exact(position));
        }
        let entry = match (self.floor_in_memory(wanted.offset), wanted.mode) {
            (Some(entry), _) => entry,
            (None, Mode::Cached) => return Err(ReadError::WouldBlock),
            (None, Mode::Blocking) => self.floor(wanted)?,
        };
        let slack = usize::try_from(wanted.index_interval_bytes).unwrap_or(0) + HEADER_LEN;
        Ok(Start {
            position: entry.map_or(0, |entry| u64::try_from(entry.position).unwrap_or(0)),
            slack,
            is_from_index: entry.is_some(),
        })
    }

    /// The last index entry at or below `offset`, if memory alone can tell; `Some(None)` if there is
    /// none.
    fn floor_in_memory(&self, offset: Offset) -> Option<Option<OffsetEntry>> {
        let indexes = self.indexes.read();
        let entry = indexes.offsets.floor_in_memory(self.relative(offset));
        (entry.is_some() || indexes.offsets.is_all_in_memory()).then_some(entry)
    }

    /// The same from the file.
    fn floor(&self, wanted: &Wanted) -> Result<Option<OffsetEntry>, ReadError> {
        let key = self.relative(wanted.offset);
        let mut entry = self.indexes.read().offsets.floor(key);
        let is_missing = |e: &io::Error| e.kind() == io::ErrorKind::NotFound;
        if entry.as_ref().is_err_and(is_missing) && self.may_rebuild_indexes() {
            self.rebuild_indexes(wanted.index_interval_bytes)?;
            entry = self.indexes.read().offsets.floor(key);
        }
        match entry {
            Ok(entry) => Ok(entry),
            Err(error) if is_missing(&error) => Err(ReadError::Changed),
            Err(error) => Err(Error::io(&self.path(Kind::OffsetIndex), error).into()),
        }
    }

    fn read_buffer(
        &self,
        file: &dyn DiskFile,
        position: u64,
        length: usize,
        wanted: &Wanted,
    ) -> Result<Content, ReadError> {
        let mut buffer = Buffer::new(length);
        if wanted.mode == Mode::Blocking {
            self.on_read_from_disk(position);
        }
        let arrivals = self.arrivals();
        let read = match wanted.mode {
            Mode::Blocking => file.read_at(buffer.as_mut(), position),
            Mode::Cached => file.read_cached_at(buffer.as_mut(), position),
        };
        match read.map_err(|e| self.read_error(e)) {
            Ok(read) if read == length => Ok(Content {
                bytes: buffer.freeze(),
                position,
                arrivals,
            }),
            // What is missing may be on disk, and on its way from there: all or nothing.
            Ok(_) | Err(ReadError::WouldBlock) if wanted.mode == Mode::Cached => {
                self.on_read_from_disk(position);
                Err(ReadError::WouldBlock)
            }
            Ok(read) => Err(self.bad(position + read as u64, wanted, "the file ends early")),
            Err(error) => Err(error),
        }
    }

    /// An index entry is the last offset of the batch it points to, so that batch cannot begin
    /// beyond the offset wanted.
    fn check_guess(&self, buffer: &[u8], position: u64, wanted: &Wanted) -> Result<(), ReadError> {
        let header = BatchHeader::parse(buffer).map_err(|e| self.bad(position, wanted, e))?;
        if header.base_offset < self.base_offset() || header.base_offset > wanted.offset {
            let reason = format!("the index leads to offset {}", header.base_offset);
            return Err(self.bad(position, wanted, reason));
        }
        Ok(())
    }

    fn walk(
        &self,
        buffer: &[u8],
        position: u64,
        size_bytes: u64,
        wanted: &Wanted,
    ) -> Result<Walked, ReadError> {
        let mut at = 0;
        let mut part: Option<Part> = None;
        loop {
            let rest = buffer.get(at..).unwrap_or_default();
            let here = position + at as u64;
            if rest.len() < HEADER_LEN {
                break;
            }
            let header = BatchHeader::parse(rest).map_err(|e| self.bad(here, wanted, e))?;
            let size = header.size_in_bytes();
            if here + size as u64 > size_bytes {
                let reason = format!("the batch has {size} bytes, the segment ends before");
                return Err(self.bad(here, wanted, reason));
            }
            let is_before = header.next_offset() <= wanted.offset;
            if part.is_none() && is_before {
                at += size;
                continue;
            }
            if header.next_offset() > wanted.max_offset_exclusive {
                return Ok(part.map_or(Walked::Nothing, Walked::Part));
            }
            let is_first = part.is_none();
            let start = part.as_ref().map_or(at, |part| part.start);
            if at + size - start > wanted.max_bytes && !(is_first && wanted.min_one_batch) {
                return Ok(part.map_or(Walked::Nothing, Walked::Part));
            }
            if size > rest.len() {
                break;
            }
            let part = part.get_or_insert(Part {
                start,
                first_offset: header.base_offset,
                ..Part::default()
            });
            at += size;
            part.end = at;
            part.next_offset = header.next_offset();
        }
        match part {
            Some(part) => Ok(Walked::Part(part)),
            None => Ok(go_on(buffer, at)),
        }
    }

    fn found(&self, content: &Content, part: &Part, wanted: &Wanted) -> Result<Found, ReadError> {
        let mut bytes = part.of(&content.bytes);
        let mut next_offset = part.next_offset;
        let start = content.position + part.start as u64;
        if let Some(intact) = self.verify(&bytes, start, content.arrivals, wanted)? {
            bytes.truncate(intact.len);
            next_offset = intact.next_offset;
        }
        let end = start + bytes.len() as u64;
        self.cursors.advance(wanted.offset, next_offset, end);
        Ok(Found {
            bytes,
            first_offset: part.first_offset,
            next_offset,
        })
    }

    pub(super) fn bad(&self, position: u64, wanted: &Wanted, reason: impl ToString) -> ReadError {
        ReadError::Storage(Error::Corrupt {
            path: self.path(Kind::Log),
            position,
            offset: wanted.offset,
            reason: reason.to_string(),
        })
    }

    /// A file that is gone was deleted by retention or a truncation.
    fn read_error(&self, error: io::Error) -> ReadError {
        match error.kind() {
            io::ErrorKind::WouldBlock => ReadError::WouldBlock,
            io::ErrorKind::NotFound => ReadError::Changed,
            _ => Error::io(&self.path(Kind::Log), error).into(),
        }
    }
}

/// Where to go on when the buffer ended before a batch that may be returned.
fn go_on(buffer: &[u8], at: usize) -> Walked {
    let rest = buffer.get(at..).unwrap_or_default();
    let at_least = BatchHeader::parse(rest).map_or(HEADER_LEN, |header| header.size_in_bytes());
    Walked::GoOn {
        skip: at as u64,
        at_least,
    }
}
