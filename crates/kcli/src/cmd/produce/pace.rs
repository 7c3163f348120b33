//! `--rate`: not faster than asked, and no burst after a pause.

use std::time::Duration;

use tokio::time::Instant;

/// Events that may be late and made good at once.
const BURST: Duration = Duration::from_millis(20);

/// Says when the next event may go.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Option<Duration>,
    next: Instant,
}

impl Pace {
    /// So many a second, or as fast as can be.
    pub(crate) fn new(per_second: Option<f64>) -> Self {
        Self {
            interval: per_second.map(|rate| Duration::from_secs_f64(1.0 / rate)),
            next: Instant::now(),
        }
    }

    /// Waits for the next event's turn.
    pub(crate) async fn wait(&mut self) {
        let Some(interval) = self.interval else {
            return;
        };
        let now = Instant::now();
        self.next = self.next.max(now.checked_sub(BURST).unwrap_or(now));
        if self.next > now {
            tokio::time::sleep_until(self.next).await;
        }
        self.next += interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn events_keep_their_distance() {
        let start = Instant::now();
        let mut pace = Pace::new(Some(1000.0));
        for _ in 0..60 {
            pace.wait().await;
        }
        assert!(
            start.elapsed() >= Duration::from_millis(35),
            "{:?}",
            start.elapsed()
        );
    }

    #[tokio::test]
    async fn without_a_rate_nothing_waits() {
        let mut pace = Pace::new(None);
        pace.wait().await;
        assert!(pace.interval.is_none());
    }
}
