//! Walks over the batches of a log file, in constant memory, trusting nothing.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use protocol::records::{BatchHeader, HEADER_LEN};
use types::Offset;

use crate::disk::DiskFile;

/// Bytes read at once.
const WINDOW_BYTES: usize = 128 * 1024;
/// Where the range of a batch's checksum begins.
const CRC_START: usize = 21;

/// A batch and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scanned {
    pub(crate) position: u64,
    pub(crate) header: BatchHeader,
}

impl Scanned {
    /// Where the next batch begins.
    pub(crate) fn end(&self) -> u64 {
        self.position + self.header.size_in_bytes() as u64
    }
}

/// Why a scan stopped before the end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The disk refused.
    Io(io::Error),
    /// What is at `position` is no sound batch that continues the log at `offset`.
    Bad {
        position: u64,
        offset: Offset,
        reason: String,
    },
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Scan {
    file: Arc<dyn DiskFile>,
    /// First offset of the segment.
    base_offset: Offset,
    /// Where the next batch begins.
    position: u64,
    /// Where the file ends, or the scan shall.
    end: u64,
    /// The least offset the next batch may have.
    next_offset: Offset,
    verifies_crc: bool,
    window: Vec<u8>,
    window_position: u64,
    /// Bytes to read at once; shrinks when batches are large and only headers are wanted.
    window_bytes: usize,
}

impl Scan {
    /// Scans the headers from `position`, which is a batch boundary, to `end`. `next_offset` is the
    /// least offset the batch there may have.
    pub(crate) fn headers(
        file: Arc<dyn DiskFile>,
        base_offset: Offset,
        position: u64,
        end: u64,
        next_offset: Offset,
    ) -> Self {
        Self {
            file,
            base_offset,
            position,
            end,
            next_offset,
            verifies_crc: false,
            window: Vec::new(),
            window_position: 0,
            window_bytes: WINDOW_BYTES,
        }
    }

    /// From the next batch on, verifies checksums as well.
    pub(crate) fn verify_crc(&mut self) {
        self.verifies_crc = true;
        self.window_bytes = WINDOW_BYTES;
    }

    /// Whether checksums are verified.
    pub(crate) fn is_verifying(&self) -> bool {
        self.verifies_crc
    }

    /// Where the next batch begins: after the last sound one.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The offset after the last sound batch. Exclusive.
    pub(crate) fn next_offset(&self) -> Offset {
        self.next_offset
    }

    /// The next batch; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Scanned>, Stop> {
        if self.position >= self.end {
            return Ok(None);
        }
        let header = self.header()?;
        let scanned = Scanned {
            position: self.position,
            header,
        };
        if self.verifies_crc {
            let computed = self.crc(&scanned)?;
            if computed != header.crc {
                let stored = header.crc;
                let reason = format!("crc is {computed:#010x}, the header says {stored:#010x}");
                return Err(self.bad(reason));
            }
        } else {
            let is_large = header.size_in_bytes() > WINDOW_BYTES / 4;
            self.window_bytes = if is_large { HEADER_LEN } else { WINDOW_BYTES };
        }
        self.position = scanned.end();
        self.next_offset = header.next_offset();
        Ok(Some(scanned))
    }

    /// The whole of a batch that was scanned.
    pub(crate) fn read_batch(&self, scanned: &Scanned) -> io::Result<Bytes> {
        let mut bytes = vec![0; scanned.header.size_in_bytes()];
        let read = self.file.read_at(&mut bytes, scanned.position)?;
        bytes.truncate(read);
        Ok(bytes.into())
    }

    fn bad(&self, reason: impl Into<String>) -> Stop {
        Stop::Bad {
            position: self.position,
            offset: self.next_offset,
            reason: reason.into(),
        }
    }

    fn header(&mut self) -> Result<BatchHeader, Stop> {
        let bytes = self.window_at(self.position, HEADER_LEN)?;
        let header = BatchHeader::parse(bytes).map_err(|e| self.bad(e.to_string()))?;
        let size = header.size_in_bytes() as u64;
        let rest = self.end - self.position;
        if size > rest {
            return Err(self.bad(format!("the batch has {size} bytes, the file {rest}")));
        }
        if header.base_offset < self.next_offset || header.last_offset_delta < 0 {
            let (base, last) = (header.base_offset, header.last_offset());
            return Err(self.bad(format!("offsets {base} to {last} do not continue the log")));
        }
        if header.last_offset() - self.base_offset > i64::from(i32::MAX) {
            let last = header.last_offset();
            return Err(self.bad(format!("offset {last} is out of the segment's reach")));
        }
        Ok(header)
    }

    fn crc(&mut self, scanned: &Scanned) -> Result<u32, Stop> {
        let mut position = scanned.position + CRC_START as u64;
        let end = scanned.end();
        let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
        while position < end {
            let rest = usize::try_from(end - position).unwrap_or(usize::MAX);
            let window = self.window_at(position, 1)?;
            let chunk = window.get(..rest.min(window.len())).unwrap_or_default();
            if chunk.is_empty() {
                return Err(self.bad("the file ends within the batch"));
            }
            digest.update(chunk);
            position += chunk.len() as u64;
        }
        Ok(u32::try_from(digest.finalize()).unwrap_or(0))
    }

    /// What the window holds from `position` on: at least `wanted` bytes, unless the file ends.
    fn window_at(&mut self, position: u64, wanted: usize) -> Result<&[u8], Stop> {
        let in_window = position
            .checked_sub(self.window_position)
            .and_then(|start| usize::try_from(start).ok())
            .filter(|start| start + wanted <= self.window.len());
        let start = match in_window {
            Some(start) => start,
            None => {
                self.fill_window(position)?;
                0
            }
        };
        Ok(self.window.get(start..).unwrap_or_default())
    }

    fn fill_window(&mut self, position: u64) -> io::Result<()> {
        let rest = usize::try_from(self.end - position).unwrap_or(usize::MAX);
        self.window.resize(rest.min(self.window_bytes), 0);
        let read = self.file.read_at(&mut self.window, position)?;
        self.window.truncate(read);
        self.window_position = position;
        Ok(())
    }
}
