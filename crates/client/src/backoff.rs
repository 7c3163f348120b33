//! Waiting between tries: grows twofold, with jitter so that many clients do not return in step.

use std::time::Duration;

use rand::RngExt as _;

/// The next pause of a growing series.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
    tries: u32,
}

impl Backoff {
    /// A series from `first` to `max`.
    pub(crate) fn new(first: Duration, max: Duration) -> Self {
        Self {
            first,
            max,
            tries: 0,
        }
    }

    /// The pause to make now, 80 to 120 % of the series' value.
    pub(crate) fn next_pause(&mut self) -> Duration {
        let grown = self.first.saturating_mul(1 << self.tries.min(16));
        self.tries = self.tries.saturating_add(1);
        grown
            .min(self.max)
            .mul_f64(rand::rng().random_range(0.8..1.2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_limit_and_stay_there() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let pauses: Vec<_> = (0..40).map(|_| backoff.next_pause()).collect();
        assert!(pauses[0] >= Duration::from_millis(80) && pauses[0] <= Duration::from_millis(120));
        assert!(pauses.iter().all(|p| *p <= Duration::from_millis(1200)));
        assert!(pauses[39] >= Duration::from_millis(800));
    }
}
