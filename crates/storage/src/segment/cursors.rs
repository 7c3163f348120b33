//! Where recent reads of a segment ended: a consumer that reads on finds its place without a search.

use parking_lot::Mutex;
use types::Offset;

/// Consumers remembered per segment.
const CURSOR_COUNT: usize = 4;

/// A batch boundary.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    /// No batch with this offset or a later one begins before `position`.
    offset: Offset,
    position: u64,
}

/// A few batch boundaries, the oldest replaced first.
#[derive(Debug, Default)]
pub(super) struct Cursors {
    ring: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    cursors: [Option<Cursor>; CURSOR_COUNT],
    next: usize,
}

impl Cursors {
    /// Where the batch with `offset` begins, if somebody's read ended there.
    pub(super) fn find(&self, offset: Offset) -> Option<u64> {
        let ring = self.ring.lock();
        let mut cursors = ring.cursors.iter().flatten();
        cursors
            .find(|cursor| cursor.offset == offset)
            .map(|cursor| cursor.position)
    }

    /// Moves the cursor of whoever read from `from` to where the read ended.
    pub(super) fn advance(&self, from: Offset, offset: Offset, position: u64) {
        let mut ring = self.ring.lock();
        let own = ring
            .cursors
            .iter()
            .position(|cursor| cursor.is_some_and(|c| c.offset == from || c.offset == offset));
        let slot = own.unwrap_or(ring.next);
        if own.is_none() {
            ring.next = (ring.next + 1) % CURSOR_COUNT;
        }
        if let Some(cursor) = ring.cursors.get_mut(slot) {
            *cursor = Some(Cursor { offset, position });
        }
    }

    pub(super) fn clear(&self) {
        *self.ring.lock() = Ring::default();
    }
}
