//! Consumer groups: the real coordinators on simulated brokers, and members of both protocols.
//!
//! ```text
//! plan.rs     which groups there are, and what differs from a run without
//! hosted.rs   a broker's glue: shards on the partitions it leads; mirrors `broker::coordinator`
//! append.rs   what a shard decided, as one batch of its partition
//! member.rs   a member: asks, waits, hangs, dies, comes back
//! classic.rs  what it says in the classic protocol
//! modern.rs   what it says in the new one (KIP-848)
//! offsets.rs  what it commits and fetches
//! ```
//!
//! A record of the simulated log stands for one batch of a shard: its number leads to the bytes, which are
//! what the real code wrote.

pub mod append;
pub mod classic;
pub mod hosted;
pub mod member;
pub mod modern;
pub mod offsets;
pub mod plan;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use metadata::MetadataImage;
use types::{NodeId, PartitionIndex};

use crate::message::Key;
use crate::world::topic_name;

/// The topic of that number is the groups' log.
pub const OFFSETS: u8 = 9;
/// The topic of that number is what members read.
pub const READ: u8 = 7;
/// How many partitions it has.
pub const READ_PARTITIONS: PartitionIndex = 4;
/// Members are clients of these numbers.
pub const FIRST_MEMBER: u32 = 700;

/// One batch: keys and values.
pub type Batch = Arc<[(Bytes, Option<Bytes>)]>;

/// Everything about groups that is not on a broker.
#[derive(Debug, Default)]
pub struct Groups {
    /// By client number.
    pub members: BTreeMap<u32, member::Member>,
    /// What the records of the groups' log stand for.
    pub batches: BTreeMap<u64, Batch>,
    next_question: u64,
    next_offset: i64,
}

impl Groups {
    /// A number for a question.
    pub const fn question(&mut self) -> u64 {
        self.next_question += 1;
        self.next_question
    }

    /// An offset that was never committed; later ones are larger.
    pub const fn offset(&mut self) -> i64 {
        self.next_offset += 1;
        self.next_offset
    }
}

/// The group's name.
#[must_use]
pub fn group_name(group: u8) -> String {
    format!("g{group}")
}

/// The partition of the groups' log that a group belongs to, and who leads it, as that image says.
#[must_use]
pub fn coordinator(image: &MetadataImage, group: u8) -> Option<(Key, Option<NodeId>)> {
    let topic = image.topic(&topic_name(OFFSETS))?;
    let index = PartitionIndex::from(group) % 2;
    let partition = topic.partition(index)?;
    Some(((topic.id(), index), partition.leader))
}
