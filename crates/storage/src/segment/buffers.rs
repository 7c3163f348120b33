//! Memory that log files are read into, used again and again.
//!
//! A fresh mebibyte from the allocator costs more than the bytes that are read into it: 256 page faults,
//! and the kernel zeroes every page. A buffer from here has its pages, and is likely to be in the CPU's
//! cache: the one that came back last goes out first.

use bytes::Bytes;
use parking_lot::Mutex;

/// Smaller reads get memory of their own: the allocator has it at hand.
const POOLED_MIN_BYTES: usize = 32 * 1024;

/// What readers get their memory from. One for the process: memory knows no directories.
static BUFFERS: Buffers = Buffers::new();

/// Idle buffers by size, at most 19 MiB of them. Locked for a push or a pop; never while anything waits.
#[derive(Debug)]
struct Buffers {
    shelves: [Shelf; 3],
}

#[derive(Debug)]
struct Shelf {
    buffer_bytes: usize,
    idle_max: usize,
    idle: Mutex<Vec<Box<[u8]>>>,
}

impl Shelf {
    const fn new(buffer_bytes: usize, idle_max: usize) -> Self {
        Self {
            buffer_bytes,
            idle_max,
            idle: Mutex::new(Vec::new()),
        }
    }
}

impl Buffers {
    const fn new() -> Self {
        Self {
            shelves: [
                Shelf::new(64 * 1024, 16),
                Shelf::new(256 * 1024, 8),
                // What a consumer asks of a partition, and a search for its place in front of it.
                Shelf::new((1024 + 64) * 1024, 15),
            ],
        }
    }

    fn take(&self, len: usize) -> Box<[u8]> {
        let shelf = self.shelves.iter().find(|s| s.buffer_bytes >= len);
        let Some(shelf) = shelf.filter(|_| len >= POOLED_MIN_BYTES) else {
            return zeroed(len);
        };
        let idle = shelf.idle.lock().pop();
        idle.unwrap_or_else(|| zeroed(shelf.buffer_bytes))
    }

    fn put_back(&self, bytes: Box<[u8]>) {
        let shelf = self.shelves.iter().find(|s| s.buffer_bytes == bytes.len());
        if let Some(shelf) = shelf {
            let mut idle = shelf.idle.lock();
            if idle.len() < shelf.idle_max {
                idle.push(bytes);
            }
        }
    }

    fn trim(&self) {
        for shelf in &self.shelves {
            let idle = std::mem::take(&mut *shelf.idle.lock());
            drop(idle);
        }
    }
}

fn zeroed(len: usize) -> Box<[u8]> {
    vec![0; len].into_boxed_slice()
}

/// Gives idle buffers back to the allocator. To be called now and then.
pub(crate) fn trim() {
    BUFFERS.trim();
}

/// Memory of one read. What it holds at first is anything; goes back to where it came from when the last
/// slice of it is gone.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Box<[u8]>,
    len: usize,
}

impl Buffer {
    pub(super) fn new(len: usize) -> Self {
        Self {
            bytes: BUFFERS.take(len),
            len,
        }
    }

    pub(super) fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }

    /// The same memory, to be shared.
    pub(super) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        BUFFERS.put_back(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: usize = 1 << 20;

    #[test]
    fn a_buffer_comes_back_and_goes_out_again() {
        let buffers = Buffers::new();
        let first = buffers.take(LARGE);
        let second = buffers.take(LARGE + 4096);
        let (place, other) = (first.as_ptr(), second.as_ptr());
        assert_ne!(place, other);
        buffers.put_back(second);
        buffers.put_back(first);
        // The last one first.
        let first = buffers.take(LARGE - 1);
        let second = buffers.take(LARGE);
        assert_eq!((first.as_ptr(), second.as_ptr()), (place, other));
    }

    #[test]
    fn small_and_huge_reads_have_memory_of_their_own_and_exactly_enough() {
        let buffers = Buffers::new();
        for len in [0, 1, POOLED_MIN_BYTES - 1, 50 << 20] {
            let bytes = buffers.take(len);
            assert_eq!(bytes.len(), len);
            buffers.put_back(bytes);
        }
        assert!(buffers.shelves.iter().all(|s| s.idle.lock().is_empty()));
    }

    #[test]
    fn few_buffers_lie_idle_and_none_after_a_trim() {
        let buffers = Buffers::new();
        for len in [POOLED_MIN_BYTES, 100_000, 300_000] {
            let many: Vec<_> = (0..40).map(|_| buffers.take(len)).collect();
            many.into_iter().for_each(|bytes| buffers.put_back(bytes));
        }
        let idle_bytes = |shelf: &Shelf| shelf.idle.lock().len() * shelf.buffer_bytes;
        let sum = || buffers.shelves.iter().map(idle_bytes).sum::<usize>();
        assert!((18 << 20..=19 << 20).contains(&sum()), "{}", sum());
        buffers.trim();
        assert_eq!(sum(), 0);
    }

    #[test]
    fn the_last_slice_gives_the_buffer_back() {
        let mut buffer = Buffer::new(3);
        buffer.as_mut().copy_from_slice(b"abc");
        let slice = buffer.freeze().slice(1..);
        assert_eq!(&slice[..], b"bc");
    }
}
