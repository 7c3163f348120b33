//! Deliberate mistakes, one at a time, for the simulator to find: a check that nobody can
//! fail proves nothing. Without the feature `mutants` every question here is constantly `false`.

/// A mistake that loses data sooner or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutant {
    /// Replicas that leave a small ISR are forgotten instead of staying eligible.
    NoElr,
    /// Eligible replicas stay eligible although the ISR is large enough to move on without them.
    ElrNotCleared,
    /// Whoever is first in the ISR is elected, live or not.
    ElectFenced,
    /// A replica that may have lost records stays eligible.
    LossyKeptInElr,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::NoElr,
        Self::ElrNotCleared,
        Self::ElectFenced,
        Self::LossyKeptInElr,
    ];
}

#[cfg(feature = "mutants")]
mod switch {
    use std::cell::Cell;

    use super::Mutant;

    thread_local! {
        static ACTIVE: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Makes this thread commit the mistake from now on; `None` ends it.
    pub fn set(mutant: Option<Mutant>) {
        ACTIVE.set(mutant);
    }

    pub(crate) fn is(mutant: Mutant) -> bool {
        ACTIVE.get() == Some(mutant)
    }
}

#[cfg(feature = "mutants")]
pub(crate) use switch::is;
#[cfg(feature = "mutants")]
pub use switch::set;

#[cfg(not(feature = "mutants"))]
pub(crate) const fn is(_mutant: Mutant) -> bool {
    false
}
