//! Deliberate mistakes, one at a time, for the simulator to find: a check that nobody can fail proves
//! nothing. Without the feature `mutants` every question here is constantly `false`.

/// A mistake that loses or corrupts data sooner or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutant {
    /// Answers leave before what they say is committed.
    AnswerBeforeCommit,
    /// A shard serves before the high watermark has reached what it loaded.
    ServeBeforeLoaded,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::AnswerBeforeCommit, Self::ServeBeforeLoaded];
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
