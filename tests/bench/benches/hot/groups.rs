//! One shard of `__consumer_offsets` with a thousand groups of one member each.

use std::time::Duration;

use coordinator::{Answer, Caller, Now, Request, Settings, Shard, Surroundings, Token};
use divan::counter::ItemsCount;
use divan::{Bencher, bench};
use metadata::{MetadataImage, replay, v1};
use protocol::messages::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use types::Uuid;

use crate::input::NOW_MS;

const GROUPS: usize = 1000;
const TOPIC: Uuid = Uuid::from_bytes([5; 16]);

/// A shard, its surroundings, and how far its log is.
struct World {
    shard: Shard,
    image: MetadataImage,
    settings: Settings,
    caller: Caller,
    log_end_offset: i64,
    tokens: u64,
    /// Each group's member and its epoch.
    members: Vec<(String, i32)>,
}

impl World {
    fn new() -> Self {
        let topic_id: &[u8] = TOPIC.as_bytes();
        let topic = v1::Topic {
            name: "t".to_owned(),
            topic_id: topic_id.to_vec().into(),
        };
        let replayed = replay(&MetadataImage::empty(), 1, &[topic.into()]);
        let mut world = Self {
            shard: Shard::loading(),
            image: replayed.expect("records that fit").0,
            settings: Settings::default(),
            caller: Caller {
                client_id: "bench".into(),
                client_host: "/127.0.0.1".into(),
                version: 1,
                fresh_id: Uuid::from_bytes([6; 16]),
            },
            log_end_offset: 0,
            tokens: 0,
            members: Vec::new(),
        };
        let at = surroundings(&world.image, &world.settings);
        world.shard.on_loaded(&at, 0, 0);
        for group in 0..GROUPS {
            world.join(group);
        }
        world
    }

    /// Through the epochs until the member has what it shall have.
    fn join(&mut self, group: usize) {
        let member = format!("member-{group:04}-of-the-group");
        self.members.push((member, 0));
        for turn in 0..3 {
            let mut request = self.heartbeat(group);
            if turn == 0 {
                request.rebalance_timeout_ms = 60_000;
                request.subscribed_topic_names = Some(vec!["t".into()]);
                request.topic_partitions = Some(Vec::new());
            }
            let answers = self.ask(&Request::ConsumerHeartbeat(request), true);
            for (_, answer) in answers {
                let Answer::ConsumerHeartbeat(answer) = answer else {
                    continue;
                };
                assert_eq!(answer.error_code, 0, "{:?}", answer.error_message);
                self.members[group].1 = answer.member_epoch;
            }
        }
    }

    /// What a member in peace says.
    fn heartbeat(&self, group: usize) -> ConsumerGroupHeartbeatRequest {
        let (member, epoch) = &self.members[group];
        ConsumerGroupHeartbeatRequest {
            group_id: name(group),
            member_id: member.as_str().into(),
            member_epoch: *epoch,
            rebalance_timeout_ms: -1,
            ..ConsumerGroupHeartbeatRequest::default()
        }
    }

    /// Members of groups of this protocol commit with this version or a newer one.
    fn speak_commits(&mut self) {
        self.caller.version = 9;
    }

    fn commit(&self, group: usize) -> OffsetCommitRequest {
        let (member, epoch) = &self.members[group];
        let partition = OffsetCommitRequestPartition {
            partition_index: 0,
            committed_offset: 4711,
            ..OffsetCommitRequestPartition::default()
        };
        OffsetCommitRequest {
            group_id: name(group),
            generation_id_or_member_epoch: *epoch,
            member_id: member.as_str().into(),
            topics: vec![OffsetCommitRequestTopic {
                name: "t".into(),
                topic_id: TOPIC,
                partitions: vec![partition],
            }],
            ..OffsetCommitRequest::default()
        }
    }

    /// One request through the shard; the append is granted at once, and committed if said so.
    fn ask(&mut self, request: &Request, is_committed: bool) -> Vec<(Token, Answer)> {
        self.tokens += 1;
        let at = surroundings(&self.image, &self.settings);
        let token = Token(self.tokens);
        let records = self.shard.handle(&at, &self.caller, token, request);
        if !records.is_empty() {
            self.log_end_offset += i64::try_from(records.len()).expect("few");
            self.shard.on_appended(&records, self.log_end_offset);
            if is_committed {
                self.commit_all();
            }
        }
        self.shard.take_ready()
    }

    fn commit_all(&mut self) {
        let at = surroundings(&self.image, &self.settings);
        self.shard.on_high_watermark(&at, self.log_end_offset);
    }
}

fn name(group: usize) -> protocol::Str {
    format!("group-{group:04}").into()
}

fn surroundings<'a>(image: &'a MetadataImage, settings: &'a Settings) -> Surroundings<'a> {
    Surroundings {
        now: Now {
            monotonic: Duration::from_secs(1),
            wall_ms: NOW_MS,
        },
        image,
        settings,
    }
}

/// One heartbeat in a group in peace: nothing is written.
#[bench]
fn heartbeat(bencher: Bencher<'_, '_>) {
    let mut world = World::new();
    let all: Vec<_> = (0..GROUPS)
        .map(|group| Request::ConsumerHeartbeat(world.heartbeat(group)))
        .collect();
    let mut next = 0;
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        next = (next + 1) % GROUPS;
        assert_eq!(world.ask(&all[next], true).len(), 1);
    });
}

/// One offset committed, written and replayed.
#[bench]
fn offset_commit(bencher: Bencher<'_, '_>) {
    let mut world = World::new();
    world.speak_commits();
    let all: Vec<_> = (0..GROUPS)
        .map(|group| Request::OffsetCommit(world.commit(group)))
        .collect();
    let mut next = 0;
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        next = (next + 1) % GROUPS;
        let before = world.log_end_offset;
        assert_eq!(world.ask(&all[next], true).len(), 1);
        assert_eq!(world.log_end_offset, before + 1);
    });
}

/// A thousand commits wait for the high watermark, and it comes.
#[bench(sample_size = 1)]
fn high_watermark_with_a_thousand_waiters(bencher: Bencher<'_, '_>) {
    let mut world = World::new();
    world.speak_commits();
    let all: Vec<_> = (0..GROUPS)
        .map(|group| Request::OffsetCommit(world.commit(group)))
        .collect();
    let world = std::cell::RefCell::new(world);
    bencher
        .counter(ItemsCount::new(GROUPS))
        .with_inputs(|| {
            for request in &all {
                let early = world.borrow_mut().ask(request, false);
                assert!(early.is_empty(), "nothing is committed yet");
            }
        })
        .bench_local_values(|()| {
            let mut world = world.borrow_mut();
            world.commit_all();
            world.shard.take_ready()
        });
}
