//! A member of a classic group.
//!
//! ```text
//!            79: with the id given                          another generation
//!          ┌──────┐                                    ┌──────────────────────────┐
//!          ▼      │                                    ▼                          │
//! Out ─▶ Join ─▶ Joining ─(leader)─▶ Dealing ─▶ Sync ─▶ Syncing ─▶ Stable ⇄ heartbeat
//!          ▲ waits until what it must give up is given up            │ 27, topics changed
//!          └─────────────────────────────────────────────────────────┘
//! ```
//!
//! Eager members give everything up before they join; cooperative ones go on reading, give up only
//! what their new assignment lacks, and then join once more so that another one gets it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use protocol::Str;
use protocol::messages::heartbeat::HeartbeatRequest;
use protocol::messages::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse, JoinGroupResponseMember,
};
use protocol::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use protocol::messages::sync_group::{
    SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse,
};
use tokio::time::Instant;
use types::{ErrorCode, Uuid};

use super::{Identity, Interest, Patience, Request, Response, Step, Topics, View, millis};
use crate::group::assignor::{Assignor, Candidate, PartitionCounts};
use crate::group::config::GroupConfig;
use crate::group::protocol::{self as wire, Subscription};
use crate::{Error, Result};

/// See the module.
#[derive(Debug)]
pub(crate) struct Classic {
    config: GroupConfig,
    rack: Option<String>,
    phase: Phase,
    topics: BTreeSet<Arc<str>>,
    view: View,
    member_id: String,
    generation: i32,
    assignor: Option<Assignor>,
    /// As leader: the topics the members subscribe to, and how many partitions they had when they
    /// were dealt out.
    dealt: Option<PartitionCounts>,
    known: Topics,
    /// The last view that took something away, and the last one the application has applied.
    takes_away: u64,
    applied: u64,
    /// The application gives something up that another member waits for.
    rejoins_when_applied: bool,
    /// Joins again when it may.
    wants_rejoin: bool,
    is_leaving: Option<String>,
    patience: Patience,
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    /// Subscribed to nothing yet.
    Out,
    /// To join, not before this time.
    Join(Option<Instant>),
    Joining,
    /// As leader, until the topics of all members are known. It may be that the coordinator keeps
    /// the assignment there is.
    Dealing {
        members: Vec<JoinGroupResponseMember>,
        is_done: bool,
    },
    Sync(Vec<SyncGroupRequestAssignment>),
    Syncing,
    /// To send the next heartbeat at this time.
    Stable(Instant),
    Beating,
    /// To say goodbye.
    Leave(String),
    /// Said so; what then: to join again.
    Leaving(bool),
    Over,
}

impl Classic {
    pub(in super::super) fn new(config: GroupConfig, rack: String, patience: Patience) -> Self {
        Self {
            config,
            rack: (!rack.is_empty()).then_some(rack),
            phase: Phase::Out,
            topics: BTreeSet::new(),
            view: View::new(),
            member_id: String::new(),
            generation: -1,
            assignor: None,
            dealt: None,
            known: Topics::new(),
            takes_away: 0,
            applied: 0,
            rejoins_when_applied: false,
            wants_rejoin: false,
            is_leaving: None,
            patience,
        }
    }

    pub(super) fn view(&self) -> &View {
        &self.view
    }

    pub(super) fn step(&mut self, now: Instant) -> Step {
        if let Some(reason) = self.is_leaving.take() {
            return self.say_goodbye(&reason, false);
        }
        if matches!(self.phase, Phase::Stable(_)) && self.wants_rejoin {
            self.prepare_to_join();
        }
        match &self.phase {
            Phase::Join(not_before) => match *not_before {
                _ if self.applied < self.takes_away => Step::Wait(None),
                Some(at) if at > now => Step::Wait(Some(at)),
                _ => self.join(),
            },
            Phase::Dealing { members, is_done } => {
                let (members, is_done) = (members.clone(), *is_done);
                match self.is_known(&members) {
                    true => self.deal(&members, is_done),
                    false => Step::Wait(None),
                }
            }
            Phase::Sync(assignments) => {
                let assignments = assignments.clone();
                self.sync(assignments)
            }
            Phase::Stable(at) if *at > now => Step::Wait(Some(*at)),
            Phase::Stable(_) => self.beat(),
            Phase::Leave(reason) => {
                let reason = reason.clone();
                self.say_goodbye(&reason, true)
            }
            _ => Step::Wait(None),
        }
    }

    /// Eager members give up what they read; when the application has done so it is time to join.
    /// Until then heartbeats go on: it may be busy for longer than a session lasts.
    fn prepare_to_join(&mut self) {
        self.view.is_stable = false;
        if !self.config.is_cooperative() && self.view.change(BTreeSet::new()) {
            self.takes_away = self.view.revision;
        }
        if self.applied >= self.takes_away {
            self.phase = Phase::Join(None);
        }
    }

    fn join(&mut self) -> Step {
        self.wants_rejoin = false;
        self.rejoins_when_applied = false;
        self.view.is_stable = false;
        let metadata = match self.subscription().encode() {
            Ok(metadata) => metadata,
            Err(error) => return self.fail_with(&error.to_string()),
        };
        let protocols = self.config.assignors.iter();
        let protocols = protocols.map(|assignor| JoinGroupRequestProtocol {
            name: Str::from_static(assignor.name()),
            metadata: metadata.clone(),
        });
        self.phase = Phase::Joining;
        Step::Send(Box::new(Request::Join(JoinGroupRequest {
            group_id: self.group_id(),
            session_timeout_ms: millis(self.config.session_timeout),
            rebalance_timeout_ms: millis(self.config.poll_interval_max),
            member_id: self.member_id(),
            group_instance_id: self.instance_id(),
            protocol_type: Str::from_static(wire::TYPE),
            protocols: protocols.collect(),
            reason: None,
        })))
    }

    fn subscription(&self) -> Subscription {
        Subscription {
            topics: self.topics.iter().cloned().collect(),
            owned: self.view.partitions.iter().cloned().collect(),
            generation: self.generation,
            rack: self.rack.clone(),
        }
    }

    fn sync(&mut self, assignments: Vec<SyncGroupRequestAssignment>) -> Step {
        self.phase = Phase::Syncing;
        let assignor = self
            .assignor
            .map(|assignor| Str::from_static(assignor.name()));
        Step::Send(Box::new(Request::Sync(SyncGroupRequest {
            group_id: self.group_id(),
            generation_id: self.generation,
            member_id: self.member_id(),
            group_instance_id: self.instance_id(),
            protocol_type: Some(Str::from_static(wire::TYPE)),
            protocol_name: assignor,
            assignments,
        })))
    }

    fn beat(&mut self) -> Step {
        self.phase = Phase::Beating;
        Step::Send(Box::new(Request::Heartbeat(HeartbeatRequest {
            group_id: self.group_id(),
            generation_id: self.generation,
            member_id: self.member_id(),
            group_instance_id: self.instance_id(),
        })))
    }

    /// Leaves; static members only fall silent, so that they find their partitions when they are back.
    fn say_goodbye(&mut self, reason: &str, returns: bool) -> Step {
        let is_member = !self.member_id.is_empty() && self.config.instance_id.is_none();
        let member_id = self.member_id();
        (self.member_id, self.generation) = (String::new(), -1);
        if !is_member {
            self.phase = if returns {
                Phase::Join(None)
            } else {
                Phase::Over
            };
            return Step::Wait(None);
        }
        self.phase = Phase::Leaving(returns);
        Step::Send(Box::new(Request::Leave(LeaveGroupRequest {
            group_id: self.group_id(),
            member_id: member_id.clone(),
            members: vec![MemberIdentity {
                member_id,
                group_instance_id: None,
                reason: Some(Str::from(reason)),
            }],
        })))
    }

    pub(super) fn on_response(&mut self, now: Instant, response: Response) {
        match (response, &self.phase) {
            (Response::Join(response), Phase::Joining) => self.on_joined(now, &response),
            (Response::Sync(response), Phase::Syncing) => self.on_synced(now, &response),
            (Response::Heartbeat(response), Phase::Beating) => {
                self.on_beat(now, response.error_code);
            }
            (Response::Leave(_), Phase::Leaving(true)) => self.phase = Phase::Join(None),
            (Response::Leave(_), Phase::Leaving(false)) => self.phase = Phase::Over,
            // The answer to something given up since.
            _ => {}
        }
    }

    fn on_joined(&mut self, now: Instant, response: &JoinGroupResponse) {
        use ErrorCode as E;
        match ErrorCode::from_wire(response.error_code) {
            Some(E::None) => {}
            Some(E::MemberIdRequired) if self.member_id.is_empty() => {
                self.member_id = response.member_id.to_string();
                self.phase = Phase::Join(None);
                return;
            }
            Some(E::UnknownMemberId | E::IllegalGeneration) => {
                return self.disown(now, response.error_code == E::IllegalGeneration.to_wire());
            }
            Some(E::RebalanceInProgress | E::MemberIdRequired) => return self.on_trouble(now),
            _ => return self.fail(response.error_code, "join"),
        }
        self.patience.reset();
        self.member_id = response.member_id.to_string();
        self.generation = response.generation_id;
        let name = response.protocol_name.as_deref().unwrap_or_default();
        self.assignor = Assignor::from_name(name).filter(|a| self.config.assignors.contains(a));
        self.dealt = None;
        let is_leader = response.leader == response.member_id;
        self.phase = match (is_leader, self.assignor) {
            (_, None) => {
                let code = ErrorCode::InconsistentGroupProtocol.to_wire();
                return self.fail(code, "join");
            }
            (false, _) => Phase::Sync(Vec::new()),
            // Even if the assignment stays, the topics are ours to watch.
            (true, _) => Phase::Dealing {
                members: response.members.clone(),
                is_done: response.skip_assignment,
            },
        };
    }

    fn on_synced(&mut self, now: Instant, response: &SyncGroupResponse) {
        use ErrorCode as E;
        match ErrorCode::from_wire(response.error_code) {
            Some(E::None) => {}
            Some(E::RebalanceInProgress) => {
                self.phase = Phase::Join(None);
                return;
            }
            Some(E::UnknownMemberId | E::IllegalGeneration) => {
                return self.disown(now, response.error_code == E::IllegalGeneration.to_wire());
            }
            _ => return self.fail(response.error_code, "sync"),
        }
        let assigned = match wire::decode_assignment(&response.assignment) {
            Ok(assigned) => assigned,
            Err(error) => {
                self.fail_with(&error.to_string());
                return;
            }
        };
        self.patience.reset();
        self.phase = Phase::Stable(now + self.config.heartbeat_interval);
        self.view.identity = Identity {
            member_id: self.member_id.clone(),
            generation: self.generation,
        };
        self.view.is_stable = true;
        if self.view.change(assigned.into_iter().collect()) {
            self.takes_away = self.view.revision;
            self.rejoins_when_applied = true;
        }
    }

    fn on_beat(&mut self, now: Instant, code: i16) {
        use ErrorCode as E;
        self.phase = Phase::Stable(now + self.config.heartbeat_interval);
        match ErrorCode::from_wire(code) {
            Some(E::None) => self.patience.reset(),
            Some(E::RebalanceInProgress) => self.wants_rejoin = true,
            Some(E::UnknownMemberId | E::IllegalGeneration) => {
                self.disown(now, code == E::IllegalGeneration.to_wire());
            }
            _ => self.fail(code, "heartbeat"),
        }
    }

    pub(super) fn on_trouble(&mut self, now: Instant) {
        let again_at = now + self.patience.next_pause();
        match &self.phase {
            Phase::Joining | Phase::Syncing => self.phase = Phase::Join(Some(again_at)),
            Phase::Beating => self.phase = Phase::Stable(again_at),
            // The session will run out.
            Phase::Leaving(true) => self.phase = Phase::Join(Some(again_at)),
            Phase::Leaving(false) => self.phase = Phase::Over,
            _ => {}
        }
    }

    /// We are a member no longer: what we read may be another's by now.
    fn disown(&mut self, now: Instant, keeps_id: bool) {
        self.generation = -1;
        if !keeps_id {
            self.member_id = String::new();
        }
        self.lose();
        self.phase = Phase::Join(Some(now + self.patience.next_pause()));
    }

    fn lose(&mut self) {
        self.view.lose();
        self.takes_away = self.view.revision;
        self.dealt = None;
    }

    pub(super) fn on_disowned(&mut self, now: Instant, identity: &Identity) {
        let is_idle = matches!(self.phase, Phase::Stable(_) | Phase::Beating);
        if is_idle && self.view.identity == *identity {
            self.disown(now, false);
        }
    }

    pub(super) fn on_failure(&mut self, error: Error) {
        self.view.lose();
        self.view.failure = Some(error);
        self.phase = Phase::Over;
    }

    fn fail(&mut self, code: i16, what: &str) {
        let what = format!("{what} group {}", self.config.group_id);
        self.on_failure(Error::refused(code, None, what));
    }

    fn fail_with(&mut self, reason: &str) -> Step {
        self.on_failure(Error::Malformed {
            what: format!("the protocol of group {}", self.config.group_id),
            reason: reason.to_owned(),
        });
        Step::Wait(None)
    }

    pub(super) fn on_interest(&mut self, _now: Instant, interest: Interest) {
        let Interest::Names(topics) = interest else {
            return;
        };
        if self.topics != topics {
            self.topics = topics;
            self.wants_rejoin = true;
        }
        if self.phase == Phase::Out {
            self.phase = Phase::Join(None);
        }
    }

    pub(super) fn on_topics(&mut self, _now: Instant, topics: &Topics) {
        self.known = topics.clone();
        let Some(dealt) = &self.dealt else { return };
        let names: BTreeSet<_> = dealt.keys().cloned().collect();
        if self.counts(&names) != *dealt {
            tracing::info!(group = self.config.group_id, "partitions have come or gone");
            self.wants_rejoin = true;
        }
    }

    pub(super) fn wanted(&self) -> (BTreeSet<Arc<str>>, Vec<Uuid>) {
        let mut names = self.topics.clone();
        match &self.phase {
            Phase::Dealing { members, .. } => names.extend(all_topics(members)),
            _ => names.extend(self.dealt.iter().flat_map(BTreeMap::keys).cloned()),
        }
        (names, Vec::new())
    }

    pub(super) fn on_applied(&mut self, _now: Instant, revision: u64) {
        self.applied = self.applied.max(revision);
        if self.rejoins_when_applied && self.applied >= self.takes_away {
            self.rejoins_when_applied = false;
            self.wants_rejoin = true;
        }
    }

    pub(super) fn on_poll_expired(&mut self, _now: Instant) {
        self.lose();
        self.phase = Phase::Leave("the application has not polled in time".to_owned());
    }

    pub(super) fn is_active(&self) -> bool {
        match &self.phase {
            Phase::Out | Phase::Over | Phase::Leave(_) | Phase::Leaving(_) => false,
            Phase::Join(_) => self.applied >= self.takes_away,
            _ => true,
        }
    }

    pub(super) fn leave(&mut self, reason: &str) {
        if self.phase != Phase::Over {
            self.is_leaving = Some(reason.to_owned());
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// As leader: whether everything that members subscribe to has been looked up. What does not
    /// exist is known to have no partitions.
    fn is_known(&self, members: &[JoinGroupResponseMember]) -> bool {
        let mut topics = all_topics(members).into_iter();
        topics.all(|topic| self.known.contains_key(&topic))
    }

    /// As leader: makes the assignment by the rules that were voted for.
    fn deal(&mut self, members: &[JoinGroupResponseMember], is_done: bool) -> Step {
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
    fn counts(&self, names: &BTreeSet<Arc<str>>) -> PartitionCounts {
        let count = |name: &Arc<str>| {
            self.known
                .get(name)
                .map_or(0, |facts| facts.partition_count)
        };
        let counted = names.iter().map(|name| (Arc::clone(name), count(name)));
        counted.collect()
    }

    fn group_id(&self) -> Str {
        Str::from(self.config.group_id.as_str())
    }

    fn member_id(&self) -> Str {
        Str::from(self.member_id.as_str())
    }

    fn instance_id(&self) -> Option<Str> {
        self.config.instance_id.as_deref().map(Str::from)
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

fn all_topics(members: &[JoinGroupResponseMember]) -> BTreeSet<Arc<str>> {
    let subscriptions = members.iter().map(|member| subscription(&member.metadata));
    subscriptions
        .flat_map(|subscription| subscription.topics)
        .collect()
}

#[cfg(test)]
#[path = "classic_tests.rs"]
mod tests;
