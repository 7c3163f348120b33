//! Writing a cleaned segment beside the log.

use std::io::{self, IoSlice};
use std::sync::Arc;

use protocol::records::BatchHeader;
use types::TimestampMs;

use super::{Pace, Stopped};
use crate::disk::{DiskFile, write_all_at};
use crate::files::names::Kind;
use crate::log::{CleanedFiles, Group};
use crate::segment::index::Entry;
use crate::segment::{BuiltIndexes, IndexBuilder, Indexes, Segment};
use crate::{Error, LogConfig};

/// A segment grows no larger: positions in it are 32 bits.
const SIZE_BYTES_MAX: u64 = i32::MAX as u64;
/// The prefix that has not changed is copied in steps of so many bytes.
const COPY_BYTES: usize = 1 << 20;

/// What is written for a group. As long as it is the same as the group's only segment, nothing is.
#[derive(Debug)]
pub(super) struct Cleaned {
    /// The only segment of the group, as long as all batches came as they are in there.
    unchanged: Option<Arc<Segment>>,
    files: Option<CleanedFiles>,
    builder: IndexBuilder,
    indexes: BuiltIndexes,
    /// Bytes put, and those of them that are in the file.
    size_bytes: u64,
    written_bytes: u64,
    buffer: Vec<u8>,
    buffer_bytes: usize,
}

impl Cleaned {
    pub(super) fn new(group: &Group, config: &LogConfig, buffer_bytes: usize) -> Self {
        let unchanged = match &group.segments[..] {
            [only] => Some(Arc::clone(only)),
            _ => None,
        };
        Self {
            unchanged,
            files: None,
            builder: IndexBuilder::new(group.base_offset(), config.index_interval_bytes),
            indexes: BuiltIndexes::default(),
            size_bytes: 0,
            written_bytes: 0,
            buffer: Vec::new(),
            buffer_bytes,
        }
    }

    /// Whether what was put so far is what the group's only segment begins with.
    pub(super) fn is_unchanged(&self) -> bool {
        self.unchanged.is_some()
    }

    /// Where the bytes go; `None` as long as there is no need to write any.
    pub(super) fn files(&self) -> Option<&CleanedFiles> {
        self.files.as_ref()
    }

    /// From here on something is different. What came before is copied.
    pub(super) fn change(
        &mut self,
        files: CleanedFiles,
        pace: &mut Pace<'_>,
    ) -> Result<(), Stopped> {
        if let Some(segment) = self.unchanged.take() {
            self.copy_prefix(&segment, &*files.log, pace)?;
        }
        self.files = Some(files);
        Ok(())
    }

    fn copy_prefix(
        &mut self,
        segment: &Segment,
        to: &dyn DiskFile,
        pace: &mut Pace<'_>,
    ) -> Result<(), Stopped> {
        let path = segment.path(Kind::Log);
        let from = segment.file().map_err(|e| Error::io(&path, e))?;
        let mut buffer = vec![0; COPY_BYTES];
        while self.written_bytes < self.size_bytes {
            let rest = self.size_bytes - self.written_bytes;
            let step = usize::try_from(rest).unwrap_or(COPY_BYTES).min(COPY_BYTES);
            let buffer = &mut buffer[..step];
            let read = from.read_at(buffer, self.written_bytes);
            if read.map_err(|e| Error::io(&path, e))? < step {
                return Err(Stopped::Changed);
            }
            write(to, buffer, self.written_bytes).map_err(|e| Error::io(&path, e))?;
            self.written_bytes += step as u64;
            pace.spend(step)?;
        }
        Ok(())
    }

    /// Appends a batch; one that differs from the old segment's only after [`change`](Self::change).
    pub(super) fn put(
        &mut self,
        header: &BatchHeader,
        bytes: &[u8],
        pace: &mut Pace<'_>,
    ) -> Result<(), Stopped> {
        if let Some(entries) = self.builder.on_batch(self.size_bytes, header) {
            self.indexes.push(entries);
        }
        self.size_bytes += bytes.len() as u64;
        if self.is_unchanged() {
            return Ok(());
        }
        if self.size_bytes > SIZE_BYTES_MAX {
            let reason = "a compacted segment would be larger than 2 GiB".to_owned();
            return Err(Error::Invalid(reason).into());
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= self.buffer_bytes {
            self.flush(pace)?;
        }
        Ok(())
    }

    fn flush(&mut self, pace: &mut Pace<'_>) -> Result<(), Stopped> {
        let Some(files) = &self.files else {
            return Ok(());
        };
        let written = write(&*files.log, &self.buffer, self.written_bytes);
        written.map_err(|e| Error::Io {
            path: "a compacted segment".into(),
            source: Arc::new(e),
        })?;
        self.written_bytes += self.buffer.len() as u64;
        let spent = self.buffer.len();
        self.buffer.clear();
        pace.spend(spent)
    }

    /// Writes what is missing and syncs everything. An error of the sync is the second kind.
    ///
    /// `modified_ms` is when the group's newest segment was written: retention must not take its records
    /// for newer than they are.
    pub(super) fn finish(
        &mut self,
        transactions: &[u8],
        modified_ms: TimestampMs,
        pace: &mut Pace<'_>,
    ) -> Result<Result<(), io::Error>, Stopped> {
        self.flush(pace)?;
        self.indexes.push_time(self.builder.max());
        let Some(files) = &self.files else {
            return Ok(Ok(()));
        };
        let written = write(&*files.offsets, &encode(&self.indexes.offsets), 0)
            .and_then(|()| write(&*files.times, &encode(&self.indexes.times), 0))
            .and_then(|()| match &files.transactions {
                Some(file) => write(&**file, transactions, 0),
                None => Ok(()),
            })
            .and_then(|()| files.log.set_modified_ms(modified_ms));
        written.map_err(|e| Error::Io {
            path: "an index of a compacted segment".into(),
            source: Arc::new(e),
        })?;
        let all = [Some(&files.log), Some(&files.offsets), Some(&files.times)];
        let all = all.into_iter().chain([files.transactions.as_ref()]);
        Ok(all.flatten().try_for_each(|file| file.sync()))
    }

    /// The segment over the files, once they have their names; as old as `like`, the group's newest.
    pub(super) fn into_segment(self, group: &Group, like: &Segment) -> Segment {
        let base = group.base_offset();
        let mut indexes = Indexes::of_files(like.disk(), like.dir(), base, 0, 0);
        indexes.offsets.trust(&self.indexes.offsets);
        indexes.times.trust(&self.indexes.times);
        let size = self.size_bytes;
        Segment::new(
            like.disk(),
            like.dir(),
            base,
            size,
            like.modified_ms(),
            indexes,
        )
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

fn write(file: &dyn DiskFile, bytes: &[u8], position: u64) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    write_all_at(file, &mut [IoSlice::new(bytes)], position)
}

fn encode<E: Entry>(entries: &[E]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * E::SIZE);
    entries.iter().for_each(|entry| entry.encode(&mut bytes));
    bytes
}
