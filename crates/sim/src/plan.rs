//! What a seed stands for: how large the world is, how it behaves, and which faults happen when.
//!
//! Everything is drawn before the run begins and written down, so that a fault can be left out to see
//! whether a failure needs it (`--without`). The weights are drawn per run as well (swarm testing): a run
//! that has only two kinds of faults reaches states that a run with all of them never does.

use std::fmt;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use types::NodeId;

use crate::draw::{Draw, ms};
use crate::group::plan::GroupPlan;

/// When faults end and the world begins to heal.
pub const FAULTS_END: Duration = ms(12_000);
/// When everything must be well again.
pub const HEALED_BY: Duration = ms(40_000);

/// A fault or an administrator's request. Nodes are drawn here; what cannot happen then is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed; the machine stays up.
    Kill {
        /// Broker or controller.
        node: NodeId,
        /// How long it stays down.
        down: Duration,
    },
    /// All brokers, or with `controllers` the whole cluster, are killed at once.
    KillAll {
        /// Whether controllers too.
        controllers: bool,
        /// How long the first stays down.
        down: Duration,
    },
    /// The machine loses power.
    PowerCut {
        /// Broker or controller.
        node: NodeId,
        /// How long it stays down.
        down: Duration,
        /// How much of what was not synced survives, of 256.
        survives: u8,
        /// Whether half a record is left behind.
        is_torn: bool,
    },
    /// The broker's disk is lost.
    Wipe {
        /// The broker.
        node: NodeId,
        /// How long it stays down.
        down: Duration,
    },
    /// The broker's disk is replaced by a copy of what it was after its last orderly stop.
    Rollback {
        /// The broker.
        node: NodeId,
        /// How long it stays down.
        down: Duration,
    },
    /// All machines lose power at once.
    Blackout {
        /// How long they stay down.
        down: Duration,
        /// How much of what was not synced survives, of 256.
        survives: u8,
    },
    /// The broker is asked to stop in an orderly way.
    Shutdown {
        /// The broker.
        node: NodeId,
        /// How long it stays down.
        down: Duration,
    },
    /// The process is stopped and goes on later, believing that no time has passed.
    Pause {
        /// Broker or controller.
        node: NodeId,
        /// For how long.
        pause: Duration,
    },
    /// Nothing passes from one node to the other.
    Cut {
        /// From here.
        from: NodeId,
        /// To there.
        to: NodeId,
        /// The other way as well.
        both_ways: bool,
        /// For how long.
        lasts: Duration,
    },
    /// Nothing passes between a node and all others.
    Isolate {
        /// The node.
        node: NodeId,
        /// For how long.
        lasts: Duration,
    },
    /// Replication streams between two brokers break.
    BreakStreams {
        /// One.
        a: NodeId,
        /// The other.
        b: NodeId,
    },
    /// A heartbeat session breaks although the broker lives.
    BreakSession {
        /// The broker.
        node: NodeId,
    },
    /// A topic is created.
    Create {
        /// Which name.
        topic: u8,
        /// Replication factor.
        factor: u8,
        /// `min.insync.replicas`.
        min_isr: u8,
    },
    /// A topic is deleted.
    Delete {
        /// Which name.
        topic: u8,
    },
    /// A partition's replicas move.
    Reassign {
        /// Which topic.
        topic: u8,
        /// Which partition.
        index: i32,
        /// Where to start in the list of brokers.
        from: u8,
        /// How many replicas.
        count: u8,
    },
    /// A reassignment is cancelled.
    Cancel {
        /// Which topic.
        topic: u8,
    },
    /// `min.insync.replicas` changes.
    SetMinIsr {
        /// Which topic.
        topic: u8,
        /// To what.
        min_isr: u8,
    },
    /// Preferred leaders are elected.
    Elect,
    /// Records are deleted up to a share (of 256) of what is committed.
    DeleteRecords {
        /// Which topic.
        topic: u8,
        /// Which partition.
        index: i32,
        /// How much of it.
        share: u8,
    },
}

/// How one run behaves.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Draws whatever the run itself decides.
    pub seed: u64,
    /// Brokers are 1 to this.
    pub broker_count: i32,
    /// Controllers are 101 and up.
    pub controller_count: i32,
    /// The longest usual delay of a message.
    pub latency_max: Duration,
    /// Of 1000 messages without a stream, how many are late by up to three seconds.
    pub late: u32,
    /// `broker.session.timeout.ms`.
    pub session_timeout: Duration,
    /// `replica.lag.time.max.ms`.
    pub lag_max: Duration,
    /// The longest delay before a broker acts on metadata that it has received.
    pub apply_lag_max: Duration,
    /// The longest time between two checkpoints of high watermarks.
    pub housekeeping_max: Duration,
    /// Whether topics are synced before they are acknowledged.
    pub is_durable: bool,
    /// Of 16 producers, how many use `acks=1`.
    pub acks_one: u8,
    /// How many producers there are.
    pub producer_count: u32,
    /// The longest pause between two records of a producer.
    pub produce_pause_max: Duration,
    /// The groups, in a run with groups.
    pub groups: Option<GroupPlan>,
    /// What happens when, in order.
    pub faults: Vec<(Duration, Fault)>,
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut draw = Draw::new(Xoshiro256PlusPlus::seed_from_u64(seed));
        let broker_count = *draw.of(&[2, 3, 3, 3, 4, 5]);
        let controller_count = *draw.of(&[1, 3, 3, 3]);
        let mut plan = Self {
            seed: draw.number(),
            broker_count,
            controller_count,
            latency_max: *draw.of(&[ms(1), ms(5), ms(50)]),
            late: *draw.of(&[0, 0, 5, 50, 200]),
            session_timeout: *draw.of(&[ms(600), ms(1500)]),
            lag_max: *draw.of(&[ms(300), ms(1000), ms(3000)]),
            apply_lag_max: *draw.of(&[ms(1), ms(20), ms(300), ms(1500)]),
            housekeeping_max: *draw.of(&[ms(1000), ms(2000), ms(30_000)]),
            is_durable: draw.one_in(5),
            acks_one: *draw.of(&[0, 0, 4]),
            producer_count: draw.between(2, 6),
            produce_pause_max: *draw.of(&[ms(5), ms(30), ms(120)]),
            groups: None,
            faults: Vec::new(),
        };
        plan.draw_faults(&mut draw);
        plan
    }

    /// All brokers.
    pub fn brokers(&self) -> impl Iterator<Item = NodeId> + use<> {
        (1..=self.broker_count).map(NodeId)
    }

    /// All controllers.
    pub fn controllers(&self) -> impl Iterator<Item = NodeId> + use<> {
        (101..101 + self.controller_count).map(NodeId)
    }

    fn draw_faults(&mut self, draw: &mut Draw) {
        for topic in 0..draw.between(1, 2) {
            let create = self.create(draw, u8::try_from(topic).unwrap_or(0));
            self.faults.push((ms(1500), create));
        }
        let weights: Vec<u32> = (0..KINDS + TRAPS).map(|_| swarm_weight(draw)).collect();
        let count = *draw.of(&[4, 10, 20, 40]);
        let mut times: Vec<Duration> = (0..count)
            .map(|_| draw.duration(ms(2000), FAULTS_END))
            .collect();
        times.sort_unstable();
        for at in times {
            if let Some(kind) = draw.weighted(&weights) {
                self.draw_at(draw, at, kind);
            }
        }
        self.faults.sort_by_key(|(at, _)| *at);
    }

    fn draw_at(&mut self, draw: &mut Draw, at: Duration, kind: usize) {
        let Some(trap) = kind.checked_sub(KINDS) else {
            let fault = self.draw_fault(draw, kind);
            return self.faults.push((at, fault));
        };
        let faults = self.draw_trap(draw, at, trap);
        self.faults.extend(faults);
    }

    /// Several faults in a row, each of which is rare enough: what some mistake needs to matter.
    fn draw_trap(&self, draw: &mut Draw, at: Duration, trap: usize) -> Vec<(Duration, Fault)> {
        let node = self.broker(draw);
        let down = ms(20);
        match trap {
            // It comes back, is about to join the ISR while nobody decides, and loses its log.
            0 => {
                let undecided = at + draw.duration(ms(100), ms(900));
                let lost = undecided + draw.duration(ms(20), ms(500));
                let mut faults = vec![(at, Fault::Kill { node, down })];
                for node in self.controllers() {
                    faults.push((
                        undecided,
                        Fault::Kill {
                            node,
                            down: ms(900),
                        },
                    ));
                }
                let is_torn = false;
                faults.push((
                    lost,
                    Fault::PowerCut {
                        node,
                        down,
                        survives: 0,
                        is_torn,
                    },
                ));
                faults
            }
            // It falls behind, catches up, and falls behind again while the proposal is late.
            1 => {
                let to = self.broker(draw);
                let again = at + self.lag_max + draw.duration(ms(500), ms(1800));
                let cut = |lasts| Fault::Cut {
                    from: node,
                    to,
                    both_ways: true,
                    lasts,
                };
                vec![(at, cut(self.lag_max)), (again, cut(self.lag_max * 2))]
            }
            // Its disk goes back to what it was while it alone may lead.
            _ => {
                let later = at + draw.duration(ms(800), ms(2500));
                let all = Fault::KillAll {
                    controllers: false,
                    down: ms(200),
                };
                let faults = [
                    Fault::Shutdown { node, down },
                    all,
                    Fault::Rollback { node, down },
                ];
                let [stop, all, back] = faults;
                vec![(at, stop), (later, all), (later + ms(5), back)]
            }
        }
    }

    fn node(&self, draw: &mut Draw) -> NodeId {
        if draw.one_in(4) {
            return NodeId(101 + draw.below(self.controller_count));
        }
        self.broker(draw)
    }

    fn broker(&self, draw: &mut Draw) -> NodeId {
        NodeId(1 + draw.below(self.broker_count))
    }

    fn create(&self, draw: &mut Draw, topic: u8) -> Fault {
        let factor = *draw.of(&[1, 2, 3, 3, 3, 3]);
        let factor = factor.min(u8::try_from(self.broker_count).unwrap_or(u8::MAX));
        let min_isr = *draw.of(&[1, 2, 2, 2, 2]);
        Fault::Create {
            topic,
            factor,
            min_isr: min_isr.min(factor),
        }
    }

    fn draw_fault(&self, draw: &mut Draw, kind: usize) -> Fault {
        let down = *draw.of(&[ms(20), ms(300), ms(2500)]);
        let lasts = *draw.of(&[ms(100), ms(900), ms(3000)]);
        let topic = u8::try_from(draw.below(3)).unwrap_or(0);
        let index = draw.below(2);
        let survives = *draw.of(&[0, 0, 128, 255]);
        match kind {
            0 | 1 => Fault::Kill {
                node: self.node(draw),
                down,
            },
            2 => Fault::KillAll {
                controllers: draw.one_in(2),
                down,
            },
            3 | 4 => Fault::PowerCut {
                node: self.node(draw),
                down,
                survives,
                is_torn: draw.one_in(2),
            },
            5 => Fault::Wipe {
                node: self.broker(draw),
                down,
            },
            6 => Fault::Blackout { down, survives },
            7 => Fault::Shutdown {
                node: self.broker(draw),
                down,
            },
            8 | 9 => Fault::Pause {
                node: self.node(draw),
                pause: lasts,
            },
            10 | 11 => Fault::Cut {
                from: self.node(draw),
                to: self.node(draw),
                both_ways: draw.one_in(2),
                lasts,
            },
            12 => Fault::Isolate {
                node: self.node(draw),
                lasts,
            },
            13 => Fault::BreakStreams {
                a: self.broker(draw),
                b: self.broker(draw),
            },
            14 => Fault::BreakSession {
                node: self.broker(draw),
            },
            15 => self.create(draw, topic),
            16 => Fault::Delete { topic },
            17 => Fault::Reassign {
                topic,
                index,
                from: u8::try_from(draw.below(self.broker_count)).unwrap_or(0),
                count: *draw.of(&[1, 2, 3, 3]),
            },
            18 => Fault::Cancel { topic },
            19 => Fault::SetMinIsr {
                topic,
                min_isr: *draw.of(&[1, 2, 2, 3]),
            },
            20 => Fault::Elect,
            21 => Fault::Rollback {
                node: self.broker(draw),
                down,
            },
            _ => Fault::DeleteRecords {
                topic,
                index,
                share: *draw.of(&[64, 200, 255]),
            },
        }
    }
}

const KINDS: usize = 23;
const TRAPS: usize = 3;

/// Most kinds are rare or absent in a run, a few are frequent.
fn swarm_weight(draw: &mut Draw) -> u32 {
    *draw.of(&[0, 0, 0, 1, 2, 8])
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} brokers, {} controllers, latency to {:?}, {}‰ late, session {:?}, lag {:?}, apply lag to \
             {:?}, {}, {} producers every {:?} at most",
            self.broker_count,
            self.controller_count,
            self.latency_max,
            self.late,
            self.session_timeout,
            self.lag_max,
            self.apply_lag_max,
            if self.is_durable {
                "durable"
            } else {
                "replicated"
            },
            self.producer_count,
            self.produce_pause_max,
        )
    }
}
