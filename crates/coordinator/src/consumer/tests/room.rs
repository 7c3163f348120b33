//! A consumer group with everything around it that a shard would give, and a metadata image to change.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use metadata::{MetadataImage, MetadataRecord, replay, v1};
use protocol::Str;
use protocol::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, TopicPartitions,
};
use types::{TopicId, Uuid};

use crate::env::{Caller, Env, GroupId, Now, Out, Token};
use crate::group::{Call, Committer, Group as Slot};
use crate::record::{ConsumerPart, Record};
use crate::request::{Answer, Request};
use crate::settings::Settings;
use crate::shard::Mode;
use crate::timers::Timers;
use crate::{classic, consumer};

/// Wall clock at the beginning.
const START_MS: u64 = 1_000_000;

pub(super) struct Room {
    pub(super) id: GroupId,
    pub(super) slot: Slot,
    pub(super) settings: Settings,
    pub(super) now: Duration,
    pub(super) image: MetadataImage,
    /// Everything that was ever written.
    pub(super) log: Vec<Record>,
    timers: Timers,
    asked: u64,
    answers: Vec<(Token, Answer)>,
}

/// A topic's id: its name's bytes.
pub(super) fn id_of(name: &str) -> TopicId {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    TopicId(Uuid::from_bytes(bytes))
}

/// A heartbeat of a member that joins.
pub(super) fn join(member: &str, topics: &[&str]) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: Str::from("g"),
        member_id: Str::from(member),
        member_epoch: 0,
        rebalance_timeout_ms: 30_000,
        subscribed_topic_names: Some(topics.iter().map(|name| Str::from(*name)).collect()),
        topic_partitions: Some(Vec::new()),
        ..ConsumerGroupHeartbeatRequest::default()
    }
}

/// A heartbeat that says only that the member is there.
pub(super) fn beat(member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: Str::from("g"),
        member_id: Str::from(member),
        member_epoch: epoch,
        ..ConsumerGroupHeartbeatRequest::default()
    }
}

/// A heartbeat that says what the member has.
pub(super) fn owning(
    member: &str,
    epoch: i32,
    owned: &[(&str, &[i32])],
) -> ConsumerGroupHeartbeatRequest {
    let topics = owned.iter().map(|(topic, partitions)| TopicPartitions {
        topic_id: id_of(topic).0,
        partitions: partitions.to_vec(),
    });
    ConsumerGroupHeartbeatRequest {
        topic_partitions: Some(topics.collect()),
        ..beat(member, epoch)
    }
}

/// An answer in short: `epoch 2 t:0,1`, or `error 110`.
pub(super) fn short(answer: &ConsumerGroupHeartbeatResponse) -> String {
    if answer.error_code != 0 {
        return format!("error {}", answer.error_code);
    }
    let mut text = format!("epoch {}", answer.member_epoch);
    let Some(assignment) = &answer.assignment else {
        return text;
    };
    if assignment.topic_partitions.is_empty() {
        text.push_str(" nothing");
    }
    for topic in &assignment.topic_partitions {
        let name: Vec<u8> = topic
            .topic_id
            .as_bytes()
            .iter()
            .copied()
            .take_while(|b| *b != 0)
            .collect();
        let list: Vec<String> = topic.partitions.iter().map(ToString::to_string).collect();
        text.push_str(&format!(
            " {}:{}",
            String::from_utf8(name).unwrap(),
            list.join(",")
        ));
    }
    text
}

impl Room {
    /// A cluster with these topics.
    pub(super) fn with(topics: &[(&str, i32)]) -> Self {
        let mut room = Self {
            id: Arc::from("g"),
            slot: Slot::Absent,
            settings: Settings::default(),
            now: Duration::ZERO,
            image: MetadataImage::empty(),
            log: Vec::new(),
            timers: Timers::default(),
            asked: 0,
            answers: Vec::new(),
        };
        for (name, partition_count) in topics {
            room.create(name, *partition_count);
        }
        room
    }

    /// Creates a topic, or adds partitions to it.
    pub(super) fn create(&mut self, name: &str, partition_count: i32) {
        let topic_id = id_of(name).0.as_bytes().to_vec();
        let known = self.image.topic(name).map(|topic| topic.partition_count());
        let mut records: Vec<MetadataRecord> = Vec::new();
        if known.is_none() {
            let name = name.to_owned();
            records.push(
                v1::Topic {
                    name,
                    topic_id: topic_id.clone().into(),
                }
                .into(),
            );
        }
        let first = i32::try_from(known.unwrap_or(0)).unwrap();
        for index in first..partition_count {
            let partition = v1::Partition {
                topic_id: topic_id.clone().into(),
                index,
                replicas: vec![1],
                isr: vec![1],
                leader: Some(1),
                ..v1::Partition::default()
            };
            records.push(partition.into());
        }
        self.change(&records);
    }

    pub(super) fn delete(&mut self, name: &str) {
        let topic_id = id_of(name).0.as_bytes().to_vec().into();
        self.change(&[v1::RemoveTopic { topic_id }.into()]);
    }

    /// Sets a config of the group.
    pub(super) fn choose(&mut self, key: &str, value: &str) {
        let config = v1::Config {
            resource_type: v1::ResourceType::Group.into(),
            resource_name: "g".to_owned(),
            key: key.to_owned(),
            value: Some(value.to_owned()),
        };
        self.change(&[config.into()]);
    }

    fn change(&mut self, records: &[MetadataRecord]) {
        let (image, delta) = replay(&self.image, self.image.offset() + 1, records).unwrap();
        self.image = image;
        let id = Arc::clone(&self.id);
        self.step(|slot, env| consumer::on_topics(slot, &id, env, &delta));
    }

    /// Asks whatever is in the slot, as a shard does.
    pub(super) fn ask(&mut self, version: i16, request: &Request) -> Token {
        self.asked += 1;
        let token = Token(self.asked);
        let caller = Caller {
            client_id: "client".into(),
            client_host: "/10.0.0.1".into(),
            version,
            fresh_id: Uuid::from_bytes(u128::from(self.asked).to_be_bytes()),
        };
        let id = Arc::clone(&self.id);
        self.step(|slot, env| {
            let call = Call {
                id: &id,
                caller: &caller,
                token,
            };
            match request {
                Request::ConsumerHeartbeat(request) => {
                    consumer::heartbeat(slot, &call, env, request);
                }
                Request::Join(request) if slot.is_consumer() => {
                    consumer::classic_join(slot, &call, env, request);
                }
                Request::Join(request) => classic::join(slot, &call, env, request),
                Request::Sync(request) if slot.is_consumer() => {
                    consumer::classic_sync(slot, &call, env, request);
                }
                Request::Sync(request) => classic::sync(slot, &call, env, request),
                Request::Heartbeat(request) if slot.is_consumer() => {
                    consumer::classic_heartbeat(slot, &call, env, request);
                }
                Request::Heartbeat(request) => classic::heartbeat(slot, &call, env, request),
                Request::Leave(request) if slot.is_consumer() => {
                    consumer::classic_leave(slot, &call, env, request);
                }
                Request::Leave(request) => classic::leave(slot, &call, env, request),
                Request::ConsumerDescribe(_) => {
                    let answer = Answer::ConsumerDescribe(slot.consumer_describe(&call, env));
                    env.out.answer(call.id, token, answer);
                }
                other => panic!("not of a consumer group: {other:?}"),
            }
        });
        token
    }

    /// The answer to a request, if it was answered.
    pub(super) fn take(&mut self, token: Token) -> Option<Answer> {
        let found = self.answers.iter().position(|(of, _)| *of == token)?;
        Some(self.answers.remove(found).1)
    }

    pub(super) fn say(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> ConsumerGroupHeartbeatResponse {
        self.say_as(1, request)
    }

    pub(super) fn say_as(
        &mut self,
        version: i16,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> ConsumerGroupHeartbeatResponse {
        let token = self.ask(version, &Request::ConsumerHeartbeat(request.clone()));
        match self.take(token) {
            Some(Answer::ConsumerHeartbeat(answer)) => answer,
            other => panic!("a heartbeat is answered at once, not by {other:?}"),
        }
    }

    /// Says it and tells the answer in short.
    pub(super) fn tell(&mut self, request: &ConsumerGroupHeartbeatRequest) -> String {
        short(&self.say(request))
    }

    /// Lets time pass, firing timers at their times.
    pub(super) fn pass(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        while let Some(at) = self.timers.next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            if let Some(key) = self.timers.pop_due(self.now) {
                self.step(|slot, env| match slot {
                    Slot::Absent => {}
                    Slot::Classic(_) => classic::on_time(slot, &key, env),
                    Slot::Consumer(_) => consumer::on_time(slot, &key, env),
                });
            }
        }
        self.now = until;
    }

    /// Another coordinator takes over, with what compaction left of the log.
    pub(super) fn fail_over(&mut self) {
        self.compact();
        self.slot = self.read();
        self.timers = Timers::default();
        let id = Arc::clone(&self.id);
        self.step(|slot, env| slot.on_loaded(&id, env));
    }

    /// What the whole log adds up to.
    pub(super) fn replayed(&self) -> Slot {
        let mut slot = self.read();
        if let Slot::Consumer(group) = &mut slot {
            group.recount_owners();
        }
        slot
    }

    fn read(&self) -> Slot {
        let mut slot = Slot::Absent;
        for record in &self.log {
            take_in(&mut slot, record, Mode::Loading);
        }
        slot
    }

    /// Keeps the newest record of each key.
    fn compact(&mut self) {
        let mut seen = BTreeSet::new();
        let newest = self.log.drain(..).rev();
        let mut kept: Vec<Record> = newest
            .filter(|record| seen.insert(kind(record).trim_start_matches('-').to_owned()))
            .collect();
        kept.reverse();
        self.log = kept;
    }

    pub(super) fn group(&self) -> &consumer::Group {
        match &self.slot {
            Slot::Consumer(group) => group,
            other => panic!("not a consumer group: {other:?}"),
        }
    }

    pub(super) fn may_commit(
        &self,
        member: &str,
        epoch: i32,
        version: i16,
        partition: (&str, i32),
    ) -> i16 {
        let committer = Committer {
            member_id: member,
            generation_or_epoch: epoch,
            instance_id: None,
            version,
        };
        let may = self.slot.may_commit(&committer).and_then(|()| {
            let (topic, partition) = partition;
            self.slot
                .may_commit_partition(&committer, id_of(topic), partition)
        });
        may.err().map_or(0, types::ErrorCode::to_wire)
    }

    fn step(&mut self, act: impl FnOnce(&mut Slot, &mut Env<'_>)) {
        let mut out = Out::default();
        let elapsed = u64::try_from(self.now.as_millis()).unwrap();
        let mut env = Env {
            now: Now {
                monotonic: self.now,
                wall_ms: i64::try_from(START_MS + elapsed).unwrap(),
            },
            image: &self.image,
            settings: &self.settings,
            timers: &mut self.timers,
            out: &mut out,
        };
        act(&mut self.slot, &mut env);
        for record in &out.records {
            take_in(&mut self.slot, record, Mode::Live);
        }
        self.log.append(&mut out.records);
        let answers = out.answers.drain(..);
        self.answers
            .extend(answers.map(|(_, token, answer)| (token, answer)));
    }
}

fn take_in(slot: &mut Slot, record: &Record, mode: Mode) {
    match record {
        Record::ClassicGroup { group, value } => {
            classic::replay(slot, group, value.as_ref(), mode);
        }
        Record::ConsumerGroup { group, part } => consumer::replay(slot, group, part, mode),
        Record::OffsetCommit { .. } => panic!("not a group's: {record:?}"),
    }
}

/// A record in short: which part, and whether it is a tombstone.
pub(super) fn kind(record: &Record) -> String {
    let Record::ConsumerGroup { part, .. } = record else {
        return match record {
            Record::ClassicGroup { value: None, .. } => "-classic".to_owned(),
            _ => "classic".to_owned(),
        };
    };
    let (name, is_there) = match part {
        ConsumerPart::Metadata(value) => ("group".to_owned(), value.is_some()),
        ConsumerPart::PartitionMetadata => ("partitions".to_owned(), false),
        ConsumerPart::TargetMetadata(value) => ("targets".to_owned(), value.is_some()),
        ConsumerPart::Member(id, value) => (format!("member {id}"), value.is_some()),
        ConsumerPart::Target(id, value) => (format!("target {id}"), value.is_some()),
        ConsumerPart::Current(id, value) => (format!("current {id}"), value.is_some()),
        ConsumerPart::Regex(regex, value) => (format!("regex {regex}"), value.is_some()),
    };
    if is_there { name } else { format!("-{name}") }
}
