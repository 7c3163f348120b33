//! One partition of `__consumer_offsets`: every group whose id hashes to it, and their offsets.
//!
//! ```text
//!             replay …                 high watermark reaches the end that was loaded
//!  Loading ─────────────▶ Caught up ──────────────────────────────────────────────────▶ Active
//!    14                      14                                                     decides and answers
//! ```
//!
//! The owner of a shard, under one lock:
//!
//! ```text
//!  records = handle(…) or on_time(…) or on_image(…)
//!  if there are any: append them as one batch, then on_appended(records, end of the batch)
//!  send what take_ready() gives
//! ```
//!
//! If the append fails, leadership or the disk is gone: the owner drops the shard, and with it everything
//! that the log does not say. So nothing is ever rolled back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use metadata::Delta;
use protocol::messages::list_groups::{ListGroupsRequest, ListedGroup};
use types::{ErrorCode, Offset};

use crate::env::{Caller, Env, GroupId, Out, Surroundings, Token};
use crate::gate::Gate;
use crate::group::{Call, Group};
use crate::mutant::{self, Mutant};
use crate::offsets::{self, Offsets};
use crate::record::Record;
use crate::request::{Answer, Request};
use crate::timers::{TimerKey, TimerKind, Timers};
use crate::{classic, consumer};

/// Timers looked at in one step. More are left for the next, which is due at once.
const TIMERS_PER_STEP: usize = 64;

/// How a record comes to be replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// From the log, before the shard serves.
    Loading,
    /// Just written by the shard itself.
    Live,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Loading,
    /// Replayed up to the end (exclusive) of the log, which is not committed that far yet.
    CaughtUp(Offset),
    Active,
}

/// The groups of one partition. Not shared: its owner locks it.
#[derive(Debug)]
pub struct Shard {
    phase: Phase,
    groups: BTreeMap<GroupId, Group>,
    offsets: Offsets,
    timers: Timers,
    gate: Gate,
    /// Answers of the step whose records are being appended.
    undecided: Option<Undecided>,
}

#[derive(Debug)]
struct Undecided {
    answers: Vec<(GroupId, Token, Answer)>,
    deadline: Duration,
}

impl Shard {
    /// A shard whose log is going to be replayed.
    #[must_use]
    pub fn loading() -> Self {
        Self {
            phase: Phase::Loading,
            groups: BTreeMap::new(),
            offsets: Offsets::default(),
            timers: Timers::default(),
            gate: Gate::default(),
            undecided: None,
        }
    }

    /// One record of the log, in the order of offsets.
    pub fn replay(&mut self, record: &Record) {
        self.replay_as(record, Mode::Loading);
    }

    /// The log was replayed up to `end_offset` (exclusive), where this leader's epoch began.
    pub fn on_loaded(&mut self, at: &Surroundings<'_>, end_offset: Offset, high_watermark: Offset) {
        self.phase = Phase::CaughtUp(end_offset);
        self.on_high_watermark(at, high_watermark);
    }

    /// Whether it decides and answers.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.phase == Phase::Active
    }

    /// Decides a request. What is returned has to be appended as one batch; its answer comes through
    /// [`Shard::take_ready`], now or later, exactly once.
    #[must_use = "the records have to be appended"]
    pub fn handle(
        &mut self,
        at: &Surroundings<'_>,
        caller: &Caller,
        token: Token,
        request: &Request,
    ) -> Vec<Record> {
        if !self.is_active() {
            let answer = request.refused(ErrorCode::CoordinatorLoadInProgress);
            self.gate.answer_now(token, answer);
            return Vec::new();
        }
        if request.written_bytes() > at.settings.batch_bytes_max {
            let answer = request.refused(ErrorCode::InvalidRequest);
            self.gate.answer_now(token, answer);
            return Vec::new();
        }
        self.step(at, |shard, env| {
            let id = shard.group_id(request.group_id());
            let call = Call {
                id: &id,
                caller,
                token,
            };
            shard.decide(&call, env, request);
        })
    }

    /// The records of the last step were appended; the batch ends at `end_offset` (exclusive).
    pub fn on_appended(&mut self, records: &[Record], end_offset: Offset) {
        for record in records {
            self.replay_as(record, Mode::Live);
            self.gate.on_written(record.group(), end_offset);
        }
        let undecided = self.undecided.take();
        let undecided = undecided.expect("records come from a step, which leaves its answers here");
        self.hold(undecided);
    }

    /// Everything below is committed.
    pub fn on_high_watermark(&mut self, at: &Surroundings<'_>, high_watermark: Offset) {
        self.gate.on_high_watermark(high_watermark);
        let Phase::CaughtUp(end_offset) = self.phase else {
            return;
        };
        if high_watermark >= end_offset || mutant::is(Mutant::ServeBeforeLoaded) {
            self.phase = Phase::Active;
            self.begin(at);
        }
    }

    /// Looks at what has become due. Ask again while [`Shard::next_deadline`] has passed.
    #[must_use = "the records have to be appended"]
    pub fn on_time(&mut self, at: &Surroundings<'_>) -> Vec<Record> {
        self.gate.on_time(at.now.monotonic);
        self.step(at, |shard, env| {
            for _ in 0..TIMERS_PER_STEP {
                let Some(key) = env.timers.pop_due(env.now.monotonic) else {
                    break;
                };
                shard.on_timer(&key, env);
            }
        })
    }

    /// Answers that waited too long say so. For an owner that cannot append for the moment and so does
    /// not call [`Shard::on_time`].
    pub fn give_up_waiting(&mut self, at: &Surroundings<'_>) {
        self.gate.on_time(at.now.monotonic);
    }

    /// The cluster's topics or configs changed.
    #[must_use = "the records have to be appended"]
    pub fn on_image(&mut self, at: &Surroundings<'_>, delta: &Delta) -> Vec<Record> {
        if !self.is_active() || delta.topics.is_empty() {
            return Vec::new();
        }
        self.step(at, |shard, env| {
            shard.offsets.on_topics(delta, env);
            for (id, group) in shard.groups.iter_mut() {
                consumer::on_topics(group, id, env, delta);
            }
        })
    }

    /// Answers that may leave.
    #[must_use = "somebody waits for them"]
    pub fn take_ready(&mut self) -> Vec<(Token, Answer)> {
        self.gate.take_ready()
    }

    /// When [`Shard::on_time`] has something to do, or earlier. Monotonic.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        if !self.is_active() {
            return None;
        }
        let timer = self.timers.next_deadline();
        let gate = self.gate.next_deadline();
        timer.into_iter().chain(gate).min()
    }

    /// The groups that pass the filters, each of which is empty for "all". Names of states and types are
    /// compared without regard to case.
    #[must_use]
    pub fn list(&self, filters: &ListGroupsRequest) -> Vec<ListedGroup> {
        let groups = self.groups.iter().filter_map(|(id, group)| {
            let mut entry = group.list()?;
            entry.group_id = id.as_ref().into();
            Some(entry)
        });
        let ids = self.offsets.group_ids();
        let without_group = ids.filter(|id| !self.groups.contains_key(*id));
        let mut listed: Vec<ListedGroup> = groups
            .chain(without_group.map(offsets::list_without_group))
            .collect();
        listed.retain(|entry| {
            passes(&filters.states_filter, &entry.group_state)
                && passes(&filters.types_filter, &entry.group_type)
        });
        listed
    }

    /// Runs a decision and takes what follows from it.
    fn step(
        &mut self,
        at: &Surroundings<'_>,
        decide: impl FnOnce(&mut Parts<'_>, &mut Env<'_>),
    ) -> Vec<Record> {
        assert!(
            self.undecided.is_none(),
            "the records of a step are appended before the next"
        );
        let mut out = Out::default();
        let mut env = Env {
            now: at.now,
            image: at.image,
            settings: at.settings,
            timers: &mut self.timers,
            out: &mut out,
        };
        let mut parts = Parts {
            groups: &mut self.groups,
            offsets: &mut self.offsets,
        };
        decide(&mut parts, &mut env);
        let undecided = Undecided {
            answers: out.answers,
            deadline: at.now.monotonic + at.settings.commit_timeout,
        };
        if out.records.is_empty() {
            self.hold(undecided);
        } else {
            self.undecided = Some(undecided);
        }
        out.records
    }

    fn hold(&mut self, undecided: Undecided) {
        for (group, token, answer) in undecided.answers {
            self.gate.hold(&group, token, answer, undecided.deadline);
        }
    }

    fn replay_as(&mut self, record: &Record, mode: Mode) {
        match record {
            Record::OffsetCommit {
                group,
                topic,
                partition,
                value,
            } => self
                .offsets
                .replay(group, topic, *partition, value.as_ref()),
            Record::ClassicGroup { group, value } => {
                self.replay_group(group, |slot| {
                    classic::replay(slot, group, value.as_ref(), mode);
                });
            }
            Record::ConsumerGroup { group, part } => {
                self.replay_group(group, |slot| consumer::replay(slot, group, part, mode));
            }
        }
    }

    fn replay_group(&mut self, id: &GroupId, replay: impl FnOnce(&mut Group)) {
        with_group(&mut self.groups, id, replay);
    }

    /// The shard serves from now on.
    fn begin(&mut self, at: &Surroundings<'_>) {
        let mut out = Out::default();
        let mut env = Env {
            now: at.now,
            image: at.image,
            settings: at.settings,
            timers: &mut self.timers,
            out: &mut out,
        };
        for (id, group) in &mut self.groups {
            group.on_loaded(id, &mut env);
        }
        let deadline = at.now.monotonic + at.settings.offsets_retention_check_interval;
        env.timers.arm(offsets::sweep_timer(), deadline);
        assert!(out.records.is_empty() && out.answers.is_empty());
    }
}

/// What a step may change besides timers: groups, and how far offsets were swept. What is committed
/// changes by replay alone.
struct Parts<'a> {
    groups: &'a mut BTreeMap<GroupId, Group>,
    offsets: &'a mut Offsets,
}

impl Parts<'_> {
    fn group_id(&self, name: &str) -> GroupId {
        match self.groups.get_key_value(name) {
            Some((id, _)) => Arc::clone(id),
            None => Arc::from(name),
        }
    }

    fn decide(&mut self, call: &Call<'_>, env: &mut Env<'_>, request: &Request) {
        let offsets = &*self.offsets;
        with_group(self.groups, call.id, |group| match request {
            Request::Join(request) if group.is_consumer() => {
                consumer::classic_join(group, call, env, request);
            }
            Request::Join(request) => classic::join(group, call, env, request),
            Request::Sync(request) if group.is_consumer() => {
                consumer::classic_sync(group, call, env, request);
            }
            Request::Sync(request) => classic::sync(group, call, env, request),
            Request::Heartbeat(request) if group.is_consumer() => {
                consumer::classic_heartbeat(group, call, env, request);
            }
            Request::Heartbeat(request) => classic::heartbeat(group, call, env, request),
            Request::Leave(request) if group.is_consumer() => {
                consumer::classic_leave(group, call, env, request);
            }
            Request::Leave(request) => classic::leave(group, call, env, request),
            Request::ConsumerHeartbeat(request) => consumer::heartbeat(group, call, env, request),
            Request::OffsetCommit(request) => offsets.commit(group, call, env, request),
            Request::OffsetFetch {
                group: request,
                require_stable,
            } => offsets.fetch(group, call, env, request, *require_stable),
            Request::OffsetDelete(request) => offsets.delete(group, call, env, request),
            Request::Delete(_) => offsets.delete_group(group, call, env),
            Request::Describe(_) => {
                let answer = if matches!(group, Group::Absent) && offsets.has_any(call.id) {
                    offsets::describe_without_group(call.id)
                } else {
                    group.describe(call)
                };
                env.out
                    .answer(call.id, call.token, Answer::Describe(answer));
            }
            Request::ConsumerDescribe(_) => {
                let answer = group.consumer_describe(call, env);
                let answer = Answer::ConsumerDescribe(answer);
                env.out.answer(call.id, call.token, answer);
            }
        });
    }

    fn on_timer(&mut self, key: &TimerKey, env: &mut Env<'_>) {
        if key.kind == TimerKind::Expiration {
            return self.offsets.sweep(self.groups, env);
        }
        with_group(self.groups, &key.group, |group| match group {
            Group::Absent => {}
            Group::Classic(_) => classic::on_time(group, key, env),
            Group::Consumer(_) => consumer::on_time(group, key, env),
        });
    }
}

/// Shows the group, and forgets it if it is absent afterwards.
fn with_group(groups: &mut BTreeMap<GroupId, Group>, id: &GroupId, act: impl FnOnce(&mut Group)) {
    if let Some(group) = groups.get_mut(id) {
        act(group);
        if matches!(group, Group::Absent) {
            groups.remove(id);
        }
        return;
    }
    let mut group = Group::Absent;
    act(&mut group);
    if !matches!(group, Group::Absent) {
        groups.insert(Arc::clone(id), group);
    }
}

fn passes(filter: &[protocol::Str], value: &str) -> bool {
    filter.is_empty()
        || filter
            .iter()
            .any(|wanted| wanted.eq_ignore_ascii_case(value))
}
