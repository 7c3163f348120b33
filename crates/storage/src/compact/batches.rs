//! Reading a sealed segment from its start to its end, batch by batch, in large steps.

use std::sync::Arc;

use bytes::Bytes;
use protocol::records::{Batch, BatchError};
use types::Offset;

use super::{Pace, Stopped};
use crate::disk::DiskFile;
use crate::segment::Segment;
use crate::segment::scan::Stop;

/// The batches of a segment. Each is checked: its checksum, and that it continues the one before.
#[derive(Debug)]
pub(super) struct Batches {
    segment: Arc<Segment>,
    file: Arc<dyn DiskFile>,
    step_bytes: usize,
    /// Read and not yet returned.
    buffer: Bytes,
    /// Where the buffer begins.
    position: u64,
    end: u64,
    next_offset: Offset,
}

impl Batches {
    /// From the batch at `position` on, which is the first with offsets of `next_offset` or more.
    pub(super) fn new(
        segment: &Arc<Segment>,
        position: u64,
        next_offset: Offset,
        step_bytes: usize,
    ) -> Result<Self, Stopped> {
        let file = segment.file().map_err(|e| segment.corrupt(e.into()))?;
        Ok(Self {
            segment: Arc::clone(segment),
            file,
            step_bytes,
            buffer: Bytes::new(),
            position,
            end: segment.size_bytes(),
            next_offset,
        })
    }

    /// Where the next batch begins.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The next batch, `None` at the end.
    pub(super) fn next(&mut self, pace: &mut Pace<'_>) -> Result<Option<Batch>, Stopped> {
        if self.position >= self.end {
            return Ok(None);
        }
        let batch = match Batch::parse(&self.buffer) {
            Err(BatchError::Incomplete { needed, .. }) => {
                self.fill(needed, pace)?;
                Batch::parse(&self.buffer)
            }
            parsed => parsed,
        };
        // More of it than its header may be needed.
        let batch = match batch {
            Err(BatchError::Incomplete { needed, .. }) => {
                self.fill(needed, pace)?;
                Batch::parse(&self.buffer)
            }
            parsed => parsed,
        };
        let batch = batch.map_err(|error| self.bad(&error.to_string()))?;
        self.check(&batch)?;
        self.buffer = self.buffer.slice(batch.bytes.len()..);
        self.position += batch.bytes.len() as u64;
        self.next_offset = batch.header.next_offset();
        Ok(Some(batch))
    }

    /// Reads on from the current position: `needed` bytes at least, if the segment has them.
    fn fill(&mut self, needed: usize, pace: &mut Pace<'_>) -> Result<(), Stopped> {
        let rest = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        if needed > rest {
            let reason = format!("the batch has {needed} bytes, the segment {rest}");
            return Err(self.bad(&reason));
        }
        let mut buffer = vec![0; needed.max(self.step_bytes).min(rest)];
        let read = self.file.read_at(&mut buffer, self.position);
        let read = read.map_err(|e| self.judge(Stop::Io(e)))?;
        if read < buffer.len() {
            return Err(self.bad("the file ends early"));
        }
        self.buffer = buffer.into();
        pace.spend(read)
    }

    fn check(&self, batch: &Batch) -> Result<(), Stopped> {
        let header = &batch.header;
        if header.base_offset < self.next_offset || header.last_offset_delta < 0 {
            let (base, last) = (header.base_offset, header.last_offset());
            let reason = format!("offsets {base} to {last} do not continue the log");
            return Err(self.bad(&reason));
        }
        batch
            .check_crc()
            .map_err(|error| self.bad(&error.to_string()))
    }

    /// What is wrong with the batch at the current position.
    pub(super) fn bad(&self, reason: &str) -> Stopped {
        self.bad_at(self.position, self.next_offset, reason)
    }

    /// What is wrong with a batch.
    pub(super) fn bad_at(&self, position: u64, offset: Offset, reason: &str) -> Stopped {
        self.judge(Stop::Bad {
            position,
            offset,
            reason: reason.to_owned(),
        })
    }

    /// Of a segment that was truncated or deleted meanwhile, anything may be read.
    fn judge(&self, stop: Stop) -> Stopped {
        if self.segment.is_changed() {
            return Stopped::Changed;
        }
        self.segment.corrupt(stop).into()
    }
}
