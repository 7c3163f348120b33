//! The members of a group, with what is counted over all of them.
//!
//! Invariants, checked by `Members::assert_consistent` in tests:
//! `waiting_joins` = members that wait to join; `known_by[p]` = members that know protocol `p`;
//! `instances` names each static member and nobody else.

mod member;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::messages::join_group::JoinGroupRequest;

use crate::env::Caller;

pub(super) use self::member::{Member, MemberId, Waiting, from_ms, to_ms};

/// All members of a group.
#[derive(Debug, Default)]
pub(super) struct Members {
    by_id: BTreeMap<MemberId, Member>,
    /// Instance id to member id.
    instances: HashMap<Arc<str>, MemberId>,
    /// How many members know each protocol; those that nobody knows are not in it.
    known_by: HashMap<Arc<str>, usize>,
    waiting_joins: usize,
}

impl Members {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Member> {
        self.by_id.get(id)
    }

    /// In the order of their ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.by_id.values()
    }

    pub(super) fn ids(&self) -> Vec<MemberId> {
        self.by_id.keys().cloned().collect()
    }

    /// The member that holds the instance id.
    pub(super) fn instance(&self, instance_id: &str) -> Option<&MemberId> {
        self.instances.get(instance_id)
    }

    /// The longest that any of them wants to be waited for.
    pub(super) fn rebalance_timeout(&self) -> Duration {
        let timeouts = self.iter().map(|member| member.rebalance_timeout);
        timeouts.max().unwrap_or_default()
    }

    /// Adds a member. Whoever had its id, or its instance id, is gone.
    pub(super) fn insert(&mut self, member: Member) {
        let holder = member.instance_id.as_ref();
        let holder = holder.and_then(|it| self.instances.get(it).cloned());
        holder.map(|id| self.remove(&id));
        self.remove(&member.id);
        if let Some(instance_id) = &member.instance_id {
            self.instances
                .insert(Arc::clone(instance_id), Arc::clone(&member.id));
        }
        self.count_protocols(&member, true);
        self.waiting_joins += usize::from(member.waits_to_join());
        self.by_id.insert(Arc::clone(&member.id), member);
    }

    /// Takes a member out, with the token of the request that waits.
    pub(super) fn remove(&mut self, id: &str) -> Option<Member> {
        let member = self.by_id.remove(id)?;
        if let Some(instance_id) = &member.instance_id {
            self.instances.remove(instance_id);
        }
        self.count_protocols(&member, false);
        self.waiting_joins -= usize::from(member.waits_to_join());
        Some(member)
    }

    /// What the member's newest `JoinGroup` says of it.
    pub(super) fn update(&mut self, id: &str, caller: &Caller, request: &JoinGroupRequest) {
        let Some(mut member) = self.remove(id) else {
            return;
        };
        member.client_id = Arc::from(&*caller.client_id);
        member.client_host = Arc::from(&*caller.client_host);
        member.session_timeout = from_ms(request.session_timeout_ms);
        member.rebalance_timeout = from_ms(request.rebalance_timeout_ms);
        member.protocols = member::owned(&request.protocols);
        self.insert(member);
    }

    /// Sets which request is unanswered, and returns which one was.
    pub(super) fn wait(&mut self, id: &str, waiting: Waiting) -> Waiting {
        let Some(member) = self.by_id.get_mut(id) else {
            return Waiting::Nothing;
        };
        let before = std::mem::replace(&mut member.waiting, waiting);
        self.waiting_joins += usize::from(matches!(waiting, Waiting::Join(_)));
        self.waiting_joins -= usize::from(matches!(before, Waiting::Join(_)));
        before
    }

    pub(super) fn assign(&mut self, id: &str, assignment: Bytes) {
        if let Some(member) = self.by_id.get_mut(id) {
            member.assignment = assignment;
        }
    }

    /// It got the answer to its first join.
    pub(super) fn settle(&mut self, id: &str) {
        if let Some(member) = self.by_id.get_mut(id) {
            member.is_new = false;
        }
    }

    pub(super) fn waiting_joins(&self) -> usize {
        self.waiting_joins
    }

    /// Whether all know the protocol.
    pub(super) fn all_know(&self, protocol: &str) -> bool {
        self.known_by.get(protocol).copied().unwrap_or_default() == self.len()
    }

    /// The protocol that most members prefer among those that all of them know; of equals, the one that
    /// `leader` likes better. `None` if there is none, which those that join are refused for.
    pub(super) fn vote(&self, leader: Option<&str>) -> Option<Arc<str>> {
        let mut votes: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for member in self.iter() {
            let vote = member.vote(|name| self.all_know(name))?;
            *votes.entry(vote).or_default() += 1;
        }
        let leader = leader.and_then(|id| self.get(id));
        let rank = |name: &Arc<str>| {
            let of_leader = leader.map_or(&[][..], Member::protocols);
            of_leader.iter().position(|it| it.name == *name)
        };
        let winner = votes
            .into_iter()
            .max_by_key(|(name, count)| (*count, std::cmp::Reverse(rank(name))));
        winner.map(|(name, _)| Arc::clone(name))
    }

    fn count_protocols(&mut self, member: &Member, joins: bool) {
        for protocol in &member.protocols {
            if joins {
                *self.known_by.entry(Arc::clone(&protocol.name)).or_default() += 1;
            } else if let Some(count) = self.known_by.get_mut(&protocol.name) {
                *count -= 1;
                if *count == 0 {
                    self.known_by.remove(&protocol.name);
                }
            }
        }
    }

    /// Panics unless what is counted is true.
    #[cfg(test)]
    pub(super) fn assert_consistent(&self) {
        let waiting = self.iter().filter(|it| it.waits_to_join()).count();
        assert_eq!(self.waiting_joins, waiting);
        let mut known_by: HashMap<Arc<str>, usize> = HashMap::new();
        for protocol in self.iter().flat_map(Member::protocols) {
            *known_by.entry(Arc::clone(&protocol.name)).or_default() += 1;
        }
        assert_eq!(self.known_by, known_by);
        let instances = self.iter().filter_map(|it| {
            let instance_id = it.instance_id.as_ref()?;
            Some((Arc::clone(instance_id), Arc::clone(&it.id)))
        });
        assert_eq!(self.instances, instances.collect());
    }
}
