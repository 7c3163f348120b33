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

mod lead;
mod say;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use protocol::messages::join_group::{JoinGroupResponse, JoinGroupResponseMember};
use protocol::messages::sync_group::{SyncGroupRequestAssignment, SyncGroupResponse};
use tokio::time::Instant;
use types::{ErrorCode, Uuid};

use self::lead::all_topics;
use super::{Identity, Interest, Patience, Response, Step, Topics, View};
use crate::Error;
use crate::group::assignor::{Assignor, PartitionCounts};
use crate::group::config::GroupConfig;
use crate::group::protocol as wire;

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
    pub(in crate::group) fn new(config: GroupConfig, rack: String, patience: Patience) -> Self {
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
}

#[cfg(test)]
mod tests;
