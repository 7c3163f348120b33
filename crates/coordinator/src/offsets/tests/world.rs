//! A shard with a log and a clock, in which every step is committed at once.
//!
//! Partitions are written `t-0`, offsets `t-0 = 5`, with their leader epoch `5/3` and metadata `5 'm'` if
//! they have them. A record of the log is `g: t-0 = 5`, a tombstone `g: t-0 †`, and a record of a group
//! `g: group` or `g: group †`. A partition's error is `t-0 ! 12`, that of a whole answer `! 69`.

use std::fmt::Write;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use metadata::{Delta, MetadataImage, MetadataRecord, replay, v1};
use protocol::Str;
use protocol::data::consumer_protocol_subscription::ConsumerProtocolSubscription;
use protocol::frame::encode_body;
use protocol::messages::describe_groups::DescribedGroup;
use protocol::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use protocol::messages::list_groups::ListGroupsRequest;
use protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use protocol::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use protocol::messages::offset_fetch::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use protocol::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};
use types::{TopicId, Uuid};

use crate::env::{Caller, Now, Surroundings, Token};
use crate::record::Record;
use crate::request::{Answer, Request};
use crate::settings::Settings;
use crate::shard::Shard;

/// Wall clock at the beginning.
pub(super) const START_MS: i64 = 1_000_000_000;

pub(super) const DAY: Duration = Duration::from_hours(24);

pub(super) struct World {
    pub(super) shard: Shard,
    pub(super) image: MetadataImage,
    pub(super) settings: Settings,
    pub(super) now: Duration,
    /// Of members that join.
    pub(super) session_timeout_ms: i32,
    /// Everything that was ever written.
    pub(super) log: Vec<Record>,
    /// How much of it was shown.
    shown: usize,
    asked: u64,
}

impl World {
    /// With the topics `t` and `u`, of ids 1 and 2.
    pub(super) fn new() -> Self {
        let mut world = Self {
            shard: Shard::loading(),
            image: MetadataImage::empty(),
            settings: Settings {
                initial_rebalance_delay: Duration::ZERO,
                ..Settings::default()
            },
            now: Duration::ZERO,
            session_timeout_ms: 10_000,
            log: Vec::new(),
            shown: 0,
            asked: 0,
        };
        world.fail_over();
        world.create("t", 1);
        world.create("u", 2);
        world
    }

    /// Another broker loads the log.
    pub(super) fn fail_over(&mut self) {
        let mut shard = Shard::loading();
        for record in &self.log {
            // What is read back is what was written down.
            let (key, value) = record.encode().expect("short names");
            let decoded = Record::decode(&key, value.as_ref()).expect("our own");
            shard.replay(&decoded.expect("our own"));
        }
        let end = i64::try_from(self.log.len()).expect("short");
        self.shard = shard;
        let at = surroundings(self.now, &self.image, &self.settings);
        self.shard.on_loaded(&at, end, end);
    }

    pub(super) fn create(&mut self, name: &str, id: u8) {
        let topic = v1::Topic {
            name: name.to_owned(),
            topic_id: Bytes::copy_from_slice(&[id; 16]),
        };
        self.change(&[topic.into()]);
    }

    pub(super) fn remove(&mut self, id: u8) {
        let topic_id = Bytes::copy_from_slice(&[id; 16]);
        self.change(&[v1::RemoveTopic { topic_id }.into()]);
    }

    fn change(&mut self, records: &[MetadataRecord]) {
        let offset = self.image.offset() + 1;
        let (image, delta) = replay(&self.image, offset, records).expect("records that fit");
        self.image = image;
        self.on_delta(&delta);
    }

    fn on_delta(&mut self, delta: &Delta) {
        let at = surroundings(self.now, &self.image, &self.settings);
        let records = self.shard.on_image(&at, delta);
        self.append(records);
    }

    fn append(&mut self, records: Vec<Record>) {
        if records.is_empty() {
            return;
        }
        self.log.extend(records.iter().cloned());
        let end = i64::try_from(self.log.len()).expect("short");
        let at = surroundings(self.now, &self.image, &self.settings);
        self.shard.on_appended(&records, end);
        self.shard.on_high_watermark(&at, end);
    }

    /// Lets time pass and fires what falls due. Returns how many records the longest step wrote.
    pub(super) fn pass(&mut self, time: Duration) -> usize {
        let until = self.now + time;
        let mut most = 0;
        while let Some(next) = self.shard.next_deadline().filter(|at| *at <= until) {
            self.now = self.now.max(next);
            let at = surroundings(self.now, &self.image, &self.settings);
            let records = self.shard.on_time(&at);
            most = most.max(records.len());
            self.append(records);
        }
        self.now = until;
        most
    }

    pub(super) fn ask(&mut self, version: i16, request: &Request) -> Answer {
        self.asked += 1;
        let token = Token(self.asked);
        let caller = Caller {
            client_id: "c".into(),
            client_host: "/10.0.0.1".into(),
            version,
            fresh_id: Uuid::from_bytes(u128::from(self.asked).to_be_bytes()),
        };
        let at = surroundings(self.now, &self.image, &self.settings);
        let records = self.shard.handle(&at, &caller, token, request);
        self.append(records);
        loop {
            let ready = self.shard.take_ready();
            if let Some((_, answer)) = ready.into_iter().find(|(of, _)| *of == token) {
                return answer;
            }
            // A join waits for the end of its phase.
            assert!(
                self.shard.next_deadline().is_some(),
                "no answer to {request:?}"
            );
            self.pass(Duration::from_millis(1));
        }
    }

    /// What was written since this was asked last.
    pub(super) fn written(&mut self) -> String {
        let news = self.log[self.shown..].iter().map(show);
        let news: Vec<String> = news.collect();
        self.shown = self.log.len();
        news.join(", ")
    }

    /// Commits offsets of `t` from outside the group, partition by partition from 0.
    pub(super) fn commit(&mut self, group: &str, offsets: &[i64]) -> String {
        self.commit_as(9, &request(group, "t", offsets))
    }

    pub(super) fn commit_as(&mut self, version: i16, request: &OffsetCommitRequest) -> String {
        let Answer::OffsetCommit(answer) =
            self.ask(version, &Request::OffsetCommit(request.clone()))
        else {
            panic!("not an answer to a commit");
        };
        let mut shown = Vec::new();
        for topic in &answer.topics {
            for partition in &topic.partitions {
                let name = format!("{}-{}", topic.name, partition.partition_index);
                shown.push(match partition.error_code {
                    0 => name,
                    code => format!("{name} ! {code}"),
                });
            }
        }
        shown.join(", ")
    }

    /// What the group has committed, of all topics.
    pub(super) fn fetch(&mut self, group: &str) -> String {
        self.fetch_of(group, None)
    }

    /// What the group has committed of partitions of a topic, given by name and the id in its bytes; id 0
    /// for a version without ids.
    pub(super) fn fetch_of(&mut self, group: &str, topic: Option<(&str, u8, &[i32])>) -> String {
        let topics = topic.map(|(name, id, partitions)| {
            vec![OffsetFetchRequestTopics {
                name: name.into(),
                topic_id: Uuid::from_bytes([id; 16]),
                partition_indexes: partitions.to_vec(),
            }]
        });
        let request = OffsetFetchRequestGroup {
            group_id: group.into(),
            topics,
            ..OffsetFetchRequestGroup::default()
        };
        self.fetch_as(&request)
    }

    pub(super) fn fetch_as(&mut self, group: &OffsetFetchRequestGroup) -> String {
        let request = Request::OffsetFetch {
            group: group.clone(),
            require_stable: true,
        };
        let Answer::OffsetFetch(answer) = self.ask(10, &request) else {
            panic!("not an answer to a fetch");
        };
        if answer.error_code != 0 {
            return format!("! {}", answer.error_code);
        }
        let mut shown = Vec::new();
        for topic in &answer.topics {
            for it in &topic.partitions {
                assert_eq!(it.error_code, 0);
                let metadata = it.metadata.as_deref().expect("never null");
                let value = show_value(it.committed_offset, it.committed_leader_epoch, metadata);
                shown.push(format!("{}-{} = {value}", topic.name, it.partition_index));
            }
        }
        shown.join(", ")
    }

    pub(super) fn delete_offsets(&mut self, group: &str, topic: &str, indexes: &[i32]) -> String {
        let partition = |partition_index: &i32| OffsetDeleteRequestPartition {
            partition_index: *partition_index,
        };
        let request = OffsetDeleteRequest {
            group_id: group.into(),
            topics: vec![OffsetDeleteRequestTopic {
                name: topic.into(),
                partitions: indexes.iter().map(partition).collect(),
            }],
        };
        let Answer::OffsetDelete(answer) = self.ask(0, &Request::OffsetDelete(request)) else {
            panic!("not an answer to a deletion");
        };
        if answer.error_code != 0 {
            return format!("! {}", answer.error_code);
        }
        let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        let shown: Vec<String> = partitions
            .map(|it| match it.error_code {
                0 => format!("{topic}-{}", it.partition_index),
                code => format!("{topic}-{} ! {code}", it.partition_index),
            })
            .collect();
        shown.join(", ")
    }

    /// The code of the answer.
    pub(super) fn delete(&mut self, group: &str) -> i16 {
        match self.ask(2, &Request::Delete(group.into())) {
            Answer::Delete(code) => code.to_wire(),
            other => panic!("not an answer to a deletion: {other:?}"),
        }
    }

    pub(super) fn describe(&mut self, group: &str) -> DescribedGroup {
        match self.ask(6, &Request::Describe(group.into())) {
            Answer::Describe(answer) => answer,
            other => panic!("not a description: {other:?}"),
        }
    }

    /// `id state type`, one a line.
    pub(super) fn list(&self) -> String {
        let listed = self.shard.list(&ListGroupsRequest::default());
        let lines = listed.iter().map(|it| {
            let protocol_type = &it.protocol_type;
            format!(
                "{} {} {} '{protocol_type}'",
                it.group_id, it.group_state, it.group_type
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// A classic group of one member that subscribes `topics`, stable in generation 1. The member's id.
    pub(super) fn join(&mut self, group: &str, protocol_type: &str, topics: &[&str]) -> Str {
        let subscription = ConsumerProtocolSubscription {
            topics: topics.iter().map(|topic| Str::from(*topic)).collect(),
            ..ConsumerProtocolSubscription::default()
        };
        let mut metadata = BytesMut::new();
        metadata.put_i16(0);
        metadata.put(encode_body(&subscription, 0).expect("short"));
        let join = JoinGroupRequest {
            group_id: group.into(),
            session_timeout_ms: self.session_timeout_ms,
            rebalance_timeout_ms: 10_000,
            protocol_type: protocol_type.into(),
            protocols: vec![JoinGroupRequestProtocol {
                name: "range".into(),
                metadata: metadata.freeze(),
            }],
            ..JoinGroupRequest::default()
        };
        let Answer::Join(joined) = self.ask(3, &Request::Join(join)) else {
            panic!("not an answer to a join");
        };
        assert_eq!(joined.error_code, 0);
        let sync = SyncGroupRequest {
            group_id: group.into(),
            generation_id: joined.generation_id,
            member_id: joined.member_id.clone(),
            assignments: vec![SyncGroupRequestAssignment {
                member_id: joined.member_id.clone(),
                assignment: Bytes::from_static(b"all"),
            }],
            ..SyncGroupRequest::default()
        };
        let Answer::Sync(synced) = self.ask(3, &Request::Sync(sync)) else {
            panic!("not an answer to a sync");
        };
        assert_eq!(synced.error_code, 0);
        joined.member_id
    }

    pub(super) fn leave(&mut self, group: &str, member_id: &Str) {
        use protocol::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
        let leave = LeaveGroupRequest {
            group_id: group.into(),
            members: vec![MemberIdentity {
                member_id: member_id.clone(),
                ..MemberIdentity::default()
            }],
            ..LeaveGroupRequest::default()
        };
        drop(self.ask(4, &Request::Leave(leave)));
    }
}

/// Offsets from outside a group, partition by partition from 0.
pub(super) fn request(group: &str, topic: &str, offsets: &[i64]) -> OffsetCommitRequest {
    let partitions = (0..)
        .zip(offsets)
        .map(|(index, offset)| OffsetCommitRequestPartition {
            partition_index: index,
            committed_offset: *offset,
            ..OffsetCommitRequestPartition::default()
        });
    OffsetCommitRequest {
        group_id: group.into(),
        topics: vec![OffsetCommitRequestTopic {
            name: topic.into(),
            partitions: partitions.collect(),
            ..OffsetCommitRequestTopic::default()
        }],
        ..OffsetCommitRequest::default()
    }
}

fn surroundings<'a>(
    now: Duration,
    image: &'a MetadataImage,
    settings: &'a Settings,
) -> Surroundings<'a> {
    let elapsed_ms = i64::try_from(now.as_millis()).expect("not that long");
    Surroundings {
        now: Now {
            monotonic: now,
            wall_ms: START_MS + elapsed_ms,
        },
        image,
        settings,
    }
}

fn show(record: &Record) -> String {
    match record {
        Record::OffsetCommit {
            group,
            topic,
            partition,
            value: Some(value),
        } => {
            let shown = show_value(value.offset, value.leader_epoch, &value.metadata);
            format!("{group}: {topic}-{partition} = {shown}")
        }
        Record::OffsetCommit {
            group,
            topic,
            partition,
            value: None,
        } => format!("{group}: {topic}-{partition} †"),
        Record::ClassicGroup { group, value } => match value {
            Some(_) => format!("{group}: group"),
            None => format!("{group}: group †"),
        },
        Record::ConsumerGroup { group, part } => format!("{group}: {part:?}"),
    }
}

fn show_value(offset: i64, leader_epoch: i32, metadata: &str) -> String {
    let mut shown = offset.to_string();
    if leader_epoch != -1 {
        write!(shown, "/{leader_epoch}").expect("a string takes everything");
    }
    if !metadata.is_empty() {
        write!(shown, " '{metadata}'").expect("a string takes everything");
    }
    shown
}

/// The id in whose bytes this number stands.
pub(super) fn topic_id(id: u8) -> TopicId {
    TopicId(Uuid::from_bytes([id; 16]))
}

/// The value of the newest record about an offset.
pub(super) fn newest(world: &World) -> protocol::data::offset_commit::OffsetCommitValue {
    let newest = world.log.iter().rev().find_map(|record| match record {
        Record::OffsetCommit { value, .. } => value.clone(),
        Record::ClassicGroup { .. } | Record::ConsumerGroup { .. } => None,
    });
    newest.expect("a committed offset")
}
