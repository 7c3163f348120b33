//! A budget of bytes shared by the connections of a listener: `queued.max.request.bytes`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Bytes of requests that may be in memory at once.
///
/// A frame is admitted while *any* budget is left, so that one larger than what is left, or than the
/// whole budget, still gets through: memory in use never exceeds the limit by more than one frame.
#[derive(Debug)]
pub struct MemoryBudget {
    limit_bytes: usize,
    used_bytes: AtomicUsize,
    waiting_count: AtomicUsize,
    freed: Notify,
}

impl MemoryBudget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(limit_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            limit_bytes: limit_bytes.max(1),
            used_bytes: AtomicUsize::new(0),
            waiting_count: AtomicUsize::new(0),
            freed: Notify::new(),
        })
    }

    /// Bytes in use now.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// Charges a frame, or refuses because nothing is left.
    pub(crate) fn try_charge(&self, bytes: usize) -> bool {
        // SeqCst here and in `release`: a release must see the waiter, or the waiter the release.
        self.used_bytes
            .try_update(Ordering::SeqCst, Ordering::SeqCst, |used| {
                (used < self.limit_bytes).then(|| used.saturating_add(bytes))
            })
            .is_ok()
    }

    /// Waits until something was given back since the call.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: a charge is made by [`Self::try_charge`] alone.
    pub(crate) async fn wait(&self) {
        let freed = self.freed.notified();
        let _waiting = Waiting::new(&self.waiting_count);
        if self.used_bytes.load(Ordering::SeqCst) < self.limit_bytes {
            return;
        }
        freed.await;
    }

    /// Gives bytes back.
    pub(crate) fn release(&self, bytes: usize) {
        if bytes == 0 {
            return;
        }
        let before = self.used_bytes.fetch_sub(bytes, Ordering::SeqCst);
        debug_assert!(before >= bytes, "released {bytes} of {before} bytes");
        if self.waiting_count.load(Ordering::SeqCst) > 0 {
            self.freed.notify_waiters();
        }
    }
}

/// Counts one waiter for as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A listener's two budgets, each of half its bytes. A large frame is charged when it is announced, long
/// before it has arrived; in a budget of their own, peers that announce much and send little hold up
/// one another, and not the small requests of everybody else.
#[derive(Clone, Debug)]
pub(crate) struct Budgets {
    pub(crate) small: Arc<MemoryBudget>,
    pub(crate) large: Arc<MemoryBudget>,
}

/// Frames above this many bytes are charged to the budget of the large ones.
const SMALL_BYTES_MAX: usize = 1024 * 1024;

impl Budgets {
    pub(crate) fn new(limit_bytes: usize) -> Self {
        Self {
            small: MemoryBudget::new(limit_bytes / 2),
            large: MemoryBudget::new(limit_bytes / 2),
        }
    }

    /// Whether a frame of so many bytes counts as a large one.
    pub(crate) const fn is_large(frame_bytes: usize) -> bool {
        frame_bytes > SMALL_BYTES_MAX
    }

    /// The budget of a frame of so many bytes.
    pub(crate) const fn of(&self, frame_bytes: usize) -> &Arc<MemoryBudget> {
        if Self::is_large(frame_bytes) {
            &self.large
        } else {
            &self.small
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_frame_may_exceed_what_is_left_and_no_second_one() {
        let budget = MemoryBudget::new(100);
        assert!(budget.try_charge(99));
        assert!(budget.try_charge(500));
        assert!(!budget.try_charge(1));
        budget.release(500);
        assert!(budget.try_charge(1));
        assert_eq!(budget.used_bytes(), 100);
    }

    #[tokio::test]
    async fn a_release_wakes_those_who_wait() {
        let budget = MemoryBudget::new(10);
        assert!(budget.try_charge(10));
        let waiter = tokio::spawn({
            let budget = Arc::clone(&budget);
            async move { budget.wait().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiter.is_finished());
        budget.release(10);
        waiter.await.expect("the waiter ends");
        assert_eq!(budget.waiting_count.load(Ordering::SeqCst), 0);
    }
}
