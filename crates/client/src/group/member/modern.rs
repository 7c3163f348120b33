//! A member of a consumer group (KIP-848): one request, the heartbeat, says and learns everything.
//!
//! ```text
//! epoch 0: all we are ─▶ epoch n, assignment ─▶ the application gives up and takes ─▶ heartbeat
//!                                                                                  with what it has
//! 25, 110: everything is lost; epoch 0 again          goodbye: epoch -1, or -2 for static members
//! ```
//!
//! A field is sent when it has changed since the coordinator last answered; after a failure all of
//! them are sent again. Partitions come by topic id; those without a name yet wait for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use protocol::Str;
use protocol::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, TopicPartitions,
};
use tokio::time::{Duration, Instant};
use types::{ErrorCode, TopicPartition, Uuid};

use super::{Identity, Interest, Patience, Request, Response, Step, Topics, View, millis};
use crate::Error;
use crate::group::config::GroupConfig;

const JOIN_EPOCH: i32 = 0;
const LEAVE_EPOCH: i32 = -1;
/// A static member that will be back.
const PAUSE_EPOCH: i32 = -2;

type Assigned = BTreeMap<Uuid, BTreeSet<i32>>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Modern {
    config: GroupConfig,
    rack: Option<String>,
    phase: Phase,
    interest: Option<Interest>,
    view: View,
    member_id: String,
    epoch: i32,
    interval: Duration,
    /// What the coordinator wants us to read.
    target: Assigned,
    names: BTreeMap<Uuid, Arc<str>>,
    /// What the coordinator has been told of; `None` if it must be told anew.
    told: Option<Told>,
    telling: Option<Told>,
    takes_away: u64,
    applied: u64,
    is_leaving: bool,
    patience: Patience,
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    /// Subscribed to nothing yet.
    Out,
    /// To send a heartbeat at this time.
    Idle(Instant),
    Beating,
    /// To say goodbye, and to join again when the application is back.
    Leave,
    Leaving(bool),
    /// Lost everything; joins when the application has applied that, not before this time.
    Rejoin(Instant),
    Over,
}

/// What changes rarely.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    interest: Option<Interest>,
    /// `None` while the application has yet to follow the view: what it reads is between two sets,
    /// and a partition left out would pass for given up.
    owned: Option<BTreeSet<TopicPartition>>,
}

impl Modern {
    /// `member_id` is unique to this life.
    pub(in super::super) fn new(
        config: GroupConfig,
        rack: String,
        member_id: String,
        patience: Patience,
    ) -> Self {
        Self {
            interval: config.heartbeat_interval,
            config,
            rack: (!rack.is_empty()).then_some(rack),
            phase: Phase::Out,
            interest: None,
            view: View::new(),
            member_id,
            epoch: JOIN_EPOCH,
            target: Assigned::new(),
            names: BTreeMap::new(),
            told: None,
            telling: None,
            takes_away: 0,
            applied: 0,
            is_leaving: false,
            patience,
        }
    }

    pub(super) fn view(&self) -> &View {
        &self.view
    }

    pub(super) fn step(&mut self, now: Instant) -> Step {
        if self.is_leaving {
            self.is_leaving = false;
            return self.say_goodbye(now, false);
        }
        match self.phase {
            Phase::Rejoin(_) if self.applied < self.takes_away => Step::Wait(None),
            Phase::Idle(at) | Phase::Rejoin(at) if at > now => Step::Wait(Some(at)),
            Phase::Idle(_) | Phase::Rejoin(_) => self.beat(),
            Phase::Leave => self.say_goodbye(now, true),
            _ => Step::Wait(None),
        }
    }

    fn beat(&mut self) -> Step {
        self.phase = Phase::Beating;
        let is_joining = self.epoch == JOIN_EPOCH;
        let told = self.told.as_ref().filter(|_| !is_joining);
        let told_owned = told.and_then(|told| told.owned.as_ref());
        let new_owned = self.settled().filter(|owned| told_owned != Some(*owned));
        let is_new_interest = told.is_none_or(|told| told.interest != self.interest);
        let (names, regex) = match &self.interest {
            Some(Interest::Names(names)) if is_new_interest => (Some(names), None),
            Some(Interest::Pattern(pattern)) if is_new_interest => (None, Some(pattern)),
            _ => (None, None),
        };
        let telling = Told {
            interest: self.interest.clone(),
            owned: new_owned.or(told_owned).cloned(),
        };
        let request = ConsumerGroupHeartbeatRequest {
            member_epoch: self.epoch,
            rebalance_timeout_ms: match told {
                None => millis(self.config.poll_interval_max),
                Some(_) => -1,
            },
            rack_id: self
                .rack
                .as_deref()
                .filter(|_| told.is_none())
                .map(Str::from),
            server_assignor: self.assignor().filter(|_| told.is_none()),
            subscribed_topic_names: names.map(|n| n.iter().map(|t| Str::from(&**t)).collect()),
            subscribed_topic_regex: regex.map(|pattern| Str::from(pattern.as_str())),
            topic_partitions: new_owned.map(|owned| self.by_id(owned)),
            ..self.signed()
        };
        self.telling = Some(telling);
        Step::Send(Box::new(Request::Modern(request)))
    }

    /// What the application reads, if it has followed the view.
    fn settled(&self) -> Option<&BTreeSet<TopicPartition>> {
        (self.applied == self.view.revision).then_some(&*self.view.partitions)
    }

    fn signed(&self) -> ConsumerGroupHeartbeatRequest {
        ConsumerGroupHeartbeatRequest {
            group_id: Str::from(self.config.group_id.as_str()),
            member_id: Str::from(self.member_id.as_str()),
            member_epoch: self.epoch,
            instance_id: self.config.instance_id.as_deref().map(Str::from),
            ..ConsumerGroupHeartbeatRequest::default()
        }
    }

    fn assignor(&self) -> Option<Str> {
        self.config.remote_assignor.as_deref().map(Str::from)
    }

    fn by_id(&self, partitions: &BTreeSet<TopicPartition>) -> Vec<TopicPartitions> {
        let mut topics: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
        for (id, name) in &self.names {
            let of_topic = partitions.iter().filter(|key| key.topic == *name);
            let indexes: Vec<i32> = of_topic.map(|key| key.partition).collect();
            // A topic made anew has the name of the old one, which nobody assigns any more.
            if !indexes.is_empty() && self.target.contains_key(id) {
                topics.insert(*id, indexes);
            }
        }
        let topics = topics
            .into_iter()
            .map(|(topic_id, partitions)| TopicPartitions {
                topic_id,
                partitions,
            });
        topics.collect()
    }

    fn say_goodbye(&mut self, now: Instant, returns: bool) -> Step {
        let is_member = self.epoch > JOIN_EPOCH || self.phase == Phase::Beating;
        let request = ConsumerGroupHeartbeatRequest {
            member_epoch: match self.config.instance_id {
                Some(_) => PAUSE_EPOCH,
                None => LEAVE_EPOCH,
            },
            ..self.signed()
        };
        self.epoch = JOIN_EPOCH;
        self.told = None;
        if !is_member {
            self.phase = if returns {
                Phase::Rejoin(now)
            } else {
                Phase::Over
            };
            return Step::Wait(None);
        }
        self.phase = Phase::Leaving(returns);
        Step::Send(Box::new(Request::Modern(request)))
    }

    pub(super) fn on_response(&mut self, now: Instant, response: Response) {
        let Response::Modern(response) = response else {
            return;
        };
        match self.phase {
            Phase::Beating => self.on_beat(now, response),
            Phase::Leaving(true) => self.phase = Phase::Rejoin(now),
            Phase::Leaving(false) => self.phase = Phase::Over,
            // The answer to something given up since.
            _ => {}
        }
    }

    fn on_beat(&mut self, now: Instant, response: ConsumerGroupHeartbeatResponse) {
        use ErrorCode as E;
        match ErrorCode::from_wire(response.error_code) {
            Some(E::None) => {}
            Some(E::UnknownMemberId | E::FencedMemberEpoch) => {
                self.lose();
                self.phase = Phase::Rejoin(now + self.patience.next_pause());
                return;
            }
            Some(E::TopicAuthorizationFailed) => return self.on_trouble(now),
            _ => {
                let message = response.error_message.as_deref();
                let what = format!("heartbeat to group {}", self.config.group_id);
                let error = Error::refused(response.error_code, message, what);
                return self.on_failure(error);
            }
        }
        self.patience.reset();
        self.told = self.telling.take();
        self.epoch = response.member_epoch;
        let interval_ms = u64::try_from(response.heartbeat_interval_ms).unwrap_or(0);
        if interval_ms > 0 {
            self.interval = Duration::from_millis(interval_ms);
        }
        self.view.identity = Identity {
            member_id: self.member_id.clone(),
            generation: self.epoch,
        };
        self.phase = Phase::Idle(now + self.interval);
        if let Some(assignment) = response.assignment {
            let topics = assignment.topic_partitions.into_iter();
            let assigned = topics.map(|t| (t.topic_id, t.partitions.into_iter().collect()));
            self.target = assigned.collect();
            self.view.is_stable = true;
        }
        self.reconcile(now);
    }

    /// Lets the application read what of the assignment can be named.
    fn reconcile(&mut self, now: Instant) {
        if !self.view.is_stable {
            return;
        }
        let mut partitions = BTreeSet::new();
        for (id, indexes) in &self.target {
            if let Some(name) = self.names.get(id) {
                let of_topic = indexes.iter();
                partitions.extend(of_topic.map(|i| TopicPartition::new(Arc::clone(name), *i)));
            }
        }
        if self.view.change(partitions) {
            self.takes_away = self.view.revision;
        }
        self.maybe_tell(now);
    }

    /// What the application has got or given up is told at once: others wait for it.
    fn maybe_tell(&mut self, now: Instant) {
        let is_told = self.told.as_ref().is_some_and(|told| {
            let owned = self.settled();
            told.interest == self.interest && (owned.is_none() || owned == told.owned.as_ref())
        });
        if let Phase::Idle(at) = &mut self.phase
            && !is_told
        {
            *at = now;
        }
    }

    pub(super) fn on_trouble(&mut self, now: Instant) {
        let again_at = now + self.patience.next_pause();
        self.told = None;
        match self.phase {
            Phase::Beating => self.phase = Phase::Idle(again_at),
            // The session will run out.
            Phase::Leaving(true) => self.phase = Phase::Rejoin(again_at),
            Phase::Leaving(false) => self.phase = Phase::Over,
            _ => {}
        }
    }

    /// We are a member no longer: what we read may be another's by now.
    fn lose(&mut self) {
        self.view.lose();
        self.takes_away = self.view.revision;
        self.target.clear();
        self.epoch = JOIN_EPOCH;
        (self.told, self.telling) = (None, None);
    }

    pub(super) fn on_failure(&mut self, error: Error) {
        self.view.lose();
        self.view.failure = Some(error);
        self.phase = Phase::Over;
    }

    pub(super) fn on_interest(&mut self, now: Instant, interest: Interest) {
        self.interest = Some(interest);
        match self.phase {
            Phase::Out => self.phase = Phase::Idle(now),
            _ => self.maybe_tell(now),
        }
    }

    pub(super) fn on_topics(&mut self, now: Instant, topics: &Topics) {
        let named = topics.iter().filter(|(_, facts)| !facts.id.is_zero());
        self.names
            .extend(named.map(|(name, facts)| (facts.id, Arc::clone(name))));
        self.reconcile(now);
    }

    pub(super) fn wanted(&self) -> (BTreeSet<Arc<str>>, Vec<Uuid>) {
        let ids = self.target.keys().filter(|id| !self.names.contains_key(id));
        (BTreeSet::new(), ids.copied().collect())
    }

    pub(super) fn on_applied(&mut self, now: Instant, revision: u64) {
        self.applied = self.applied.max(revision);
        self.maybe_tell(now);
    }

    /// A commit was refused. Whether the member is none any more, the next heartbeat will tell.
    pub(super) fn on_disowned(&mut self, now: Instant, identity: &Identity) {
        if self.view.identity == *identity
            && let Phase::Idle(at) = &mut self.phase
        {
            *at = now;
        }
    }

    pub(super) fn on_poll_expired(&mut self, _now: Instant) {
        let epoch = self.epoch;
        self.lose();
        self.epoch = epoch;
        self.phase = Phase::Leave;
    }

    pub(super) fn is_active(&self) -> bool {
        match self.phase {
            Phase::Idle(_) | Phase::Beating => true,
            Phase::Rejoin(_) => self.applied >= self.takes_away,
            Phase::Out | Phase::Over | Phase::Leave | Phase::Leaving(_) => false,
        }
    }

    pub(super) fn leave(&mut self, _reason: &str) {
        self.is_leaving = self.phase != Phase::Over;
    }

    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }
}

#[cfg(test)]
#[path = "modern_tests.rs"]
mod tests;
