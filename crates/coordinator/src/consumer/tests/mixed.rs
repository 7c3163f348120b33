//! Random histories of groups whose members speak both protocols, so that the group itself goes back
//! and forth between the two. The same has to hold as in [`super::histories`].

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use protocol::Str;
use protocol::messages::heartbeat::HeartbeatRequest;
use protocol::messages::join_group::JoinGroupResponse;
use protocol::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use protocol::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};
use types::TopicId;

use super::histories::{Client, Partitions};
use super::migration::{assignment, classic_join, subscription};
use super::room::{Room, beat, id_of};
use crate::consumer::embedded;
use crate::env::Token;
use crate::group::Group as Slot;
use crate::request::{Answer, Request};

const PARTITION_COUNT: i32 = 4;

/// A consumer of the classic protocol that lets go of everything before it joins again.
#[derive(Clone, Debug, Default)]
struct Classic {
    id: Str,
    generation: i32,
    owned: Partitions,
    /// What it does next, or waits for.
    phase: Phase,
    is_dead: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
enum Phase {
    #[default]
    Join,
    Joining(Token),
    /// With the members it has to assign to, if it leads.
    Sync(Vec<Str>),
    Syncing(Token),
    Stable,
}

impl Classic {
    fn step(&mut self, room: &mut Room) {
        match std::mem::take(&mut self.phase) {
            Phase::Join => {
                self.owned.clear();
                let request = classic_join(&self.id, subscription(&["t"], &[]));
                let token = room.ask(9, &Request::Join(request));
                self.phase = Phase::Joining(token);
                self.on_joined(room);
            }
            Phase::Joining(token) => {
                self.phase = Phase::Joining(token);
                self.on_joined(room);
            }
            Phase::Sync(members) => {
                let token = room.ask(5, &Request::Sync(self.sync(&members)));
                self.phase = Phase::Syncing(token);
                self.on_synced(room);
            }
            Phase::Syncing(token) => {
                self.phase = Phase::Syncing(token);
                self.on_synced(room);
            }
            Phase::Stable => self.heartbeat(room),
        }
    }

    fn on_joined(&mut self, room: &mut Room) {
        let Phase::Joining(token) = self.phase else {
            return;
        };
        let answer: JoinGroupResponse = match room.take(token) {
            None => return,
            Some(Answer::Join(answer)) => answer,
            Some(other) => panic!("not an answer to a join: {other:?}"),
        };
        self.phase = Phase::Join;
        match answer.error_code {
            0 => {
                self.generation = answer.generation_id;
                let members = answer.members.iter().map(|member| member.member_id.clone());
                self.phase = Phase::Sync(members.collect());
                self.id = answer.member_id;
            }
            79 => self.id = answer.member_id,
            27 => {}
            25 => self.id = Str::new(),
            other => panic!("join: {other}"),
        }
    }

    /// A leader gives every partition to somebody.
    fn sync(&self, members: &[Str]) -> SyncGroupRequest {
        let assignments = members.iter().enumerate().map(|(i, member)| {
            let mine: Vec<i32> = (0..PARTITION_COUNT)
                .filter(|p| usize::try_from(*p).unwrap() % members.len() == i)
                .collect();
            SyncGroupRequestAssignment {
                member_id: member.clone(),
                assignment: assignment(&[("t", &mine)], None),
            }
        });
        SyncGroupRequest {
            group_id: Str::from("g"),
            generation_id: self.generation,
            member_id: self.id.clone(),
            protocol_type: Some(Str::from("consumer")),
            protocol_name: Some(Str::from("range")),
            assignments: assignments.collect(),
            ..SyncGroupRequest::default()
        }
    }

    fn on_synced(&mut self, room: &mut Room) {
        let Phase::Syncing(token) = self.phase else {
            return;
        };
        let answer = match room.take(token) {
            None => return,
            Some(Answer::Sync(answer)) => answer,
            Some(other) => panic!("not an answer to a sync: {other:?}"),
        };
        self.phase = Phase::Join;
        match answer.error_code {
            0 => {
                let assigned = embedded::assignment(&answer.assignment).unwrap();
                let topics = assigned.assigned_partitions.iter();
                self.owned = topics
                    .flat_map(|topic| topic.partitions.iter().map(|p| (id_of("t"), *p)))
                    .collect();
                self.phase = Phase::Stable;
            }
            25 => self.id = Str::new(),
            22 | 27 => {}
            other => panic!("sync: {other}"),
        }
    }

    fn heartbeat(&mut self, room: &mut Room) {
        let request = HeartbeatRequest {
            group_id: Str::from("g"),
            generation_id: self.generation,
            member_id: self.id.clone(),
            group_instance_id: None,
        };
        let token = room.ask(4, &Request::Heartbeat(request));
        let code = match room.take(token) {
            Some(Answer::Heartbeat(answer)) => answer.error_code,
            other => panic!("not an answer to a heartbeat: {other:?}"),
        };
        self.phase = Phase::Join;
        match code {
            0 => self.phase = Phase::Stable,
            25 => self.id = Str::new(),
            22 | 27 => {}
            other => panic!("heartbeat: {other}"),
        }
        if self.phase == Phase::Join {
            self.owned.clear();
        }
    }

    fn leave(&mut self, room: &mut Room) {
        self.owned.clear();
        let member = MemberIdentity {
            member_id: std::mem::take(&mut self.id),
            ..MemberIdentity::default()
        };
        let request = LeaveGroupRequest {
            group_id: Str::from("g"),
            members: vec![member],
            ..LeaveGroupRequest::default()
        };
        let token = room.ask(5, &Request::Leave(request));
        assert!(room.take(token).is_some());
        self.phase = Phase::Join;
        self.is_dead = true;
    }
}

#[derive(Clone, Debug)]
enum Event {
    Step { client: usize },
    Leave { client: usize },
    Die { client: usize },
    Rise { client: usize },
    Pass { ms: u64 },
    FailOver,
}

struct World {
    room: Room,
    modern: Vec<Client>,
    classic: Vec<Classic>,
}

impl World {
    fn new() -> Self {
        let mut room = Room::with(&[("t", PARTITION_COUNT)]);
        room.settings.initial_rebalance_delay = Duration::from_secs(1);
        let modern = (0..2).map(|i| Client {
            id: format!("m{i}"),
            topics: vec!["t"],
            ..Client::default()
        });
        Self {
            room,
            modern: modern.collect(),
            classic: vec![Classic::default(); 2],
        }
    }

    /// The modern ones come first.
    fn on(&mut self, event: &Event) {
        match *event {
            Event::Step { client } => self.step(client),
            Event::Leave { client } => self.leave(client),
            Event::Die { client } => *self.is_dead(client) = true,
            Event::Rise { client } => {
                // Another process, which knows nothing.
                match client {
                    0 | 1 => self.modern[client].begin_anew(),
                    _ => self.classic[client - 2] = Classic::default(),
                }
                *self.is_dead(client) = false;
            }
            Event::Pass { ms } => self.room.pass(ms),
            Event::FailOver => {
                self.room.fail_over();
                // Whoever waited asks again.
                for client in &mut self.classic {
                    if matches!(client.phase, Phase::Joining(_) | Phase::Syncing(_)) {
                        client.phase = Phase::Join;
                    }
                }
            }
        }
        self.check();
    }

    fn is_dead(&mut self, client: usize) -> &mut bool {
        match client {
            0 | 1 => &mut self.modern[client].is_dead,
            _ => &mut self.classic[client - 2].is_dead,
        }
    }

    fn step(&mut self, client: usize) {
        if *self.is_dead(client) {
            return;
        }
        if client >= 2 {
            return self.classic[client - 2].step(&mut self.room);
        }
        let client = &mut self.modern[client];
        let answer = self.room.say(&client.request());
        client.on_answer(&answer);
        client.follow();
        client.follow();
    }

    fn leave(&mut self, client: usize) {
        if *self.is_dead(client) {
            return;
        }
        if client >= 2 {
            return self.classic[client - 2].leave(&mut self.room);
        }
        let client = &mut self.modern[client];
        if client.has_joined {
            let request = beat(&client.id, -1);
            client.begin_anew();
            self.room.say(&request);
        }
        client.is_dead = true;
    }

    fn check(&self) {
        let known: Vec<String> = match &self.room.slot {
            Slot::Absent => Vec::new(),
            Slot::Classic(group) => {
                let members = group.portrait().members.into_iter();
                members.map(|member| member.id.to_string()).collect()
            }
            Slot::Consumer(group) => group.members.keys().map(ToString::to_string).collect(),
        };
        let modern = self.modern.iter().map(|c| (c.id.clone(), &c.owned));
        let classic = self.classic.iter().map(|c| (c.id.to_string(), &c.owned));
        let mut held: BTreeMap<(TopicId, i32), String> = BTreeMap::new();
        for (id, owned) in modern.chain(classic).filter(|(id, _)| known.contains(id)) {
            for partition in owned {
                let other = held.insert(*partition, id.clone());
                assert_eq!(other, None, "{partition:?} is held by {id} too");
            }
        }
        if let (Slot::Consumer(replayed), Slot::Consumer(group)) =
            (&self.room.replayed(), &self.room.slot)
        {
            assert_eq!(replayed, group);
        }
    }

    fn settle(&mut self, seconds: usize) {
        for _ in 0..seconds {
            self.room.pass(1_000);
            for client in 0..4 {
                self.step(client);
            }
            self.check();
        }
    }

    fn assert_settled(&mut self) {
        let living: Vec<usize> = (0..4).filter(|client| !*self.is_dead(*client)).collect();
        let modern = self.modern.iter().filter(|client| !client.is_dead);
        let classic = self.classic.iter().filter(|client| !client.is_dead);
        let held: Partitions = modern
            .map(|client| &client.owned)
            .chain(classic.map(|client| &client.owned))
            .flatten()
            .copied()
            .collect();
        if living.is_empty() {
            return;
        }
        let all: Partitions = (0..PARTITION_COUNT).map(|p| (id_of("t"), p)).collect();
        assert_eq!(held, all, "{living:?} {:#?}", self.room.slot);
        let is_classic = living.iter().all(|client| *client >= 2);
        assert_eq!(matches!(self.room.slot, Slot::Classic(_)), is_classic);
    }
}

fn event() -> impl Strategy<Value = Event> {
    let client = || 0..4_usize;
    prop_oneof![
        12 => client().prop_map(|client| Event::Step { client }),
        1 => client().prop_map(|client| Event::Leave { client }),
        1 => client().prop_map(|client| Event::Die { client }),
        2 => client().prop_map(|client| Event::Rise { client }),
        5 => prop::sample::select(vec![1, 1_000, 3_000, 12_000, 31_000, 46_000])
            .prop_map(|ms| Event::Pass { ms }),
        1 => Just(Event::FailOver),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn members_of_both_protocols_share_a_group_whatever_happens(
        events in prop::collection::vec(event(), 1..100),
        is_settled_before in any::<bool>(),
    ) {
        let mut world = World::new();
        if is_settled_before {
            world.settle(8);
        }
        for event in &events {
            world.on(event);
        }
        world.settle(150);
        world.assert_settled();
    }
}
