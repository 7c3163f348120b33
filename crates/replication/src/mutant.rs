//! Deliberate mistakes, one at a time, for the simulator to find: a check that nobody can fail proves
//! nothing. Without the feature `mutants` every question here is constantly `false`.

/// A mistake that loses or corrupts data sooner or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutant {
    /// The high watermark counts the committed ISR only, not the one that is proposed.
    NoMaximalIsr,
    /// The high watermark moves although fewer replicas than the minimum are in sync.
    HighWatermarkIgnoresMinIsr,
    /// Logs are compared by their ends alone, not by the epochs that wrote them.
    NoTruncationByEpoch,
    /// A follower may join the ISR before it has reached the start of the leader's epoch.
    NoEpochStartRule,
    /// The leader does not say, and does not check, which process of a broker it saw in sync.
    NoBrokerEpochAtLeader,
    /// A position counts as progress before the logs were reconciled.
    ProgressBeforeReconciled,
    /// Followers accept leaders of former epochs.
    FollowerIgnoresEpoch,
    /// A leader drops followers from its ISR on its own.
    LeaderShrinksAlone,
    /// A proposal that was not answered in time counts as refused.
    RollbackOnTimeout,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::NoMaximalIsr,
        Self::HighWatermarkIgnoresMinIsr,
        Self::NoTruncationByEpoch,
        Self::NoEpochStartRule,
        Self::NoBrokerEpochAtLeader,
        Self::ProgressBeforeReconciled,
        Self::FollowerIgnoresEpoch,
        Self::LeaderShrinksAlone,
        Self::RollbackOnTimeout,
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
