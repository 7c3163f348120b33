//! Random histories: whatever happens, what the module promises holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use protocol::messages::heartbeat::HeartbeatRequest;
use protocol::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use protocol::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use protocol::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

use super::room::{Came, Room};
use crate::env::Token;
use crate::group::Group as Slot;
use crate::record::Record;
use crate::request::{Answer, Request};
use crate::settings::Settings;

/// Clients, each of which remembers the last two ids that it was given.
const CLIENTS: usize = 4;

#[derive(Clone, Debug)]
enum Move {
    Join {
        client: usize,
        id: Id,
        version: i16,
        metadata: u8,
    },
    Sync {
        client: usize,
        id: Id,
        behind: i32,
    },
    Heartbeat {
        client: usize,
        id: Id,
    },
    Leave {
        client: usize,
        id: Id,
    },
    Wait(u64),
    FailOver,
}

/// Which id a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Id {
    None,
    Newest,
    Former,
    /// Never given to anybody.
    Invented,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let id = || {
        prop_oneof![
            2 => Just(Id::None),
            8 => Just(Id::Newest),
            1 => Just(Id::Former),
            1 => Just(Id::Invented),
        ]
    };
    let client = || 0..CLIENTS;
    let version = prop_oneof![Just(3_i16), Just(5), Just(9)];
    let join =
        (client(), id(), version, 0..2_u8).prop_map(|(client, id, version, metadata)| Move::Join {
            client,
            id,
            version,
            metadata,
        });
    let sync = (client(), id(), prop_oneof![9 => Just(0), 1 => Just(1)]);
    let one = prop_oneof![
        6 => join,
        6 => sync.prop_map(|(client, id, behind)| Move::Sync { client, id, behind }),
        3 => (client(), id()).prop_map(|(client, id)| Move::Heartbeat { client, id }),
        1 => (client(), id()).prop_map(|(client, id)| Move::Leave { client, id }),
        4 => (0..9000_u64).prop_map(Move::Wait),
        1 => Just(Move::FailOver),
    ];
    prop::collection::vec(one, 1..120)
}

struct History {
    room: Room,
    /// What waits, and whose it is.
    open: HashMap<Token, usize>,
    answered: BTreeSet<Token>,
    /// The newest first.
    ids: Vec<Vec<String>>,
    given: BTreeSet<String>,
    log: Option<Record>,
    generation: i32,
    /// Who assigns in each generation.
    leaders: BTreeMap<i32, String>,
    asked: u32,
}

impl History {
    fn new() -> Self {
        Self {
            room: Room::new(Settings {
                max_size: 3,
                ..Settings::default()
            }),
            open: HashMap::new(),
            answered: BTreeSet::new(),
            ids: vec![Vec::new(); CLIENTS],
            given: BTreeSet::new(),
            log: None,
            generation: 0,
            leaders: BTreeMap::new(),
            asked: 0,
        }
    }

    fn run(&mut self, step: &Move) {
        match *step {
            Move::Join {
                client,
                id,
                version,
                metadata,
            } => {
                let request = self.join(client, id, version, metadata);
                self.ask(client, version, &Request::Join(request));
            }
            Move::Sync { client, id, behind } => {
                let request = self.sync(client, id, behind);
                self.ask(client, 3, &Request::Sync(request));
            }
            Move::Heartbeat { client, id } => {
                let request = HeartbeatRequest {
                    member_id: self.id(client, id).into(),
                    generation_id: self.generation,
                    group_instance_id: instance_id(client),
                    ..HeartbeatRequest::default()
                };
                self.ask(client, 3, &Request::Heartbeat(request));
            }
            Move::Leave { client, id } => {
                let member = MemberIdentity {
                    member_id: self.id(client, id).into(),
                    group_instance_id: instance_id(client),
                    reason: None,
                };
                let request = LeaveGroupRequest {
                    members: vec![member],
                    ..LeaveGroupRequest::default()
                };
                self.ask(client, 4, &Request::Leave(request));
            }
            Move::Wait(ms) => self.wait(Duration::from_millis(ms)),
            Move::FailOver => {
                // The owner of the shard answers what waited.
                self.open.clear();
                self.room.fail_over(self.log.as_ref());
                self.generation = self.current_generation();
                let logged = self.generation;
                self.leaders.retain(|generation, _| *generation <= logged);
            }
        }
        assert!(self.current_generation() >= self.generation, "went back");
        self.generation = self.current_generation();
    }

    /// Clients 0 and 1 are dynamic, the others static.
    fn join(&self, client: usize, id: Id, version: i16, metadata: u8) -> JoinGroupRequest {
        JoinGroupRequest {
            session_timeout_ms: 10_000,
            rebalance_timeout_ms: 20_000,
            member_id: self.id(client, id).into(),
            group_instance_id: instance_id(client).filter(|_| version >= 5),
            protocol_type: "consumer".into(),
            protocols: vec![JoinGroupRequestProtocol {
                name: "range".into(),
                metadata: Bytes::from(vec![metadata]),
            }],
            ..JoinGroupRequest::default()
        }
    }

    /// Everybody gets "generation/who assigned/number of the request".
    fn sync(&self, client: usize, id: Id, behind: i32) -> SyncGroupRequest {
        let me = self.id(client, id);
        let generation = self.generation - behind;
        let word = format!("{generation}/{me}/{}", self.asked);
        let everybody = self.given.iter();
        SyncGroupRequest {
            generation_id: generation,
            member_id: me.into(),
            group_instance_id: instance_id(client),
            assignments: everybody
                .map(|id| SyncGroupRequestAssignment {
                    member_id: id.as_str().into(),
                    assignment: Bytes::from(word.clone()),
                })
                .collect(),
            ..SyncGroupRequest::default()
        }
    }

    fn id(&self, client: usize, id: Id) -> String {
        let known = match id {
            Id::None => None,
            Id::Newest => self.ids[client].first(),
            Id::Former => self.ids[client].get(1),
            Id::Invented => return format!("invented-{client}"),
        };
        known.cloned().unwrap_or_default()
    }

    fn ask(&mut self, client: usize, version: i16, request: &Request) {
        self.asked += 1;
        let (token, came) = self.room.ask(&format!("c{client}"), version, request);
        self.open.insert(token, client);
        self.note(came);
    }

    fn wait(&mut self, time: Duration) {
        let until = self.room.now + time;
        while let Some(came) = self.room.fire(until) {
            self.note(came);
        }
        self.room.now = until;
    }

    fn note(&mut self, came: Came) {
        for record in came.records {
            self.log = Some(record);
        }
        for (token, answer) in came.answers {
            assert!(self.answered.insert(token), "{token:?} is answered twice");
            let client = self.open.remove(&token).expect("it was asked");
            match answer {
                Answer::Join(it) if it.error_code == 79 => self.give(client, &it.member_id),
                Answer::Join(it) if it.error_code == 0 => {
                    self.give(client, &it.member_id);
                    if !it.members.is_empty() && !it.skip_assignment {
                        self.lead(it.generation_id, &it.member_id);
                    }
                }
                Answer::Sync(it) if it.error_code == 0 => self.assigned(&it.assignment),
                _ => {}
            }
        }
    }

    fn give(&mut self, client: usize, id: &str) {
        assert!(!id.starts_with("invented"), "{id} is a member");
        self.given.insert(id.to_owned());
        let ids = &mut self.ids[client];
        if ids.first().map(String::as_str) != Some(id) {
            ids.insert(0, id.to_owned());
        }
    }

    fn lead(&mut self, generation: i32, id: &str) {
        let leader = self.leaders.entry(generation);
        let leader = leader.or_insert_with(|| id.to_owned());
        assert_eq!(leader, id, "two lead generation {generation}");
    }

    /// What a member is told of this generation comes from its leader, and nobody is told otherwise.
    fn assigned(&self, assignment: &[u8]) {
        let mut told = self.room.group().describe().members.into_iter();
        let text = std::str::from_utf8(assignment).unwrap();
        if !text.is_empty() {
            let generation = self.current_generation();
            assert!(text.starts_with(&format!("{generation}/")), "{text}");
            assert!(told.all(|it| it.member_assignment.is_empty() || it.member_assignment == text));
        }
    }

    fn current_generation(&self) -> i32 {
        match &self.room.slot {
            Slot::Classic(group) => group.generation,
            Slot::Absent | Slot::Consumer(_) => 0,
        }
    }
}

fn instance_id(client: usize) -> Option<protocol::Str> {
    (client >= 2).then(|| format!("i{client}").into())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_group_keeps_its_promises(steps in moves()) {
        let mut history = History::new();
        for step in &steps {
            history.run(step);
        }
        // Everybody is gone: nothing waits any more, nobody is left, no timer runs.
        history.wait(Duration::from_hours(1));
        prop_assert!(history.open.is_empty(), "{:?}", history.open);
        if let Slot::Classic(group) = &history.room.slot {
            prop_assert_eq!(group.describe().members.len(), 0);
        }
        prop_assert!(history.room.fire(Duration::from_hours(9)).is_none());
    }
}
