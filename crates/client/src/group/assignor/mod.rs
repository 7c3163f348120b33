//! How the leader of a classic group deals out partitions. Pure: the same members and topics make
//! the same assignment.

mod range;
mod round_robin;
mod sticky;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use types::TopicPartition;

/// A way to deal out partitions, as `partition.assignment.strategy` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assignor {
    /// `range`: of each topic a run of partitions to each member.
    Range,
    /// `roundrobin`: all partitions one after the other, in turn.
    RoundRobin,
    /// `cooperative-sticky`: evenly, and members keep what they have; what moves is given up first.
    CooperativeSticky,
}

impl Assignor {
    /// The name members vote by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::RoundRobin => "roundrobin",
            Self::CooperativeSticky => "cooperative-sticky",
        }
    }

    /// The one of that name; Java's class names are names, too.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.rsplit('.').next()? {
            "range" | "RangeAssignor" => Some(Self::Range),
            "roundrobin" | "RoundRobinAssignor" => Some(Self::RoundRobin),
            "cooperative-sticky" | "CooperativeStickyAssignor" => Some(Self::CooperativeSticky),
            _ => None,
        }
    }

    /// Whether members may go on reading while the group is being rebalanced.
    pub(crate) fn is_cooperative(self) -> bool {
        self == Self::CooperativeSticky
    }

    /// Deals out the partitions of all topics that a member subscribes to. Every member has its entry.
    pub(crate) fn assign(self, members: &[Candidate], topics: &PartitionCounts) -> Assignment {
        match self {
            Self::Range => range::assign(members, topics),
            Self::RoundRobin => round_robin::assign(members, topics),
            Self::CooperativeSticky => sticky::assign_cooperatively(members, topics),
        }
    }
}

/// A member to be given partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Its id in this life.
    pub(crate) member_id: String,
    /// `group.instance.id`, if it is a static member.
    pub(crate) instance_id: Option<String>,
    /// Topics it subscribes to.
    pub(crate) topics: BTreeSet<Arc<str>>,
    /// What it says it still reads.
    pub(crate) owned: Vec<TopicPartition>,
    /// The generation in which it got that; -1 if unknown.
    pub(crate) generation: i32,
}

/// How many partitions each topic has. Topics that do not exist are absent.
pub(crate) type PartitionCounts = BTreeMap<Arc<str>, i32>;

/// Partitions by member id.
pub(crate) type Assignment = BTreeMap<String, Vec<TopicPartition>>;

/// The members in the order in which they are served: static ones first, by what stays the same
/// when they restart.
fn in_order(members: &[Candidate]) -> Vec<&Candidate> {
    let mut ordered: Vec<&Candidate> = members.iter().collect();
    ordered.sort_by_key(|member| {
        let instance_id = member.instance_id.as_ref();
        (instance_id.is_none(), instance_id, &member.member_id)
    });
    ordered
}

fn empty(members: &[Candidate]) -> Assignment {
    let ids = members.iter().map(|member| member.member_id.clone());
    ids.map(|id| (id, Vec::new())).collect()
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    pub(in super::super) fn candidate(
        id: &str,
        topics: &[&str],
        owned: &[(&str, i32)],
    ) -> Candidate {
        Candidate {
            member_id: id.to_owned(),
            instance_id: None,
            topics: topics.iter().map(|name| Arc::from(*name)).collect(),
            owned: partitions(owned),
            generation: if owned.is_empty() { -1 } else { 1 },
        }
    }

    pub(in super::super) fn partitions(named: &[(&str, i32)]) -> Vec<TopicPartition> {
        let named = named.iter();
        named
            .map(|(topic, index)| TopicPartition::new(*topic, *index))
            .collect()
    }

    pub(in super::super) fn counts(topics: &[(&str, i32)]) -> PartitionCounts {
        let topics = topics.iter();
        topics
            .map(|(name, count)| (Arc::from(*name), *count))
            .collect()
    }

    /// The assignment as text: `a: t-0 t-1; b: t-2`.
    pub(in super::super) fn shown(assignment: &Assignment) -> String {
        let members = assignment.iter().map(|(member, partitions)| {
            let mut partitions: Vec<_> = partitions.iter().map(ToString::to_string).collect();
            partitions.sort();
            format!("{member}: {}", partitions.join(" "))
        });
        members.collect::<Vec<_>>().join("; ")
    }
}
