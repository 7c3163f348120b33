//! An open file of a disk in memory.

use std::io::{self, IoSlice};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Contents, FaultDisk, Op};
use crate::disk::{DiskFile, fsync_failed};

#[derive(Debug)]
pub(super) struct FaultFile {
    pub(super) disk: FaultDisk,
    pub(super) contents: Arc<Mutex<Contents>>,
}

fn index(position: u64) -> io::Result<usize> {
    usize::try_from(position).map_err(io::Error::other)
}

impl FaultFile {
    /// How much of `wanted` more bytes fits.
    fn room_for(&self, wanted: usize) -> usize {
        let mut faults = self.disk.state.faults.lock();
        let room = faults.capacity_bytes.map_or(u64::MAX, |capacity| {
            capacity.saturating_sub(faults.used_bytes)
        });
        let granted = usize::try_from(room).unwrap_or(usize::MAX).min(wanted);
        faults.used_bytes += granted as u64;
        granted
    }
}

impl Contents {
    pub(super) fn sync(&mut self) {
        self.durable = self.current.clone();
        self.unsynced.clear();
    }

    /// What counts as used of the disk.
    fn blocks_end(&self) -> usize {
        self.current.len().max(self.reserved_end)
    }
}

impl DiskFile for FaultFile {
    fn write_at(&self, parts: &[IoSlice<'_>], position: u64) -> io::Result<usize> {
        let short = self.disk.before(Op::Write)?;
        let position = index(position)?;
        let mut bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        bytes.truncate(short.unwrap_or(usize::MAX));
        let mut file = self.contents.lock();
        let growth = (position + bytes.len()).saturating_sub(file.blocks_end());
        let granted = self.room_for(growth);
        if granted < growth {
            bytes.truncate(bytes.len().saturating_sub(growth - granted));
            if bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        write_into(&mut file.current, position, &bytes);
        file.modified_ms = self.disk.state.clock.wall_ms();
        let written = bytes.len();
        file.unsynced.push((position, bytes));
        Ok(written)
    }

    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        self.disk.before(Op::Read)?;
        let file = self.contents.lock();
        let rest = file.current.get(index(position)?..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn read_cached_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        if self.disk.state.faults.lock().is_cold {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.read_at(buffer, position)
    }

    fn reserve(&self, position: u64, size_bytes: u64) -> io::Result<()> {
        self.disk.before(Op::Reserve)?;
        let end = index(position + size_bytes)?;
        let mut file = self.contents.lock();
        let growth = end.saturating_sub(file.blocks_end());
        let granted = self.room_for(growth);
        if granted > 0 {
            file.reserved_end = end - (growth - granted);
        }
        if granted < growth {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn set_len(&self, size_bytes: u64) -> io::Result<()> {
        self.disk.before(Op::SetLen)?;
        let size = index(size_bytes)?;
        let mut file = self.contents.lock();
        file.reserved_end = 0;
        file.current.resize(size, 0);
        // Bytes cut off do not come back, even if the file grows over them again.
        for (position, bytes) in &mut file.unsynced {
            bytes.truncate(size.saturating_sub(*position));
        }
        Ok(())
    }

    fn set_modified_ms(&self, modified_ms: i64) -> io::Result<()> {
        self.contents.lock().modified_ms = modified_ms;
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.contents.lock().current.len() as u64)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.before(Op::Sync).map_err(fsync_failed)?;
        self.contents.lock().sync();
        Ok(())
    }
}

pub(super) fn write_into(contents: &mut Vec<u8>, position: usize, bytes: &[u8]) {
    let end = position + bytes.len();
    if contents.len() < end {
        contents.resize(end, 0);
    }
    contents[position..end].copy_from_slice(bytes);
}
