//! What must always hold, one module each. They look at the whole world at once, which no node can.
//!
//! | module | promise (RELIABILITY 1) | looked at |
//! |---|---|---|
//! | [`acked`] | R1–R3: what was acknowledged with acks=all is in the log of every new leader | at each election, at the end |
//! | [`reads`] | R5: what a consumer saw at an offset is there for ever, on every replica | at each read and election, at the end |
//! | [`order`] | R6: offsets follow the order of acknowledgements; I1: no duplicates, no gaps | at each acknowledgement, at the end |
//! | [`matching`] | R7: logs are equal below the smaller high watermark; epochs grow along a log | twice a second, at the end |
//! | [`leaders`] | R8: one leader per epoch; R9: elected of ISR ∪ ELR and live; epochs grow | at each commit and election |
//! | [`candidates`] | every member of ISR and ELR holds what was ever exposed; nobody cuts what it knew as committed | at each commit and cut |
//! | [`watermark`] | HW ≤ log end of everyone counted, never with too few in sync, never below what was exposed; log start ≤ HW ≤ log end | at each move, at each look at ISRs |
//! | [`metadata_log`] | M1–M3, M7: committed entries stay, images at one offset are equal, broker epochs grow, one Raft leader per term | at each commit and image |
//! | [`register`] | G1, G2: an acknowledged commit stays, and no older one is shown after it; nothing is shown that was not committed | at each answer of a coordinator, at each acknowledgement |
//! | [`owners`] | G3: one owner per partition and generation; who lost a partition commits nothing more | at each assignment and commit |
//! | [`liveness`] | everything is well a while after the faults ended | at the end |
//!
//! To add one: a module with a function on [`Truth`] (what was observed) or
//! [`World`](crate::world::World) (everything), a line in this table, and a mutant that it catches.

pub mod acked;
pub mod candidates;
pub mod leaders;
pub mod liveness;
pub mod matching;
pub mod metadata_log;
pub mod order;
pub mod owners;
pub mod reads;
pub mod register;
pub mod watermark;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use metadata::MetadataImage;
use types::{BrokerEpoch, LeaderEpoch, NodeId, Offset};

use crate::message::{Entry, Key};

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant.
    pub invariant: &'static str,
    /// What was seen.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.text)
    }
}

/// What happened in truth, as nobody inside the world can know.
#[derive(Debug)]
pub struct Truth {
    /// The first promise that was broken.
    pub violation: Option<Violation>,
    /// The newest committed image.
    pub newest: MetadataImage,
    entries: BTreeMap<Offset, Entry>,
    hashes: BTreeMap<Offset, u64>,
    term_leaders: BTreeMap<u64, NodeId>,
    broker_epochs: BTreeMap<NodeId, BrokerEpoch>,
    /// An operator gave up on what was lost (durable topics after a blackout only).
    pub may_elect_uncleanly: bool,
    partitions: BTreeMap<Key, PartitionTruth>,
    /// What groups committed.
    pub register: register::Register,
    /// What members own.
    pub owners: owners::Owners,
    /// Brokers that lost something, and the epoch that they have not replaced since.
    lost: BTreeMap<NodeId, BrokerEpoch>,
}

/// What happened to one partition.
#[derive(Debug, Default)]
struct PartitionTruth {
    leaders: BTreeMap<LeaderEpoch, NodeId>,
    /// Acknowledged by all of the ISR, by offset.
    acked: BTreeMap<Offset, u64>,
    /// Seen by consumers.
    read: BTreeMap<Offset, u64>,
    /// The largest high watermark that any leader had.
    exposed: Offset,
    /// Below this, records were deleted on purpose.
    deleted_below: Offset,
    /// The least effective `min.insync.replicas` so far.
    min_isr_least: Option<usize>,
    /// Replicas that may have lost something and are not back in the ISR.
    suspects: BTreeSet<NodeId>,
    /// The minimum now, and whether the ISR has been so large since it last grew. Before, nothing is
    /// acknowledged, and nobody but the ISR is known to have anything.
    min_isr: usize,
    has_reached_min_isr: bool,
    /// An operator took away what the promise rests on: replicas, or the minimum, while somebody else
    /// had lost something. What was acknowledged before may be gone.
    is_excused: bool,
}

impl Default for Truth {
    fn default() -> Self {
        Self {
            violation: None,
            newest: MetadataImage::empty(),
            entries: BTreeMap::new(),
            hashes: BTreeMap::new(),
            term_leaders: BTreeMap::new(),
            broker_epochs: BTreeMap::new(),
            may_elect_uncleanly: false,
            partitions: BTreeMap::new(),
            register: register::Register::default(),
            owners: owners::Owners::default(),
            lost: BTreeMap::new(),
        }
    }
}

impl Truth {
    /// Notes a broken promise; the first one counts.
    pub fn violated(&mut self, invariant: &'static str, text: String) {
        self.violation.get_or_insert(Violation { invariant, text });
    }

    /// Whether that replica may have lost something since it was in sync.
    #[must_use]
    pub fn is_suspect(&self, key: Key, node: NodeId) -> bool {
        self.partitions
            .get(&key)
            .is_some_and(|truth| truth.suspects.contains(&node))
    }

    /// Whether nothing is held against the partition's records.
    #[must_use]
    pub fn is_excused(&self, key: Key) -> bool {
        self.partitions
            .get(&key)
            .is_some_and(|truth| truth.is_excused)
    }

    /// The largest high watermark that any leader had.
    #[must_use]
    pub fn exposed(&self, key: Key) -> Offset {
        self.partitions.get(&key).map_or(0, |truth| truth.exposed)
    }

    fn partition(&mut self, key: Key) -> &mut PartitionTruth {
        self.partitions.entry(key).or_default()
    }

    /// Whether a replica of that broker may lose what is not synced, or all it has: at most
    /// `min.insync.replicas - 1` replicas of a partition at once, as R2 promises.
    #[must_use]
    pub fn may_lose(&self, broker: NodeId) -> bool {
        self.held_by(broker).all(|(_, truth)| {
            let others = truth
                .suspects
                .iter()
                .filter(|suspect| **suspect != broker)
                .count();
            truth.has_reached_min_isr && others + 2 <= truth.min_isr_least.unwrap_or(1).max(1)
        })
    }

    fn held_by(&self, broker: NodeId) -> impl Iterator<Item = (&Key, &PartitionTruth)> {
        self.partitions.iter().filter(move |(key, _)| {
            let partition = self.newest.partition(key.0, key.1);
            partition.is_some_and(|partition| partition.replicas.contains(&broker))
        })
    }

    /// A broker's replicas may have lost something.
    pub fn on_loss(&mut self, broker: NodeId) {
        let keys: Vec<Key> = self.held_by(broker).map(|(key, _)| *key).collect();
        for key in keys {
            self.partition(key).suspects.insert(broker);
        }
        if let Some(known) = self.newest.broker(broker) {
            self.lost.insert(broker, known.epoch);
        }
    }

    /// Records below `offset` were deleted on purpose.
    pub fn on_deleted(&mut self, key: Key, offset: Offset) {
        let truth = self.partition(key);
        truth.deleted_below = truth.deleted_below.max(offset);
    }
}

impl PartitionTruth {
    /// From here on nothing is held against the partition's records.
    fn excuse(&mut self) {
        self.is_excused = true;
        self.acked.clear();
        self.read.clear();
        self.exposed = 0;
    }
}
