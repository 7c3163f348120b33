//! On which brokers the replicas of new partitions go.
//!
//! Live brokers are woven into a ring that changes the rack at every step as long as it can. Leaders
//! walk around the ring, one step a partition, from a random start. The followers of a partition are
//! taken from the ring behind its leader, always from the rack that has fewest replicas of it yet;
//! how far behind changes with every round, so that the partitions one broker leads have their
//! followers on many. Brokers that are being emptied get replicas only where the others are too few.
//!
//! ```text
//! racks a: 1 2   b: 3 4   c: 5      ring  1 3 5 2 4
//! partition 0: leader 1, followers from 3 5 2 4   partition 1: leader 3, followers from 5 2 4 1
//! ```

use std::collections::BTreeMap;

use metadata::{BrokerRegistration, MetadataImage, v1};
use rand::RngExt;
use types::{DirectoryId, LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, TopicId};

use super::id_bytes;

/// Why replicas cannot be placed, or not as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssignmentRefusal {
    /// More replicas than brokers.
    #[error(
        "Unable to replicate the partition {wanted} time(s): The target replication factor of \
         {wanted} cannot be reached because only {registered} broker(s) are registered."
    )]
    TooFewBrokers {
        /// The replication factor.
        wanted: usize,
        /// How many brokers there are, live or not.
        registered: usize,
    },
    /// Nobody could lead.
    #[error(
        "Unable to replicate the partition {wanted} time(s): All brokers are currently fenced or \
         in controlled shutdown."
    )]
    NoLiveBroker {
        /// The replication factor.
        wanted: usize,
    },
    /// A manual assignment without a broker.
    #[error("The manual partition assignment includes an empty replica list.")]
    Empty,
    /// A broker twice.
    #[error("The manual partition assignment includes the broker {0} more than once.")]
    Duplicate(i32),
    /// A broker that nobody knows.
    #[error(
        "The manual partition assignment includes broker {0}, but no such broker is registered."
    )]
    UnknownBroker(i32),
    /// Partitions of one topic with different numbers of replicas.
    #[error(
        "The manual partition assignment includes a partition with {given} replica(s), but this is \
         not consistent with previous partitions, which have {expected} replica(s)."
    )]
    Inconsistent {
        /// Replicas of this partition.
        given: usize,
        /// Replicas of the others.
        expected: usize,
    },
    /// Nobody on the list could lead.
    #[error(
        "All brokers specified in the manual partition assignment for partition {0} are fenced or \
         in controlled shutdown."
    )]
    NobodyLive(PartitionIndex),
}

/// Places the replicas of `count` new partitions.
pub(super) fn place(
    image: &MetadataImage,
    count: usize,
    replication_factor: usize,
    random: &mut dyn rand::Rng,
) -> Result<Vec<Vec<NodeId>>, AssignmentRefusal> {
    let registered = image.brokers().count();
    if replication_factor > registered {
        return Err(AssignmentRefusal::TooFewBrokers {
            wanted: replication_factor,
            registered,
        });
    }
    let mut of = |is_wanted: &dyn Fn(&BrokerRegistration) -> bool| {
        woven(image.brokers().filter(|broker| is_wanted(broker)), random)
    };
    let mut live = of(&|broker| broker.is_live() && !image.is_draining(broker.id));
    let mut draining = of(&|broker| broker.is_live() && image.is_draining(broker.id));
    // Brokers that are not live take what the live ones cannot; they never lead a new partition.
    let down = of(&|broker| !broker.is_live());
    if live.is_empty() {
        live = std::mem::take(&mut draining);
    }
    let spare = [draining, down];
    if live.is_empty() {
        let wanted = replication_factor;
        return Err(AssignmentRefusal::NoLiveBroker { wanted });
    }
    let start = random.random_range(0..live.len());
    Ok((0..count)
        .map(|partition| replicas(&live, &spare, start + partition, replication_factor))
        .collect())
}

/// Up to so many live brokers for further replicas of a partition that has these, on racks of their
/// own as far as there are any.
pub(super) fn more_replicas(
    image: &MetadataImage,
    replicas: &[NodeId],
    count: usize,
    random: &mut dyn rand::Rng,
) -> Vec<NodeId> {
    let has = |broker: &BrokerRegistration| replicas.contains(&broker.id);
    let of_rack =
        |broker: &BrokerRegistration| broker.rack.as_deref().unwrap_or_default().to_owned();
    let racks: Vec<String> = image
        .brokers()
        .filter(|b| has(b))
        .map(|b| of_rack(b))
        .collect();
    let may_take = |broker: &BrokerRegistration| {
        broker.is_live() && !image.is_draining(broker.id) && !has(broker)
    };
    let seats = woven(image.brokers().filter(|broker| may_take(broker)), random);
    let mut chosen: Vec<Seat<'_>> = replicas
        .iter()
        .zip(&racks)
        .map(|(broker, rack)| Seat {
            broker: *broker,
            rack,
        })
        .collect();
    let taken = chosen.len();
    take_spread(&mut chosen, seats, taken + count);
    chosen.iter().skip(taken).map(|seat| seat.broker).collect()
}

/// A place on the ring.
#[derive(Clone, Copy)]
struct Seat<'a> {
    broker: NodeId,
    rack: &'a str,
}

/// Brokers in an order that changes the rack at each step, as long as racks last.
fn woven<'a>(
    brokers: impl Iterator<Item = &'a std::sync::Arc<BrokerRegistration>>,
    random: &mut dyn rand::Rng,
) -> Vec<Seat<'a>> {
    let mut racks: BTreeMap<&str, Vec<NodeId>> = BTreeMap::new();
    for broker in brokers {
        let rack = broker.rack.as_deref().unwrap_or_default();
        racks.entry(rack).or_default().push(broker.id);
    }
    for rack in racks.values_mut() {
        let first = random.random_range(0..rack.len());
        rack.rotate_left(first);
    }
    let longest = racks.values().map(Vec::len).max().unwrap_or(0);
    (0..longest)
        .flat_map(|row| {
            racks.iter().filter_map(move |(rack, brokers)| {
                let broker = *brokers.get(row)?;
                Some(Seat { broker, rack })
            })
        })
        .collect()
}

fn replicas(live: &[Seat<'_>], spare: &[Vec<Seat<'_>>], turn: usize, count: usize) -> Vec<NodeId> {
    let leader = turn % live.len();
    let round = turn / live.len();
    let mut chosen = Vec::with_capacity(count);
    chosen.extend(live.get(leader).copied());
    let mut followers: Vec<Seat<'_>> = live
        .iter()
        .copied()
        .cycle()
        .skip(leader + 1)
        .take(live.len() - 1)
        .collect();
    if !followers.is_empty() {
        let shift = round % followers.len();
        followers.rotate_left(shift);
    }
    take_spread(&mut chosen, followers, count);
    for spare in spare {
        take_spread(&mut chosen, spare.clone(), count);
    }
    chosen.iter().map(|seat| seat.broker).collect()
}

/// Moves candidates over until there are enough, each time the first of those whose rack is used
/// least.
fn take_spread<'a>(chosen: &mut Vec<Seat<'a>>, mut candidates: Vec<Seat<'a>>, count: usize) {
    while chosen.len() < count && !candidates.is_empty() {
        let used = |seat: &Seat<'_>| {
            chosen
                .iter()
                .filter(|other| other.rack == seat.rack)
                .count()
        };
        let next = (0..candidates.len())
            .min_by_key(|i| candidates.get(*i).map(used))
            .unwrap_or(0);
        chosen.push(candidates.remove(next));
    }
}

/// Checks one partition of a manual assignment.
pub(super) fn check_manual(
    image: &MetadataImage,
    broker_ids: &[i32],
    replication_factor: Option<usize>,
) -> Result<Vec<NodeId>, AssignmentRefusal> {
    if broker_ids.is_empty() {
        return Err(AssignmentRefusal::Empty);
    }
    let mut nodes: Vec<NodeId> = Vec::with_capacity(broker_ids.len().min(64));
    let mut sorted: Vec<i32> = broker_ids.to_vec();
    sorted.sort_unstable();
    for id in broker_ids {
        if image.broker(NodeId(*id)).is_none() {
            return Err(AssignmentRefusal::UnknownBroker(*id));
        }
        nodes.push(NodeId(*id));
    }
    for pair in sorted.windows(2) {
        if let [one, other] = pair
            && one == other
        {
            return Err(AssignmentRefusal::Duplicate(*one));
        }
    }
    match replication_factor {
        Some(expected) if expected != nodes.len() => Err(AssignmentRefusal::Inconsistent {
            given: nodes.len(),
            expected,
        }),
        Some(_) | None => Ok(nodes),
    }
}

/// The record of a new partition: live replicas are in sync, the first of them leads that is not on a
/// broker being emptied.
pub(super) fn new_partition(
    image: &MetadataImage,
    topic_id: TopicId,
    index: PartitionIndex,
    replicas: &[NodeId],
) -> Result<v1::Partition, AssignmentRefusal> {
    let isr: Vec<NodeId> = replicas
        .iter()
        .copied()
        .filter(|node| image.is_live(*node))
        .collect();
    let leader = isr.iter().find(|node| !image.is_draining(**node));
    let leader = leader.or_else(|| isr.first());
    let leader = *leader.ok_or(AssignmentRefusal::NobodyLive(index))?;
    let directories = replicas
        .iter()
        .map(|node| id_bytes(directory_on(image, *node).0));
    Ok(v1::Partition {
        topic_id: id_bytes(topic_id.0),
        index,
        replicas: replicas.iter().map(|node| node.0).collect(),
        isr: isr.iter().map(|node| node.0).collect(),
        leader: Some(leader.0),
        leader_epoch: LeaderEpoch::ZERO.0,
        partition_epoch: PartitionEpoch::ZERO.0,
        directories: directories.collect(),
        ..v1::Partition::default()
    })
}

/// The only log directory of a broker; zero where the broker itself must choose.
pub(super) fn directory_on(image: &MetadataImage, node: NodeId) -> DirectoryId {
    let log_dirs = image.broker(node).map(|broker| broker.log_dirs.as_slice());
    match log_dirs {
        Some([only]) => *only,
        Some(_) | None => DirectoryId::ZERO,
    }
}
