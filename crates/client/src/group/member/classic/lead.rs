//! What a member does as the group's leader: it deals out the partitions.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use protocol::Str;
use protocol::messages::join_group::JoinGroupResponseMember;
use protocol::messages::sync_group::SyncGroupRequestAssignment;

use super::super::Step;
use super::Classic;
use crate::Result;
use crate::group::assignor::{Candidate, PartitionCounts};
use crate::group::protocol::{self as wire, Subscription};

impl Classic {
    /// As leader: whether everything that members subscribe to has been looked up. What does not
    /// exist is known to have no partitions.
    pub(super) fn is_known(&self, members: &[JoinGroupResponseMember]) -> bool {
        let mut topics = all_topics(members).into_iter();
        topics.all(|topic| self.known.contains_key(&topic))
    }

    /// As leader: makes the assignment by the rules that were voted for.
    pub(super) fn deal(&mut self, members: &[JoinGroupResponseMember], is_done: bool) -> Step {
        let Some(assignor) = self.assignor else {
            return self.fail_with("no protocol was chosen");
        };
        let counts = self.counts(&all_topics(members));
        if is_done {
            self.dealt = Some(counts);
            return self.sync(Vec::new());
        }
        let candidates: Vec<_> = members.iter().map(candidate).collect();
        let assignment = assignor.assign(&candidates, &counts);
        let encoded = assignment.into_iter().map(|(member_id, partitions)| {
            Ok(SyncGroupRequestAssignment {
                member_id: Str::from(member_id),
                assignment: wire::encode_assignment(&partitions)?,
            })
        });
        let encoded: Result<Vec<_>, protocol::EncodeError> = encoded.collect();
        self.dealt = Some(counts);
        match encoded {
            Ok(assignments) => self.sync(assignments),
            Err(error) => self.fail_with(&error.to_string()),
        }
    }

    /// How many partitions topics have; those that do not exist have none.
    pub(super) fn counts(&self, names: &BTreeSet<Arc<str>>) -> PartitionCounts {
        let count = |name: &Arc<str>| {
            self.known
                .get(name)
                .map_or(0, |facts| facts.partition_count)
        };
        let counted = names.iter().map(|name| (Arc::clone(name), count(name)));
        counted.collect()
    }
}

/// What a member has sent; one whose bytes make no sense subscribes to nothing.
fn subscription(metadata: &Bytes) -> Subscription {
    Subscription::decode(metadata).unwrap_or_else(|error| {
        tracing::warn!(%error, "a member's subscription cannot be read");
        Subscription::default()
    })
}

fn candidate(member: &JoinGroupResponseMember) -> Candidate {
    let subscription = subscription(&member.metadata);
    Candidate {
        member_id: member.member_id.to_string(),
        instance_id: member.group_instance_id.as_ref().map(ToString::to_string),
        topics: subscription.topics.into_iter().collect(),
        owned: subscription.owned,
        generation: subscription.generation,
    }
}

pub(super) fn all_topics(members: &[JoinGroupResponseMember]) -> BTreeSet<Arc<str>> {
    let subscriptions = members.iter().map(|member| subscription(&member.metadata));
    subscriptions
        .flat_map(|subscription| subscription.topics)
        .collect()
}
