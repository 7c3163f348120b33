//! Random histories: members join, let go late, lose answers, hang, die, restart under their instance
//! ids; topics grow; coordinators fail over. What has to hold, whatever happens:
//!
//! - no two members that the group still knows hold the same partition, as they themselves see it;
//! - epochs of the group and of its target never go back;
//! - the log adds up to what the coordinator has in memory;
//! - once it is quiet, everything that is subscribed is held by exactly one living member.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use protocol::Str;
use protocol::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, TopicPartitions,
};
use types::{TopicId, Uuid};

use super::room::{Room, beat, join};
use crate::group::Group as Slot;

pub(super) type Partitions = BTreeSet<(TopicId, i32)>;

/// A consumer as Kafka's clients are: it gives up before it takes.
#[derive(Clone, Debug, Default)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) instance: Option<String>,
    pub(super) topics: Vec<&'static str>,
    pub(super) regex: Option<&'static str>,
    pub(super) epoch: i32,
    pub(super) has_joined: bool,
    /// The last answer was lost: everything is said again.
    pub(super) is_unsure: bool,
    /// What it reads.
    pub(super) owned: Partitions,
    /// What it said last that it reads, and that was heard.
    pub(super) said: Option<Partitions>,
    /// What it was told to read.
    pub(super) told: Option<Partitions>,
    pub(super) is_dead: bool,
    pub(super) restarts: usize,
}

#[derive(Clone, Debug)]
enum Event {
    Beat {
        client: usize,
        is_lost: bool,
    },
    Follow {
        client: usize,
    },
    Leave {
        client: usize,
    },
    Die {
        client: usize,
    },
    Restart {
        client: usize,
        says_so: bool,
    },
    Subscribe {
        client: usize,
        topics: Vec<&'static str>,
        regex: Option<&'static str>,
    },
    Grow {
        topic: &'static str,
    },
    Pass {
        ms: u64,
    },
    FailOver,
}

impl Client {
    pub(super) fn request(&self) -> ConsumerGroupHeartbeatRequest {
        let is_full = !self.has_joined || self.is_unsure;
        let mut request = match self.has_joined {
            false => join(&self.id, &[]),
            true => beat(&self.id, self.epoch),
        };
        request.instance_id = self.instance.as_deref().map(Str::from);
        if is_full {
            request.rebalance_timeout_ms = 30_000;
            let topics = self.topics.iter().map(|topic| Str::from(*topic));
            request.subscribed_topic_names = Some(topics.collect());
            request.subscribed_topic_regex = Some(Str::from(self.regex.unwrap_or("")));
        }
        if self.has_joined && (is_full || self.said.as_ref() != Some(&self.owned)) {
            request.topic_partitions = Some(to_wire(&self.owned));
        }
        request
    }

    pub(super) fn on_answer(&mut self, answer: &ConsumerGroupHeartbeatResponse) {
        match answer.error_code {
            0 => {
                assert!(answer.member_epoch >= self.epoch || !self.has_joined);
                self.epoch = answer.member_epoch;
                self.has_joined = true;
                self.is_unsure = false;
                self.said = Some(self.owned.clone());
                if let Some(assignment) = &answer.assignment {
                    self.told = Some(from_wire(&assignment.topic_partitions));
                }
            }
            // Fenced or forgotten: it lets go of everything and begins anew.
            25 | 82 | 110 | 69 => self.begin_anew(),
            // Its earlier self has still to be given up on.
            111 => assert!(self.instance.is_some()),
            other => panic!("unexpected error {other}"),
        }
    }

    pub(super) fn begin_anew(&mut self) {
        self.epoch = 0;
        self.has_joined = false;
        self.is_unsure = false;
        self.owned.clear();
        self.said = None;
        self.told = None;
    }

    /// One step towards what it was told: first it gives up, then it takes.
    pub(super) fn follow(&mut self) {
        let Some(told) = &self.told else { return };
        if self.owned.is_subset(told) {
            self.owned = told.clone();
            self.told = None;
        } else {
            self.owned = self.owned.intersection(told).copied().collect();
        }
    }
}

fn to_wire(partitions: &Partitions) -> Vec<TopicPartitions> {
    let mut topics: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in partitions {
        topics.entry(topic.0).or_default().push(*partition);
    }
    let topics = topics.into_iter();
    topics
        .map(|(topic_id, partitions)| TopicPartitions {
            topic_id,
            partitions,
        })
        .collect()
}

fn from_wire(topics: &[TopicPartitions]) -> Partitions {
    let topics = topics.iter();
    topics
        .flat_map(|topic| topic.partitions.iter().map(|p| (topic.topic_id.into(), *p)))
        .collect()
}

struct World {
    room: Room,
    clients: Vec<Client>,
    epochs: (i32, i32),
}

impl World {
    fn new() -> Self {
        let subscriptions: [(&[&str], Option<&str>); 5] = [
            (&["t"], None),
            (&["t"], None),
            (&["t", "u"], None),
            (&[], Some("t|v")),
            (&["u"], Some(".")),
        ];
        let clients = subscriptions.iter().enumerate();
        Self {
            room: Room::with(&[("t", 3), ("u", 2), ("v", 1)]),
            clients: clients
                .map(|(i, (topics, regex))| Client {
                    id: format!("m{i}"),
                    instance: (i % 2 == 0).then(|| format!("i{i}")),
                    topics: topics.to_vec(),
                    regex: *regex,
                    ..Client::default()
                })
                .collect(),
            epochs: (0, 0),
        }
    }

    fn on(&mut self, event: &Event) {
        match event {
            Event::Beat { client, is_lost } => self.beat(*client, *is_lost),
            Event::Follow { client } => self.clients[*client].follow(),
            Event::Leave { client } => self.leave(*client, -1),
            Event::Die { client } => self.clients[*client].is_dead = true,
            Event::Restart { client, says_so } => {
                if *says_so {
                    let is_static = self.clients[*client].instance.is_some();
                    self.leave(*client, if is_static { -2 } else { -1 });
                }
                let client = &mut self.clients[*client];
                client.begin_anew();
                client.is_dead = false;
                client.restarts += 1;
                client.id = format!(
                    "{}'{}",
                    client.id.split('\'').next().unwrap(),
                    client.restarts
                );
            }
            Event::Subscribe {
                client,
                topics,
                regex,
            } => {
                let client = &mut self.clients[*client];
                client.topics.clone_from(topics);
                client.regex = *regex;
                client.is_unsure = true;
            }
            Event::Grow { topic } => {
                let topic_now = self.room.image.topic(topic).unwrap();
                let count = i32::try_from(topic_now.partition_count()).unwrap();
                self.room.create(topic, (count + 1).min(6));
            }
            Event::Pass { ms } => self.room.pass(*ms),
            Event::FailOver => self.room.fail_over(),
        }
        self.check();
    }

    fn beat(&mut self, client: usize, is_lost: bool) {
        let client = &mut self.clients[client];
        if client.is_dead {
            return;
        }
        let answer = self.room.say(&client.request());
        if is_lost {
            client.is_unsure = true;
        } else {
            client.on_answer(&answer);
        }
    }

    fn leave(&mut self, client: usize, epoch: i32) {
        let client = &mut self.clients[client];
        if client.is_dead || !client.has_joined {
            return;
        }
        // A consumer lets go before it says goodbye.
        let mut request = beat(&client.id, epoch);
        request.instance_id = client.instance.as_deref().map(Str::from);
        client.begin_anew();
        self.room.say(&request);
    }

    fn check(&mut self) {
        let Slot::Consumer(group) = &self.room.slot else {
            return;
        };
        assert!(group.epoch >= self.epochs.0, "the group epoch went back");
        assert!(
            group.target_epoch >= self.epochs.1,
            "the target epoch went back"
        );
        assert!(group.target_epoch <= group.epoch);
        self.epochs = (group.epoch, group.target_epoch);
        let mut held: BTreeMap<(TopicId, i32), &str> = BTreeMap::new();
        for client in self
            .clients
            .iter()
            .filter(|c| group.members.contains_key(&*c.id))
        {
            for partition in &client.owned {
                let other = held.insert(*partition, &client.id);
                assert_eq!(other, None, "{partition:?} is held by {} too", client.id);
            }
        }
        for member in group.members.values() {
            assert!(member.current.epoch <= group.target_epoch);
        }
        match self.room.replayed() {
            Slot::Consumer(replayed) => assert_eq!(&replayed, group),
            other => panic!("replayed into {other:?}"),
        }
    }

    /// Everybody who lives goes on undisturbed for long enough.
    fn settle(&mut self, seconds: usize) {
        for _ in 0..seconds {
            self.room.pass(1_000);
            for client in 0..self.clients.len() {
                self.beat(client, false);
                self.clients[client].follow();
                self.clients[client].follow();
            }
            self.check();
        }
    }

    fn assert_settled(&self) {
        let group = self.room.group();
        let living: Vec<&Client> = self.clients.iter().filter(|c| !c.is_dead).collect();
        assert_eq!(group.members.len(), living.len());
        if living.is_empty() {
            return;
        }
        assert_eq!(group.epoch, group.target_epoch);
        assert!(!group.is_reconciling(), "{group:#?}");
        let held: Partitions = living.iter().flat_map(|c| c.owned.clone()).collect();
        let mut wanted = Partitions::new();
        for topic in self.room.image.topics() {
            let matches = |client: &&&Client| {
                let regex = client
                    .regex
                    .map(|r| super::super::regex::compile(r).unwrap());
                client.topics.contains(&&**topic.name())
                    || regex.is_some_and(|regex| regex.is_match(topic.name().as_bytes()))
            };
            if living.iter().any(|client| matches(&client)) {
                wanted.extend(topic.partitions().map(|(index, _)| (topic.id(), index)));
            }
        }
        assert_eq!(held, wanted);
    }
}

fn event() -> impl Strategy<Value = Event> {
    let client = || 0..5_usize;
    let topics = prop::sample::subsequence(vec!["t", "u", "v"], 0..=3);
    let regex = prop::sample::select(vec![None, Some("t|v"), Some(".")]);
    prop_oneof![
        12 => (client(), prop::bool::weighted(0.15))
            .prop_map(|(client, is_lost)| Event::Beat { client, is_lost }),
        8 => client().prop_map(|client| Event::Follow { client }),
        1 => client().prop_map(|client| Event::Leave { client }),
        1 => client().prop_map(|client| Event::Die { client }),
        2 => (client(), any::<bool>()).prop_map(|(client, says_so)| Event::Restart { client, says_so }),
        1 => (client(), topics, regex)
            .prop_map(|(client, topics, regex)| Event::Subscribe { client, topics, regex }),
        1 => prop::sample::select(vec!["t", "u"]).prop_map(|topic| Event::Grow { topic }),
        5 => prop::sample::select(vec![1, 300, 1_000, 3_000, 12_000, 31_000, 46_000])
            .prop_map(|ms| Event::Pass { ms }),
        1 => Just(Event::FailOver),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_no_partition_has_two_owners_and_a_quiet_group_settles(
        events in prop::collection::vec(event(), 1..120),
        is_settled_before in any::<bool>(),
    ) {
        let mut world = World::new();
        if is_settled_before {
            world.settle(5);
        }
        for event in &events {
            world.on(event);
        }
        world.settle(110);
        world.assert_settled();
    }
}
