//! Reading a segment file batch by batch, in bounded memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use protocol::records::{Batch, BatchHeader, HEADER_LEN};
use storage::disk::{Disk as _, DiskFile, RealDisk};

/// The largest batch that is read; larger ones are damage.
const BATCH_BYTES_MAX: usize = 1 << 30;

/// A segment file, read from its start.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    size_bytes: u64,
    position: u64,
}

/// A batch and where it lies.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) position: u64,
    pub(super) batch: Batch,
}

impl Segment {
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let file = RealDisk.open(path)?;
        Ok(Self {
            path: path.to_owned(),
            size_bytes: file.len()?,
            file,
            position: 0,
        })
    }

    /// The next batch; `None` at the end. An error ends the reading, since the length that would
    /// lead to the next batch cannot be trusted.
    pub(super) fn next_batch(&mut self) -> Option<Result<Placed, String>> {
        let left = self.size_bytes - self.position;
        if left == 0 {
            return None;
        }
        let position = self.position;
        let read = self.read_batch(left);
        match &read {
            Ok(batch) => self.position += batch.bytes.len() as u64,
            Err(_) => self.position = self.size_bytes,
        }
        let at = |reason| format!("{}: at byte {position}: {reason}", self.path.display());
        Some(read.map(|batch| Placed { position, batch }).map_err(at))
    }

    fn read_batch(&self, left: u64) -> Result<Batch, String> {
        let header = self.read(left.min(HEADER_LEN as u64))?;
        if header.iter().all(|byte| *byte == 0) {
            return Err("zeros: space set aside by a broker that did not stop cleanly".to_owned());
        }
        let size = BatchHeader::parse(&header)
            .map_err(|e| e.to_string())?
            .size_in_bytes();
        if size > BATCH_BYTES_MAX {
            return Err(format!("a batch of {size} bytes"));
        }
        let bytes = self.read(left.min(size as u64))?;
        Batch::parse(&bytes).map_err(|error| error.to_string())
    }

    fn read(&self, length: u64) -> Result<Bytes, String> {
        let mut buffer = vec![0; usize::try_from(length).map_err(|e| e.to_string())?];
        let mut filled = 0;
        while filled < buffer.len() {
            let position = self.position + filled as u64;
            match self.file.read_at(&mut buffer[filled..], position) {
                Ok(0) => return Err("the file became shorter".to_owned()),
                Ok(count) => filled += count,
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(buffer.into())
    }
}
