//! What a member of a group says to its coordinator, and when: state machines without effects.
//!
//! ```text
//! step(now) ─▶ Send(request) | Wait until        on_response · on_trouble · on_topics · on_applied
//! view()    ─▶ the partitions the application may read now, and in whose name it commits
//! ```
//!
//! At most one request is under way. A view that takes partitions away is answered by the
//! application: it stops reading them, commits, and says that it has applied the view. Nothing that
//! gives them to another member is sent before that.

mod classic;
mod modern;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use protocol::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};
use protocol::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use protocol::messages::join_group::{JoinGroupRequest, JoinGroupResponse};
use protocol::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse};
use protocol::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};
use tokio::time::Instant;
use types::{TopicPartition, Uuid};

pub(super) use classic::Classic;
pub(super) use modern::Modern;

use crate::Error;

/// To the coordinator.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Request {
    Join(JoinGroupRequest),
    Sync(SyncGroupRequest),
    Heartbeat(HeartbeatRequest),
    Leave(LeaveGroupRequest),
    Modern(ConsumerGroupHeartbeatRequest),
}

/// From the coordinator, with an error code that is not about the coordinator itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Response {
    Join(JoinGroupResponse),
    Sync(SyncGroupResponse),
    Heartbeat(HeartbeatResponse),
    Leave(LeaveGroupResponse),
    Modern(ConsumerGroupHeartbeatResponse),
}

/// What to do next.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Send this and tell what came of it.
    Send(Box<Request>),
    /// Nothing, until then or until something happens.
    Wait(Option<Instant>),
}

/// What a topic is, as far as members care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TopicFacts {
    pub(super) id: Uuid,
    pub(super) partition_count: i32,
}

/// Topics by name.
pub(super) type Topics = BTreeMap<Arc<str>, TopicFacts>;

/// What a member reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Interest {
    /// These topics.
    Names(BTreeSet<Arc<str>>),
    /// Topics that match, by the coordinator's judgement (RE2). Consumer protocol only.
    Pattern(String),
}

/// In whose name offsets are committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) member_id: String,
    /// Generation of a classic group, member epoch of a consumer group; -1 before there is one.
    pub(super) generation: i32,
}

impl Identity {
    fn none() -> Self {
        Self {
            member_id: String::new(),
            generation: -1,
        }
    }
}

/// What the application may do now.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// Counts changes of the partitions.
    pub(super) revision: u64,
    /// Partitions it may read.
    pub(super) partitions: Arc<BTreeSet<TopicPartition>>,
    /// Counts how often all of them were lost: others may have read on since, and what is committed
    /// now would take that back.
    pub(super) loss_count: u64,
    pub(super) identity: Identity,
    /// Whether the member takes part, with an assignment.
    pub(super) is_stable: bool,
    /// Why it cannot be a member.
    pub(super) failure: Option<Error>,
}

impl View {
    fn new() -> Self {
        Self {
            revision: 0,
            partitions: Arc::default(),
            loss_count: 0,
            identity: Identity::none(),
            is_stable: false,
            failure: None,
        }
    }

    /// Changes the partitions. Whether the application has to give some of them up.
    fn change(&mut self, partitions: BTreeSet<TopicPartition>) -> bool {
        let takes_away = !self.partitions.is_subset(&partitions);
        if *self.partitions != partitions {
            self.partitions = Arc::new(partitions);
            self.revision += 1;
        }
        takes_away
    }

    /// Takes all away without waiting for anybody.
    fn lose(&mut self) {
        self.partitions = Arc::default();
        self.loss_count += 1;
        self.revision += 1;
        self.identity = Identity::none();
        self.is_stable = false;
    }
}

/// Pauses after failures: doubled each time.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    first: Duration,
    max: Duration,
    failures: u32,
}

impl Patience {
    pub(super) fn new(first: Duration, max: Duration) -> Self {
        Self {
            first,
            max,
            failures: 0,
        }
    }

    fn next_pause(&mut self) -> Duration {
        let pause = self.first.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        pause.min(self.max)
    }

    fn reset(&mut self) {
        self.failures = 0;
    }
}

/// A member that speaks one of the two protocols.
#[derive(Debug)]
pub(super) enum Member {
    Classic(Classic),
    Modern(Modern),
}

macro_rules! either {
    ($member:expr, $it:ident => $answer:expr) => {
        match $member {
            Member::Classic($it) => $answer,
            Member::Modern($it) => $answer,
        }
    };
}

impl Member {
    pub(super) fn view(&self) -> &View {
        either!(self, member => member.view())
    }

    pub(super) fn step(&mut self, now: Instant) -> Step {
        either!(self, member => member.step(now))
    }

    pub(super) fn on_response(&mut self, now: Instant, response: Response) {
        either!(self, member => member.on_response(now, response));
    }

    /// The request did not reach the coordinator, or its answer did not reach us.
    pub(super) fn on_trouble(&mut self, now: Instant) {
        either!(self, member => member.on_trouble(now));
    }

    /// The request can never succeed.
    pub(super) fn on_failure(&mut self, error: Error) {
        either!(self, member => member.on_failure(error));
    }

    /// What is to be read. Topics that match a classic member's pattern come as names.
    pub(super) fn on_interest(&mut self, now: Instant, interest: Interest) {
        either!(self, member => member.on_interest(now, interest));
    }

    /// What is known of topics.
    pub(super) fn on_topics(&mut self, now: Instant, topics: &Topics) {
        either!(self, member => member.on_topics(now, topics));
    }

    /// Topics that must be known to go on: by name, and by id.
    pub(super) fn wanted(&self) -> (BTreeSet<Arc<str>>, Vec<Uuid>) {
        either!(self, member => member.wanted())
    }

    /// The application reads these partitions and no others, as the view of that revision says.
    pub(super) fn on_applied(&mut self, now: Instant, revision: u64) {
        either!(self, member => member.on_applied(now, revision));
    }

    /// A commit has shown that this identity is no longer that of a member.
    pub(super) fn on_disowned(&mut self, now: Instant, identity: &Identity) {
        either!(self, member => member.on_disowned(now, identity));
    }

    /// The application has not come back for `max.poll.interval.ms`.
    pub(super) fn on_poll_expired(&mut self, now: Instant) {
        either!(self, member => member.on_poll_expired(now));
    }

    /// Whether that time is running: it is not while the member waits for the application anyway.
    pub(super) fn is_active(&self) -> bool {
        either!(self, member => member.is_active())
    }

    /// Leaves the group, for good.
    pub(super) fn leave(&mut self, reason: &str) {
        either!(self, member => member.leave(reason));
    }

    /// Whether it has left, or cannot be a member.
    pub(super) fn is_over(&self) -> bool {
        either!(self, member => member.is_over())
    }
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}
