//! How fast threads that work in the background may go, and when they have to stop.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use types::Clock;

/// Rates beyond are no limit: nothing reads as fast.
const RATE_MAX: f64 = 1e15;
/// The longest sleep at once: the clock may jump.
const SLEEP_MAX: Duration = Duration::from_secs(3600);

/// A rate shared by threads. Everything they move is a debt that time pays off.
#[derive(Debug)]
pub(super) struct Pacer {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    stopped: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_stopped: bool,
    /// Bytes not paid for at `since`.
    debt_bytes: f64,
    /// Monotonic.
    since: Duration,
}

impl Pacer {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Mutex::default(),
            stopped: Condvar::new(),
        }
    }

    /// Wakes everybody up, for good.
    pub(super) fn stop(&self) {
        self.state.lock().is_stopped = true;
        self.stopped.notify_all();
    }

    /// Waits so long, or until stopped. Says whether to go on.
    pub(super) fn wait(&self, pause: Duration) -> ControlFlow<()> {
        let mut state = self.state.lock();
        if !state.is_stopped && !pause.is_zero() {
            self.stopped.wait_for(&mut state, pause.min(SLEEP_MAX));
        }
        if state.is_stopped {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// So many bytes were moved: waits until they are paid for. Says whether to go on.
    pub(super) fn spend(&self, bytes: usize, bytes_per_second_max: f64) -> ControlFlow<()> {
        let pause = if bytes_per_second_max < RATE_MAX {
            self.charge(bytes, bytes_per_second_max.max(1.0))
        } else {
            Duration::ZERO
        };
        self.wait(pause)
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    fn charge(&self, bytes: usize, rate: f64) -> Duration {
        let now = self.clock.monotonic();
        let mut state = self.state.lock();
        let paid = now.saturating_sub(state.since).as_secs_f64() * rate;
        state.since = now;
        state.debt_bytes = (state.debt_bytes - paid).max(0.0) + bytes as f64;
        let pause = Duration::try_from_secs_f64(state.debt_bytes / rate);
        pause.unwrap_or(SLEEP_MAX)
    }
}

#[cfg(test)]
mod tests {
    use types::ManualClock;

    use super::*;

    #[test]
    fn time_pays_for_what_was_moved() {
        let clock = Arc::new(ManualClock::at(0));
        let pacer = Pacer::new(Arc::clone(&clock) as _);
        assert_eq!(pacer.charge(500, 1000.0), Duration::from_millis(500));
        clock.advance(Duration::from_millis(200));
        assert_eq!(pacer.charge(100, 1000.0), Duration::from_millis(400));
        clock.advance(Duration::from_secs(100));
        // What was not used is not saved up.
        assert_eq!(pacer.charge(1000, 1000.0), Duration::from_secs(1));
    }

    #[test]
    fn without_a_limit_nobody_waits_and_a_stop_ends_everything() {
        let pacer = Pacer::new(Arc::new(ManualClock::at(0)));
        assert!(pacer.spend(usize::MAX, f64::MAX).is_continue());
        pacer.stop();
        assert!(pacer.spend(usize::MAX, 1.0).is_break());
        assert!(pacer.wait(SLEEP_MAX).is_break());
    }
}
