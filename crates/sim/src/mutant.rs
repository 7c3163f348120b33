//! Deliberate mistakes, one at a time: those in the code under test, behind its feature `mutants`, and
//! those of the glue and the disks that the simulator itself models.

use std::cell::Cell;
use std::fmt;

/// A mistake in what the simulator models: the broker's glue, its disk, the quorum's store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Glue {
    /// A follower acknowledges what is in its own buffers, before `write(2)`.
    AckBeforeWrite,
    /// Truncation leaves the epochs that it cut (KAFKA-10706).
    EpochsNotTruncated,
    /// Truncation leaves the producers' sequences.
    ProducersNotRolledBack,
    /// A follower serves consumers up to its own log's end.
    FollowerReadAboveHighWatermark,
    /// A durable topic counts what is not synced.
    DurableCountsUnsynced,
    /// The clean-shutdown marker stays where it is at a start.
    MarkerNotDeleted,
    /// The marker's deletion is not synced.
    MarkerDeletionNotSynced,
    /// Another boot of the machine is taken for a crash of the process.
    NewBootIsProcessCrash,
    /// The new boot id is stored before the cluster knows that the machine went down.
    BootIdStoredTooEarly,
    /// A leader takes up an ISR from the controller's answer, under whatever minimum it knows.
    AnswerBeforeImage,
    /// A log is taken for the topic's by its name alone.
    LogByName,
    /// A controller's vote is not synced before it is given.
    VoteNotSynced,
    /// A controller acknowledges entries before they are synced.
    AppendNotSynced,
    /// A controller purges its log before the snapshot is synced.
    PurgeBeforeSync,
    /// The active controller answers before the entry is committed.
    AnswerBeforeCommit,
    /// A coordinator keeps its groups when another one takes over, and goes on with them later.
    ShardSurvivesResignation,
    /// What was read of a log for an older epoch is taken for a newer one's.
    LateLoadKept,
    /// A coordinator reads its log up to the high watermark that it knows of.
    LoadToHighWatermark,
    /// A coordinator that is cut off from the controllers goes on answering.
    NoLease,
}

impl Glue {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::AckBeforeWrite,
        Self::EpochsNotTruncated,
        Self::ProducersNotRolledBack,
        Self::FollowerReadAboveHighWatermark,
        Self::DurableCountsUnsynced,
        Self::MarkerNotDeleted,
        Self::MarkerDeletionNotSynced,
        Self::NewBootIsProcessCrash,
        Self::BootIdStoredTooEarly,
        Self::AnswerBeforeImage,
        Self::LogByName,
        Self::VoteNotSynced,
        Self::AppendNotSynced,
        Self::PurgeBeforeSync,
        Self::AnswerBeforeCommit,
        Self::ShardSurvivesResignation,
        Self::LateLoadKept,
        Self::LoadToHighWatermark,
        Self::NoLease,
    ];

    /// Those that only groups suffer from.
    const OF_GROUPS: [Self; 4] = [
        Self::ShardSurvivesResignation,
        Self::LateLoadKept,
        Self::LoadToHighWatermark,
        Self::NoLease,
    ];
}

/// Any mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutant {
    /// In the state machines of one partition.
    Replication(replication::mutant::Mutant),
    /// In what every node derives from the metadata log.
    Metadata(metadata::mutant::Mutant),
    /// In the active controller's decisions.
    Controller(controller::mutant::Mutant),
    /// In the groups' coordinators.
    Coordinator(coordinator::mutant::Mutant),
    /// In what the simulator models.
    Glue(Glue),
}

impl Mutant {
    /// Whether only a run with groups can show it.
    #[must_use]
    pub fn is_of_groups(self) -> bool {
        match self {
            Self::Coordinator(_) => true,
            Self::Glue(mutant) => Glue::OF_GROUPS.contains(&mutant),
            Self::Replication(_) | Self::Metadata(_) | Self::Controller(_) => false,
        }
    }

    /// All of them.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let replication = replication::mutant::Mutant::ALL.iter().copied();
        let metadata = metadata::mutant::Mutant::ALL.iter().copied();
        let controller = controller::mutant::Mutant::ALL.iter().copied();
        let inner = replication.map(Self::Replication);
        let inner = inner.chain(metadata.map(Self::Metadata));
        let inner = inner.chain(controller.map(Self::Controller));
        let coordinator = coordinator::mutant::Mutant::ALL.iter().copied();
        let inner = inner.chain(coordinator.map(Self::Coordinator));
        inner.chain(Glue::ALL.map(Self::Glue)).collect()
    }

    /// The one of that name, as [`fmt::Display`] writes it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all()
            .into_iter()
            .find(|mutant| mutant.to_string() == name)
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replication(mutant) => write!(f, "replication::{mutant:?}"),
            Self::Metadata(mutant) => write!(f, "metadata::{mutant:?}"),
            Self::Controller(mutant) => write!(f, "controller::{mutant:?}"),
            Self::Coordinator(mutant) => write!(f, "coordinator::{mutant:?}"),
            Self::Glue(mutant) => write!(f, "glue::{mutant:?}"),
        }
    }
}

thread_local! {
    static ACTIVE: Cell<Option<Glue>> = const { Cell::new(None) };
}

/// Makes this thread commit the mistake from now on; `None` ends it.
pub fn set(mutant: Option<Mutant>) {
    let replication = |m| {
        if let Mutant::Replication(m) = m {
            Some(m)
        } else {
            None
        }
    };
    let metadata = |m| {
        if let Mutant::Metadata(m) = m {
            Some(m)
        } else {
            None
        }
    };
    let controller = |m| {
        if let Mutant::Controller(m) = m {
            Some(m)
        } else {
            None
        }
    };
    let coordinator = |m| {
        if let Mutant::Coordinator(m) = m {
            Some(m)
        } else {
            None
        }
    };
    let glue = |m| {
        if let Mutant::Glue(m) = m {
            Some(m)
        } else {
            None
        }
    };
    replication::mutant::set(mutant.and_then(replication));
    metadata::mutant::set(mutant.and_then(metadata));
    controller::mutant::set(mutant.and_then(controller));
    coordinator::mutant::set(mutant.and_then(coordinator));
    ACTIVE.set(mutant.and_then(glue));
}

/// Whether this thread commits that mistake.
#[must_use]
pub fn is(mutant: Glue) -> bool {
    ACTIVE.get() == Some(mutant)
}
