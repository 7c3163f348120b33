//! Groups on a broker: who leads a partition of their log has its shard.

use std::collections::BTreeMap;
use std::time::Duration;

use coordinator::{Answer, Caller, Now, Request, Shard, Surroundings, Token};
use metadata::{Delta, MetadataImage};
use rpc::HeartbeatAnswer;
use types::{ErrorCode, LeaderEpoch, NodeId, Offset};

use super::OFFSETS;
use crate::broker::Role;
use crate::client::client_of;
use crate::draw::ms;
use crate::event::Timer;
use crate::message::{Key, Message};
use crate::mutant::{self, Glue};
use crate::say;
use crate::world::World;

/// Wall clock at the beginning of the world.
const START_MS: i64 = 1_000_000;
/// Members that could not be served are given so long to be heard again.
const GRACE: Duration = ms(500);
/// How soon it is looked again whether a partition that took no writes takes them.
const RETRY_AFTER: Duration = ms(50);

/// A broker's groups. They die with its process.
#[derive(Debug, Default)]
pub struct Host {
    hosted: BTreeMap<Key, Hosted>,
    /// Until when nobody can have taken this broker's place; `None` before the first heartbeat.
    lease_until: Option<Duration>,
    /// An answer that counts as soon as the image has that offset.
    promise: Option<(Offset, Duration)>,
    /// When heartbeats were sent that were not answered yet.
    beats: BTreeMap<u64, Duration>,
    next_token: u64,
}

/// A shard in one leader epoch of its partition.
#[derive(Debug)]
pub struct Hosted {
    pub(super) leader_epoch: LeaderEpoch,
    /// `None` while its log is read.
    pub(super) shard: Option<Shard>,
    waiting: BTreeMap<Token, Waiting>,
    /// News of topics that could not be acted on yet.
    postponed: Option<Delta>,
    /// Deadlines wait until then.
    paused_until: Option<Duration>,
    /// The earliest timer that is set.
    wakes_at: Option<Duration>,
}

/// A request that waits.
#[derive(Debug)]
struct Waiting {
    client: NodeId,
    number: u64,
    request: Box<Request>,
}

/// A question to a group.
#[derive(Clone, Debug)]
pub struct Question {
    /// The asker's number of it.
    pub number: u64,
    /// Where the group belongs.
    pub key: Key,
    /// What the client calls itself.
    pub client_id: String,
    /// The version of the request.
    pub version: i16,
    /// What is asked.
    pub request: Box<Request>,
}

impl Host {
    /// A heartbeat is sent.
    pub fn on_beat_sent(&mut self, number: u64, now: Duration) {
        self.beats.insert(number, now);
        self.beats
            .retain(|_, sent| now.saturating_sub(*sent) < ms(10_000));
    }

    /// It was heard: the session lasts from when it was sent, if the controller was sure to decide, and
    /// once the image has what the controller knew.
    pub fn on_beat_heard(
        &mut self,
        number: u64,
        session: Duration,
        answer: &HeartbeatAnswer,
        image_offset: Offset,
    ) {
        let Some(sent) = self.beats.remove(&number) else {
            return;
        };
        match answer.proven_offset {
            _ if answer.fenced => {
                self.promise = None;
                self.lease_until = Some(Duration::ZERO);
            }
            Some(offset) => {
                self.redeem(image_offset);
                self.promise = Some((offset, sent + session));
                self.lease_until.get_or_insert(Duration::ZERO);
                self.redeem(image_offset);
            }
            None => {}
        }
    }

    fn redeem(&mut self, image_offset: Offset) {
        if let Some((_, until)) = self.promise.take_if(|(offset, _)| *offset <= image_offset) {
            self.lease_until = Some(until);
        }
    }

    /// Whether it may tell what it knows.
    fn may_tell(&mut self, now: Duration, image_offset: Offset) -> bool {
        self.redeem(image_offset);
        self.lease_until.is_none_or(|until| now < until) || mutant::is(Glue::NoLease)
    }
}

impl World {
    /// Does something with a shard that has read its log, if it is here; then answers leave.
    pub(super) fn visit(
        &mut self,
        id: NodeId,
        key: Key,
        act: impl FnOnce(&mut Self, &mut Hosted, &MetadataImage),
    ) {
        let image = self.broker(id).image.clone();
        // Out of the map meanwhile: what follows from an append waits until the shard knows of it.
        let Some(mut hosted) = self.broker(id).groups.hosted.remove(&key) else {
            return;
        };
        act(self, &mut hosted, &image);
        self.settle_shard(id, key, &mut hosted, &image);
        self.broker(id).groups.hosted.insert(key, hosted);
    }

    /// A broker begins to lead: it reads the log.
    pub fn host_groups(&mut self, id: NodeId, key: Key, leader_epoch: LeaderEpoch) {
        let Some(load_max) = self.plan.groups.as_ref().map(|groups| groups.load_max) else {
            return;
        };
        let Some((replica, log)) = self.replica(id, key) else {
            return;
        };
        if replica.place.0 != OFFSETS {
            return;
        }
        let loads_to_end = log.end();
        let high_watermark = replica.high_watermark;
        if self.broker(id).stops_since.is_some() {
            return;
        }
        let loads_to = match mutant::is(Glue::LoadToHighWatermark) {
            true => high_watermark,
            false => loads_to_end,
        };
        if mutant::is(Glue::ShardSurvivesResignation)
            && let Some(known) = self.broker(id).groups.hosted.get_mut(&key)
        {
            known.leader_epoch = leader_epoch;
            return;
        }
        self.resign_groups(id, key);
        let hosted = Hosted {
            leader_epoch,
            shard: None,
            waiting: BTreeMap::new(),
            postponed: None,
            paused_until: None,
            wakes_at: None,
        };
        self.broker(id).groups.hosted.insert(key, hosted);
        let delay = self.draw.duration(ms(0), load_max);
        self.set_timer(id, delay, Timer::Load(key, leader_epoch, loads_to));
    }

    /// It is about to stop: somebody else will have its groups.
    pub fn resign_all_groups(&mut self, id: NodeId) {
        let keys: Vec<Key> = self.broker(id).groups.hosted.keys().copied().collect();
        for key in keys {
            self.resign_groups(id, key);
        }
    }

    /// It leads no more: nothing is left, and whoever waits is sent away.
    pub fn resign_groups(&mut self, id: NodeId, key: Key) {
        let is_kept = mutant::is(Glue::ShardSurvivesResignation);
        if is_kept && self.broker(id).replicas.contains_key(&key) {
            return;
        }
        let Some(hosted) = self.broker(id).groups.hosted.remove(&key) else {
            return;
        };
        say!(self, id, "hosts no groups of {} any more", self.name(key));
        for (_, waiting) in hosted.waiting {
            let answer = waiting.request.refused(ErrorCode::NotCoordinator);
            self.answer_group(id, waiting.client, waiting.number, answer);
        }
    }

    /// The log is read, up to where it ended when that epoch began.
    pub fn on_load(&mut self, id: NodeId, key: Key, leader_epoch: LeaderEpoch, end: Offset) {
        let batches: Vec<u64> = match self.replica(id, key) {
            Some((_, log)) => (log.start()..end.min(log.end()))
                .filter_map(|offset| log.get(offset).map(|record| record.value))
                .collect(),
            None => return,
        };
        let known = self.broker(id).groups.hosted.get(&key);
        let is_wanted = known.is_some_and(|hosted| {
            hosted.leader_epoch == leader_epoch || mutant::is(Glue::LateLoadKept)
        });
        if !is_wanted {
            return;
        }
        let mut shard = Shard::loading();
        for batch in &batches {
            self.replay_batch(&mut shard, *batch);
        }
        say!(
            self,
            id,
            "has loaded the groups of {} up to {end} in epoch {leader_epoch}",
            self.name(key)
        );
        self.visit(id, key, |world, hosted, image| {
            let high_watermark = world.high_watermark(id, key);
            let settings = world.group_settings();
            let at = surroundings(world.now, image, &settings);
            shard.on_loaded(&at, end, high_watermark);
            hosted.shard = Some(shard);
        });
    }

    pub(super) fn high_watermark(&mut self, id: NodeId, key: Key) -> Offset {
        let replica = self.replica(id, key);
        replica.map_or(0, |(replica, _)| replica.high_watermark)
    }

    pub(super) fn group_settings(&self) -> coordinator::Settings {
        let groups = self.plan.groups.as_ref();
        groups
            .map(|groups| groups.settings.clone())
            .unwrap_or_default()
    }

    /// The high watermark of a partition led here moved.
    pub fn settle_groups(&mut self, id: NodeId, key: Key) {
        if self.plan.groups.is_some() {
            self.visit(id, key, |_, _, _| {});
        }
    }

    /// Answers leave that may, and deadlines are noted.
    fn settle_shard(&mut self, id: NodeId, key: Key, hosted: &mut Hosted, image: &MetadataImage) {
        let high_watermark = self.high_watermark(id, key);
        let settings = self.group_settings();
        let now = self.now;
        let Some(shard) = &mut hosted.shard else {
            return;
        };
        shard.on_high_watermark(&surroundings(now, image, &settings), high_watermark);
        let ready = shard.take_ready();
        let due = match hosted.paused_until {
            Some(_) => Some(now + RETRY_AFTER),
            None => shard.next_deadline(),
        };
        if let Some(due) = due
            && hosted.wakes_at.is_none_or(|at| due < at || at <= now)
        {
            hosted.wakes_at = Some(due);
            self.set_timer(id, due.saturating_sub(now), Timer::Groups(key));
        }
        for (token, answer) in ready {
            if let Some(waiting) = hosted.waiting.remove(&token) {
                self.check_group_answer(id, key, &waiting.request, &answer);
                self.answer_group(id, waiting.client, waiting.number, answer);
            }
        }
    }

    fn answer_group(&mut self, id: NodeId, client: NodeId, number: u64, answer: Answer) {
        let answer = Box::new(answer);
        self.send(id, client, None, Message::GroupAnswer { number, answer });
    }

    /// A client asks a group.
    pub fn on_ask_group(&mut self, id: NodeId, client: NodeId, question: Question) {
        let now = self.now;
        let Question { number, key, .. } = question;
        let asker = self.groups.members.get(&client_of(client));
        if asker.is_some_and(|member| number < member.newest_question) {
            // A client that does not wait any more closes its connection, and the request with it. Kafka's
            // protocols rely on that: a late first heartbeat would say that its member owns nothing.
            return;
        }
        let refuse = |world: &mut Self, code: ErrorCode| {
            let answer = question.request.refused(code);
            world.answer_group(id, client, number, answer);
        };
        let broker = self.broker(id);
        let image_offset = broker.image.offset();
        let shows_offsets = matches!(*question.request, Request::OffsetFetch { .. });
        let is_here =
            broker.epoch.is_some() && (!shows_offsets || broker.groups.may_tell(now, image_offset));
        let Some(hosted) = broker.groups.hosted.get(&key).filter(|_| is_here) else {
            return refuse(self, ErrorCode::NotCoordinator);
        };
        let is_loading = hosted.shard.as_ref().is_none_or(|shard| !shard.is_active());
        let epoch = hosted.leader_epoch;
        if is_loading {
            return refuse(self, ErrorCode::CoordinatorLoadInProgress);
        }
        if is_written(&question.request)
            && let Err(code) = self.may_write(id, key, epoch)
        {
            return refuse(self, code);
        }
        self.visit(id, key, |world, hosted, image| {
            world.broker(id).groups.next_token += 1;
            let token = Token(world.broker(id).groups.next_token);
            let caller = Caller {
                client_id: question.client_id.clone().into(),
                client_host: "/client".into(),
                version: question.version,
                fresh_id: world.uuid(),
            };
            let request = question.request.clone();
            hosted.waiting.insert(
                token,
                Waiting {
                    client,
                    number,
                    request: question.request,
                },
            );
            world.step_shard(id, key, hosted, image, |shard, at| {
                shard.handle(at, &caller, token, &request)
            });
        });
    }

    /// Whether the shard may decide something that it writes down.
    pub(super) fn may_write(
        &mut self,
        id: NodeId,
        key: Key,
        epoch: LeaderEpoch,
    ) -> Result<(), ErrorCode> {
        let Some((replica, _)) = self.replica(id, key) else {
            return Err(ErrorCode::NotCoordinator);
        };
        match &replica.role {
            Role::Leader(leader) if leader.leader_epoch() != epoch => {
                Err(ErrorCode::NotCoordinator)
            }
            Role::Leader(leader) if leader.is_below_min_isr() => {
                Err(ErrorCode::CoordinatorNotAvailable)
            }
            Role::Leader(_) => Ok(()),
            Role::Follower(_) => Err(ErrorCode::NotCoordinator),
        }
    }

    /// A deadline of a shard has come, perhaps.
    pub fn on_groups_timer(&mut self, id: NodeId, key: Key) {
        let now = self.now;
        let Some(hosted) = self.broker(id).groups.hosted.get_mut(&key) else {
            return;
        };
        hosted.wakes_at = None;
        let epoch = hosted.leader_epoch;
        let may_write = self.may_write(id, key, epoch).is_ok();
        self.visit(id, key, |world, hosted, image| {
            if !may_write {
                hosted.paused_until = Some(now + GRACE);
            } else if hosted.paused_until.is_some_and(|until| until <= now) {
                hosted.paused_until = None;
            }
            if hosted.paused_until.is_some() {
                let settings = world.group_settings();
                if let Some(shard) = &mut hosted.shard {
                    shard.give_up_waiting(&surroundings(now, image, &settings));
                }
                return;
            }
            if let Some(delta) = hosted.postponed.take() {
                world.step_shard(id, key, hosted, image, |shard, at| {
                    shard.on_image(at, &delta)
                });
            }
            world.step_shard(id, key, hosted, image, |shard, at| shard.on_time(at));
        });
    }

    /// Topics changed.
    pub fn show_topics_to_groups(&mut self, id: NodeId, delta: &Delta) {
        if self.plan.groups.is_none() || delta.topics.is_empty() {
            return;
        }
        let hosted: Vec<(Key, LeaderEpoch)> = self
            .broker(id)
            .groups
            .hosted
            .iter()
            .map(|(key, hosted)| (*key, hosted.leader_epoch))
            .collect();
        for (key, epoch) in hosted {
            let may_write = self.may_write(id, key, epoch).is_ok();
            self.visit(id, key, |world, hosted, image| {
                if may_write && hosted.postponed.is_none() {
                    world.step_shard(id, key, hosted, image, |shard, at| {
                        shard.on_image(at, delta)
                    });
                } else {
                    hosted
                        .postponed
                        .get_or_insert_default()
                        .merge(delta.clone());
                }
            });
        }
    }
}

/// What a step of a shard may look at.
pub(super) fn surroundings<'a>(
    now: Duration,
    image: &'a MetadataImage,
    settings: &'a coordinator::Settings,
) -> Surroundings<'a> {
    let elapsed_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    Surroundings {
        now: Now {
            monotonic: now,
            wall_ms: START_MS.saturating_add(elapsed_ms),
        },
        image,
        settings,
    }
}

/// Whether deciding it may need the log.
const fn is_written(request: &Request) -> bool {
    !matches!(
        request,
        Request::Heartbeat(_)
            | Request::OffsetFetch { .. }
            | Request::Describe(_)
            | Request::ConsumerDescribe(_)
    )
}
