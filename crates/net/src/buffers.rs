//! Read buffers that come back: a small stock of [`BytesMut`] by size.
//!
//! Frames are slices of the buffer they were read into. A retired buffer may therefore still be in
//! use; it is handed out again only once its last slice is gone, which [`BytesMut::try_reclaim`]
//! tells without unsafe code.

use bytes::BytesMut;
use parking_lot::Mutex;

/// The size of an ordinary read buffer: many small requests fit into one read.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;
/// The largest buffer that is kept for reuse. Larger ones are allocated and freed.
pub(crate) const MAX_POOLED_BYTES: usize = 1024 * 1024;

/// How many retired buffers are looked at before a new one is allocated.
const MAX_PROBES: usize = 3;

/// Retired read buffers, shared by the connections of a listener.
///
/// Locked for two pushes or pops per read; never held across anything that waits.
#[derive(Debug)]
pub struct BufferPool {
    shelves: [Shelf; 3],
}

#[derive(Debug)]
struct Shelf {
    buffer_bytes: usize,
    buffers_max: usize,
    buffers: Mutex<Vec<BytesMut>>,
}

impl Shelf {
    const fn new(buffer_bytes: usize, buffers_max: usize) -> Self {
        Self {
            buffer_bytes,
            buffers_max,
            buffers: Mutex::new(Vec::new()),
        }
    }
}

impl BufferPool {
    /// An empty pool that keeps at most 8 MiB.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            shelves: [
                Shelf::new(CHUNK_BYTES, 32),
                Shelf::new(256 * 1024, 8),
                Shelf::new(MAX_POOLED_BYTES, 4),
            ],
        }
    }

    /// An empty buffer with room for at least `bytes`.
    pub(crate) fn take(&self, bytes: usize) -> BytesMut {
        let Some(shelf) = self.shelves.iter().find(|s| s.buffer_bytes >= bytes) else {
            return BytesMut::with_capacity(bytes);
        };
        let mut buffers = shelf.buffers.lock();
        // The most recently retired one first: it is the likeliest to be in the CPU's cache.
        let last = buffers.len();
        for index in (last.saturating_sub(MAX_PROBES)..last).rev() {
            if buffers[index].try_reclaim(shelf.buffer_bytes) {
                return buffers.swap_remove(index);
            }
        }
        drop(buffers);
        BytesMut::with_capacity(shelf.buffer_bytes)
    }

    /// Gives a buffer back. Slices of it may still be alive.
    pub(crate) fn retire(&self, mut buffer: BytesMut, capacity: usize) {
        let Some(shelf) = self.shelves.iter().find(|s| s.buffer_bytes == capacity) else {
            return;
        };
        buffer.clear();
        let mut buffers = shelf.buffers.lock();
        if buffers.len() == shelf.buffers_max {
            // The oldest is the likeliest to be pinned by a slice that somebody keeps.
            buffers.remove(0);
        }
        buffers.push(buffer);
    }

    /// Forgets every retired buffer. Called when the listener has been idle for a while.
    pub fn trim(&self) {
        for shelf in &self.shelves {
            *shelf.buffers.lock() = Vec::new();
        }
    }
}

impl Default for BufferPool {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_returns_only_after_its_last_slice_is_gone() {
        let pool = BufferPool::new();
        let mut buffer = pool.take(10);
        buffer.extend_from_slice(b"frame");
        let frame = buffer.split_to(5).freeze();
        let address = frame.as_ptr();
        pool.retire(buffer, CHUNK_BYTES);

        let other = pool.take(10);
        assert_ne!(other.as_ptr(), address, "still pinned by the frame");
        drop(frame);
        let again = pool.take(10);
        assert_eq!(again.as_ptr(), address);
        assert!(again.is_empty() && again.capacity() >= CHUNK_BYTES);
    }

    #[test]
    fn the_pool_keeps_a_bounded_number_of_buffers() {
        let pool = BufferPool::new();
        for _ in 0..100 {
            pool.retire(BytesMut::with_capacity(CHUNK_BYTES), CHUNK_BYTES);
        }
        assert_eq!(pool.shelves[0].buffers.lock().len(), 32);
    }
}
