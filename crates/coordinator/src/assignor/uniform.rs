//! The uniform assignor: even over all topics, and nothing moves that need not.
//!
//! ```text
//! keep      what each member has, of topics it still subscribes and that still have the partition
//! fill      every free partition goes to the subscriber who has least, near a replica if it can
//! level     all subscribe the same: whoever has more than its share gives to who has less, no other moves
//!           otherwise: while a subscriber has two more than another one of the same topic, move a partition
//! ```
//!
//! Every move of the last kind makes the sum of squares of the loads smaller, so it ends; rounds
//! are bounded all the same, because with overlapping subscriptions the last few moves gain little.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use types::PartitionIndex;

use super::range::index;
use super::{Assignment, Input};

/// How often the levelling goes through all topics at most.
const ROUND_COUNT_MAX: usize = 16;

pub(super) fn assign(input: &Input<'_>) -> Vec<Assignment> {
    let mut plan = Plan::keeping(input);
    for topic in plan.hardest_first() {
        plan.fill(topic);
    }
    plan.level();
    plan.into_assignments()
}

/// Members and topics are numbers here: positions in the input.
struct Plan<'a> {
    input: &'a Input<'a>,
    /// Who subscribed each topic, ascending.
    subscribers: Vec<Vec<usize>>,
    /// Who has each partition of each topic.
    owners: Vec<Vec<Option<usize>>>,
    /// How many partitions each member has.
    loads: Vec<usize>,
    /// Whether any member said its rack and any topic knows its own.
    has_racks: bool,
}

impl<'a> Plan<'a> {
    fn keeping(input: &'a Input<'a>) -> Self {
        let topic_count = input.topics.len();
        let mut plan = Self {
            input,
            subscribers: vec![Vec::new(); topic_count],
            owners: input
                .topics
                .iter()
                .map(|topic| vec![None; topic.partition_count])
                .collect(),
            loads: vec![0; input.members.len()],
            has_racks: input.members.iter().any(|member| member.rack_id.is_some())
                && input.topics.iter().any(|topic| !topic.racks.is_empty()),
        };
        for (member, described) in input.members.iter().enumerate() {
            for topic in described
                .topics
                .iter()
                .copied()
                .filter(|t| *t < topic_count)
            {
                plan.subscribers[topic].push(member);
                plan.keep(member, topic);
            }
        }
        plan
    }

    fn keep(&mut self, member: usize, topic: usize) {
        let had = self.input.members[member]
            .target
            .of(self.input.topics[topic].id);
        for partition in had {
            let owner = usize::try_from(*partition)
                .ok()
                .and_then(|i| self.owners[topic].get_mut(i));
            // Two members cannot have had the same; if a log says so, the first keeps it.
            if let Some(owner @ None) = owner {
                *owner = Some(member);
                self.loads[member] += 1;
            }
        }
    }

    /// Topics with many partitions for few subscribers first: the others can still even it out.
    fn hardest_first(&self) -> Vec<usize> {
        let mut topics: Vec<usize> = (0..self.owners.len())
            .filter(|topic| !self.subscribers[*topic].is_empty())
            .collect();
        let size = |topic: usize| self.owners[topic].len() as u64;
        let crowd = |topic: usize| self.subscribers[topic].len() as u64;
        // a/b before c/d when a·d > c·b.
        topics.sort_by(|a, b| {
            (size(*b) * crowd(*a))
                .cmp(&(size(*a) * crowd(*b)))
                .then(crowd(*a).cmp(&crowd(*b)))
                .then(a.cmp(b))
        });
        topics
    }

    fn fill(&mut self, topic: usize) {
        let free = |plan: &Self| -> Vec<usize> {
            let owners = plan.owners[topic].iter().enumerate();
            owners
                .filter_map(|(i, owner)| owner.is_none().then_some(i))
                .collect()
        };
        if self.has_racks {
            let free = free(self);
            self.fill_nearby(topic, &free);
        }
        let free = free(self);
        if free.is_empty() {
            return;
        }
        // Sorting all subscribers pays only if there is enough to hand out.
        if free.len() * 8 < self.subscribers[topic].len() {
            for partition in free {
                let subscribers = self.subscribers[topic].iter().copied();
                if let Some(member) = subscribers.min_by_key(|member| self.loads[*member]) {
                    self.give(topic, partition, member);
                }
            }
            return;
        }
        let subscribers = self.subscribers[topic].iter();
        let mut by_load: BinaryHeap<Reverse<(usize, usize)>> = subscribers
            .map(|member| Reverse((self.loads[*member], *member)))
            .collect();
        for partition in free {
            let Some(mut least) = by_load.peek_mut() else {
                break;
            };
            let member = least.0.1;
            self.give(topic, partition, member);
            least.0.0 = self.loads[member];
        }
    }

    /// Gives free partitions to subscribers in a replica's rack, as long as those stay within what
    /// each subscriber will get in any case.
    fn fill_nearby(&mut self, topic: usize, free: &[usize]) {
        let subscribers = self.subscribers[topic].len();
        let load: usize = self.subscribers[topic].iter().map(|m| self.loads[*m]).sum();
        let sure = (load + free.len()) / subscribers.max(1);
        for partition in free {
            let nearby = self.subscribers[topic]
                .iter()
                .copied()
                .filter(|member| self.loads[*member] < sure)
                .filter(|member| self.is_nearby(topic, *partition, *member))
                .min_by_key(|member| (self.loads[*member], *member));
            if let Some(member) = nearby {
                self.give(topic, *partition, member);
            }
        }
    }

    fn is_nearby(&self, topic: usize, partition: usize, member: usize) -> bool {
        let racks = self.input.topics[topic].racks.get(partition);
        match (self.input.members[member].rack_id, racks) {
            (Some(rack), Some(racks)) => racks.iter().any(|of| **of == *rack),
            _ => false,
        }
    }

    fn give(&mut self, topic: usize, partition: usize, member: usize) {
        if let Some(owner) = self.owners[topic][partition].replace(member) {
            self.loads[owner] -= 1;
        }
        self.loads[member] += 1;
    }

    fn level(&mut self) {
        let topics = self.hardest_first();
        if topics
            .windows(2)
            .all(|pair| self.subscribers[pair[0]] == self.subscribers[pair[1]])
        {
            return self.level_by_shares(&topics);
        }
        for _ in 0..ROUND_COUNT_MAX {
            let mut moved = false;
            for topic in &topics {
                moved |= self.level_topic(*topic);
            }
            if !moved {
                return;
            }
        }
    }

    /// All topics have the same subscribers. Those who have most keep the larger shares, so that nobody
    /// gives more than it must, and only who has too little gets anything.
    fn level_by_shares(&mut self, topics: &[usize]) {
        let Some(first) = topics.first() else { return };
        let mut members = self.subscribers[*first].clone();
        members.sort_by_key(|member| (Reverse(self.loads[*member]), *member));
        let total: usize = members.iter().map(|member| self.loads[*member]).sum();
        let (share, larger) = (total / members.len().max(1), total % members.len().max(1));
        let mut shares = vec![0; self.loads.len()];
        for (rank, member) in members.iter().enumerate() {
            shares[*member] = share + usize::from(rank < larger);
        }
        let mut takers = members;
        for topic in topics {
            for partition in (0..self.owners[*topic].len()).rev() {
                let owner = self.owners[*topic][partition];
                if owner.is_none_or(|owner| self.loads[owner] <= shares[owner]) {
                    continue;
                }
                takers.retain(|member| self.loads[*member] < shares[*member]);
                let near = takers.iter().copied();
                let near = near
                    .filter(|_| self.has_racks)
                    .find(|member| self.is_nearby(*topic, partition, *member));
                let Some(taker) = near.or_else(|| takers.last().copied()) else {
                    return;
                };
                self.give(*topic, partition, taker);
            }
        }
    }

    /// Moves partitions of one topic from the most to the least loaded of its subscribers.
    fn level_topic(&mut self, topic: usize) -> bool {
        let loads = self.subscribers[topic].iter().map(|m| self.loads[*m]);
        let (least, most) = loads.fold((usize::MAX, 0), |(least, most), load| {
            (least.min(load), most.max(load))
        });
        if most < least.saturating_add(2) {
            return false;
        }
        let mut held: Vec<Vec<usize>> = vec![Vec::new(); self.input.members.len()];
        for (partition, owner) in self.owners[topic].iter().enumerate() {
            if let Some(owner) = owner {
                held[*owner].push(partition);
            }
        }
        let subscribers = self.subscribers[topic].iter();
        let mut takers: BTreeSet<(usize, usize)> = subscribers
            .map(|member| (self.loads[*member], *member))
            .collect();
        let mut givers: BTreeSet<(usize, usize)> = takers
            .iter()
            .copied()
            .filter(|(_, member)| !held[*member].is_empty())
            .collect();
        let mut moved = false;
        while let (Some((least, taker)), Some((most, giver))) =
            (takers.first().copied(), givers.last().copied())
        {
            if most < least + 2 {
                break;
            }
            let Some(partition) = self.pick(topic, &mut held[giver], taker) else {
                break;
            };
            takers.remove(&(least, taker));
            takers.remove(&(most, giver));
            givers.remove(&(most, giver));
            givers.remove(&(least, taker));
            self.give(topic, partition, taker);
            held[taker].push(partition);
            takers.insert((self.loads[taker], taker));
            takers.insert((self.loads[giver], giver));
            givers.insert((self.loads[taker], taker));
            if !held[giver].is_empty() {
                givers.insert((self.loads[giver], giver));
            }
            moved = true;
        }
        moved
    }

    /// The giver's last partition, or if racks are known the last one near the taker.
    fn pick(&self, topic: usize, held: &mut Vec<usize>, taker: usize) -> Option<usize> {
        let near = |partition: &usize| self.is_nearby(topic, *partition, taker);
        match held.iter().rposition(near).filter(|_| self.has_racks) {
            Some(position) => Some(held.remove(position)),
            None => held.pop(),
        }
    }

    fn into_assignments(self) -> Vec<Assignment> {
        let mut assignments = vec![Assignment::new(); self.input.members.len()];
        let mut lists: Vec<Vec<PartitionIndex>> = vec![Vec::new(); self.input.members.len()];
        let mut touched = Vec::new();
        for (topic, owners) in self.input.topics.iter().zip(&self.owners) {
            for (partition, owner) in owners.iter().enumerate() {
                let Some(owner) = *owner else { continue };
                if lists[owner].is_empty() {
                    touched.push(owner);
                }
                lists[owner].push(index(partition));
            }
            for member in touched.drain(..) {
                assignments[member].insert(topic.id, lists[member].drain(..));
            }
        }
        assignments
    }
}
