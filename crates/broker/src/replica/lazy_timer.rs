//! A timer for deadlines that come and go with every frame.
//!
//! Setting a timer earlier than all others costs a system call that wakes the runtime's driver, so one that is
//! set and dropped thousands of times a second must not be: it stays where it is while deadlines move away
//! from it, and is looked at again when it fires.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

/// One timer of one task.
#[derive(Debug)]
pub(super) struct LazyTimer {
    /// `false` while nothing is awaited of `sleep`.
    is_set: bool,
    sleep: Pin<Box<Sleep>>,
}

impl LazyTimer {
    pub(super) fn new() -> Self {
        let sleep = Box::pin(sleep_until(Instant::now()));
        let is_set = false;
        Self { is_set, sleep }
    }

    /// Ready at the deadline or before; pending without one. It may be ready long before, where an earlier
    /// deadline was given up: whoever waits looks again.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(super) async fn fires_by(&mut self, deadline: Option<Instant>) {
        poll_fn(|cx| {
            if let Some(deadline) = deadline
                && (!self.is_set || deadline < self.sleep.deadline())
            {
                self.sleep.as_mut().reset(deadline);
                self.is_set = true;
            }
            if !self.is_set {
                return Poll::Pending;
            }
            ready!(self.sleep.as_mut().poll(cx));
            self.is_set = false;
            Poll::Ready(())
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const STEP: Duration = Duration::from_millis(10);

    #[tokio::test(start_paused = true)]
    async fn it_fires_by_the_earliest_deadline_and_never_late() {
        let mut timer = LazyTimer::new();
        let began = Instant::now();
        let fired = timeout(STEP, timer.fires_by(None)).await;
        assert!(fired.is_err(), "nothing was asked for");
        let began = began + STEP;
        let fired = timeout(STEP, timer.fires_by(Some(began + STEP * 9))).await;
        assert!(fired.is_err());
        timer.fires_by(Some(began + STEP * 3)).await;
        assert_eq!(began.elapsed(), STEP * 3);
        timer.fires_by(Some(began + STEP * 9)).await;
        assert_eq!(began.elapsed(), STEP * 9);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_moved_away_leaves_it_where_it_was() {
        let mut timer = LazyTimer::new();
        let began = Instant::now();
        for later in 2..5 {
            let fired = timeout(Duration::ZERO, timer.fires_by(Some(began + STEP * later))).await;
            assert!(fired.is_err());
        }
        timer.fires_by(Some(began + STEP * 9)).await;
        assert_eq!(began.elapsed(), STEP * 2);
    }
}
