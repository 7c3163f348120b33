//! Whether this process itself was running all the time: who was not looking must not blame others
//! for their silence.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};
use types::Clock;

use crate::quorum::BEAT_INTERVAL;

/// A beat that comes so much later than it should is a stall: the process was stopped, or the
/// machine had no time for it.
const LATENESS_MAX: Duration = Duration::from_millis(250);

/// Notices stalls. Shared between a task that does nothing else and whoever judges others.
#[derive(Debug)]
pub(crate) struct SelfCheck {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    last_beat: Duration,
    /// Stalls that nobody has taken account of yet.
    stalled: Duration,
}

impl SelfCheck {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let state = State {
            last_beat: clock.monotonic(),
            stalled: Duration::ZERO,
        };
        let state = Mutex::new(state);
        Self { clock, state }
    }

    /// From now on it counts whether the process runs. What was before is nobody's business.
    pub(crate) fn begin(&self) {
        *self.state.lock() = State {
            last_beat: self.clock.monotonic(),
            stalled: Duration::ZERO,
        };
    }

    /// Beats for ever, whenever `next` says, which is never more than [`BEAT_INTERVAL`] away.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(crate) async fn run(&self, next: impl Fn() -> Instant) {
        loop {
            sleep_until(next()).await;
            self.beat();
        }
    }

    /// For how long the process was held up since the last call. Includes a stall that has just ended
    /// and that nobody else has noticed.
    pub(crate) fn take_stall(&self) -> Duration {
        self.beat();
        std::mem::take(&mut self.state.lock().stalled)
    }

    fn beat(&self) {
        let now = self.clock.monotonic();
        let mut state = self.state.lock();
        let gap = now.saturating_sub(state.last_beat);
        if gap > BEAT_INTERVAL + LATENESS_MAX {
            state.stalled += gap;
        }
        state.last_beat = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::ManualClock;

    #[test]
    fn a_process_that_was_stopped_notices_whoever_asks_first() {
        let clock = Arc::new(ManualClock::default());
        let check = SelfCheck::new(Arc::<ManualClock>::clone(&clock));
        for _ in 0..50 {
            clock.advance(BEAT_INTERVAL);
            check.beat();
        }
        assert_eq!(check.take_stall(), Duration::ZERO);
        clock.advance(Duration::from_secs(5));
        assert_eq!(check.take_stall(), Duration::from_secs(5));
        assert_eq!(check.take_stall(), Duration::ZERO);
        clock.advance(Duration::from_secs(2));
        check.beat();
        clock.advance(BEAT_INTERVAL);
        assert_eq!(check.take_stall(), Duration::from_secs(2));
    }

    #[test]
    fn time_before_a_reign_is_no_stall() {
        let clock = Arc::new(ManualClock::default());
        let check = SelfCheck::new(Arc::<ManualClock>::clone(&clock));
        clock.advance(Duration::from_secs(60));
        check.begin();
        clock.advance(BEAT_INTERVAL);
        assert_eq!(check.take_stall(), Duration::ZERO);
    }
}
