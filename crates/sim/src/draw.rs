//! The only source of chance.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

/// Milliseconds.
#[must_use]
pub const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Draws from one seed.
#[derive(Debug)]
pub struct Draw {
    random: Xoshiro256PlusPlus,
}

impl Draw {
    /// Draws from that generator.
    #[must_use]
    pub const fn new(random: Xoshiro256PlusPlus) -> Self {
        Self { random }
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.random.random()
    }

    /// The generator itself, for code under test that draws.
    pub const fn random(&mut self) -> &mut Xoshiro256PlusPlus {
        &mut self.random
    }

    /// 0 up to, not including, `end`.
    pub fn below(&mut self, end: i32) -> i32 {
        self.random.random_range(0..end.max(1))
    }

    /// Both inclusive.
    pub fn between(&mut self, first: u32, last: u32) -> u32 {
        self.random.random_range(first..=last)
    }

    /// One of them; the list is not empty.
    pub fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.random.random_range(0..list.len())]
    }

    /// One of them, if there is any.
    pub fn maybe_of<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        (!list.is_empty()).then(|| self.of(list))
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: u32) -> bool {
        self.random.random_range(0..times) == 0
    }

    /// True so many times in a thousand.
    pub fn per_mille(&mut self, count: u32) -> bool {
        self.random.random_range(0..1000) < count
    }

    /// Between the two, to the microsecond.
    pub fn duration(&mut self, from: Duration, to: Duration) -> Duration {
        let micros = |d: Duration| u64::try_from(d.as_micros()).unwrap_or(u64::MAX);
        let (from, to) = (micros(from), micros(to));
        Duration::from_micros(self.random.random_range(from..=to.max(from)))
    }

    /// An index, each as often as its weight says; `None` if all weights are zero.
    pub fn weighted(&mut self, weights: &[u32]) -> Option<usize> {
        let sum: u32 = weights.iter().sum();
        if sum == 0 {
            return None;
        }
        let mut at = self.random.random_range(0..sum);
        weights.iter().position(|weight| {
            let is_here = at < *weight;
            at = at.saturating_sub(*weight);
            is_here
        })
    }
}
