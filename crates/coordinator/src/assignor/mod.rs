//! The server's assignors of KIP-848: who of a consumer group should have which partition.
//!
//! ```text
//! Input { members: subscription, rack, what they have ; topics: partition count, racks }
//!     │ range     each topic's partitions in runs, static members first, then by member id
//!     │ uniform   keep what one has, give free partitions to the least loaded, then level out
//!     ▼
//! one Assignment per member, in the members' order
//! ```
//!
//! Both are pure functions of their input, so every coordinator that replays the same log computes
//! the same. What they promise, and what the tests check with random groups:
//! - each partition of a topic that somebody subscribed is assigned exactly once;
//! - uniform: members with the same subscription differ by one partition at most, and a partition
//!   moves only from somebody who has more to somebody who has less;
//! - range: members with the same subscription get the same partition numbers of topics that have
//!   equally many partitions.
//!
//! Kafka 4.3's assignors take no notice of racks (only the metadata hash does). Uniform does here,
//! where it costs no movement: a partition that is free anyway goes to somebody near a replica.

mod assignment;
mod range;
mod uniform;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use types::TopicId;

pub(crate) use assignment::Assignment;

/// What the group looks like.
#[derive(Clone, Debug, Default)]
pub(crate) struct Input<'a> {
    /// The members, in the order of their ids.
    pub(crate) members: Vec<Member<'a>>,
    /// All topics that somebody subscribed and that exist, in the order of their ids.
    pub(crate) topics: Vec<Topic>,
}

/// A member as an assignor sees it.
#[derive(Clone, Debug)]
pub(crate) struct Member<'a> {
    /// The member id.
    pub(crate) id: &'a str,
    /// The instance id of a static member.
    pub(crate) instance_id: Option<&'a str>,
    /// The rack it said it is in.
    pub(crate) rack_id: Option<&'a str>,
    /// Indexes into [`Input::topics`], ascending: the topics it subscribed.
    pub(crate) topics: Arc<[usize]>,
    /// What the last target assignment gave it.
    pub(crate) target: &'a Assignment,
}

/// A topic as an assignor sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topic {
    /// Its id.
    pub(crate) id: TopicId,
    /// How many partitions it has.
    pub(crate) partition_count: usize,
    /// The racks of each partition's replicas; empty if no rack is known.
    pub(crate) racks: Vec<Vec<Arc<str>>>,
}

/// A way to assign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Assignor {
    /// As even as possible over all topics, and sticky.
    #[default]
    Uniform,
    /// Per topic, in runs of neighbours.
    Range,
}

impl Assignor {
    /// The assignor of that name, `None` if there is none.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "uniform" => Some(Self::Uniform),
            "range" => Some(Self::Range),
            _ => None,
        }
    }

    /// The name clients ask for it by.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        }
    }

    /// Assigns every partition. The answer has one entry per member, in the order of
    /// [`Input::members`].
    pub(crate) fn assign(self, input: &Input<'_>) -> Vec<Assignment> {
        match self {
            Self::Uniform => uniform::assign(input),
            Self::Range => range::assign(input),
        }
    }
}
