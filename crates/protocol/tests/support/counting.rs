//! An allocator that counts, for the test binaries that declare this module.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What was allocated, whether or not it was let go of again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Allocated {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
}

thread_local! {
    static TOTAL: Cell<Allocated> = const { Cell::new(Allocated { count: 0, bytes: 0 }) };
}

/// Runs `body` and says what this thread allocated meanwhile.
pub(crate) fn count<T>(body: impl FnOnce() -> T) -> (T, Allocated) {
    let before = TOTAL.get();
    let value = body();
    let after = TOTAL.get();
    let allocated = Allocated {
        count: after.count - before.count,
        bytes: after.bytes - before.bytes,
    };
    (value, allocated)
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(unsafe_code, reason = "an allocator cannot be written without")]
// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let total = TOTAL.get();
        TOTAL.set(Allocated {
            count: total.count + 1,
            bytes: total.bytes + layout.size(),
        });
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}
