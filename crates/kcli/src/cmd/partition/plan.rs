//! Where replicas should be: plans that move as little as possible. Nothing is asked or sent here.
//!
//! ```text
//! leave     replicas on brokers that leave go to others
//! spread    two replicas on one rack, and a rack without: one moves
//! level     the fullest broker gives to the emptiest, while they differ by two or more
//! lead      the first replica is another one where a broker is first too often; no data moves
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};

use types::TopicPartition;

/// A broker that may have replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broker {
    /// `node.id`.
    pub(crate) id: i32,
    /// `broker.rack`.
    pub(crate) rack: Option<String>,
}

/// A partition and its replicas, preferred leader first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    /// Which.
    pub(crate) partition: TopicPartition,
    /// Where.
    pub(crate) replicas: Vec<i32>,
}

/// One partition's way from one placement to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Which.
    pub(crate) partition: TopicPartition,
    /// Its replicas now.
    pub(crate) from: Vec<i32>,
    /// Its replicas then.
    pub(crate) to: Vec<i32>,
}

impl Change {
    /// Brokers that get a replica.
    pub(crate) fn adding(&self) -> Vec<i32> {
        let new = self.to.iter().filter(|id| !self.from.contains(id));
        new.copied().collect()
    }

    /// Brokers that lose one.
    pub(crate) fn removing(&self) -> Vec<i32> {
        let old = self.from.iter().filter(|id| !self.to.contains(id));
        old.copied().collect()
    }
}

/// A partition that has more replicas than there are brokers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoRoom {
    /// Which.
    pub(crate) partition: TopicPartition,
    /// How many replicas it has.
    pub(crate) replica_count: usize,
    /// How many brokers would be left.
    pub(crate) broker_count: usize,
}

/// Moves every replica off one broker, to one of these others. Replicas on brokers that are away stay
/// where they are.
///
/// # Errors
/// A partition has more replicas than there are brokers.
pub(crate) fn leave(
    placed: &[Placed],
    others: &[Broker],
    leaving: i32,
    away: &[i32],
) -> Result<Vec<Change>, NoRoom> {
    let mut planner = Planner::new(placed, others);
    planner.evacuate(|id| id == leaving || !away.contains(&id))?;
    Ok(planner.changes())
}

/// Spreads replicas and preferred leaders evenly over brokers and racks.
///
/// # Errors
/// A partition has more replicas than there are brokers.
pub(crate) fn balance(placed: &[Placed], brokers: &[Broker]) -> Result<Vec<Change>, NoRoom> {
    let mut planner = Planner::new(placed, brokers);
    planner.evacuate(|_| true)?;
    planner.spread();
    planner.level();
    planner.lead();
    Ok(planner.changes())
}

struct Planner<'a> {
    before: &'a [Placed],
    now: Vec<Vec<i32>>,
    racks: BTreeMap<i32, &'a str>,
    /// Replicas by broker.
    counts: BTreeMap<i32, usize>,
    /// Replicas by topic and broker.
    topic_counts: HashMap<(&'a str, i32), usize>,
    /// Partitions by their first replica.
    leads: BTreeMap<i32, usize>,
}

impl<'a> Planner<'a> {
    fn new(before: &'a [Placed], brokers: &'a [Broker]) -> Self {
        let rack = |broker: &'a Broker| (broker.id, broker.rack.as_deref().unwrap_or_default());
        let mut planner = Self {
            before,
            now: before
                .iter()
                .map(|placed| placed.replicas.clone())
                .collect(),
            racks: brokers.iter().map(rack).collect(),
            counts: brokers.iter().map(|broker| (broker.id, 0)).collect(),
            topic_counts: HashMap::new(),
            leads: brokers.iter().map(|broker| (broker.id, 0)).collect(),
        };
        for placed in before {
            for id in &placed.replicas {
                planner.count(&placed.partition.topic, *id, 1);
            }
            if let Some(first) = placed.replicas.first() {
                planner.leads.entry(*first).and_modify(|n| *n += 1);
            }
        }
        planner
    }

    fn count(&mut self, topic: &'a str, id: i32, by: isize) {
        let add = |n: usize| n.saturating_add_signed(by);
        self.counts.entry(id).and_modify(|n| *n = add(*n));
        let of_topic = self.topic_counts.entry((topic, id)).or_default();
        *of_topic = add(*of_topic);
    }

    fn topic_count(&self, index: usize, id: i32) -> usize {
        let topic = &*self.before[index].partition.topic;
        self.topic_counts.get(&(topic, id)).copied().unwrap_or(0)
    }

    /// Puts another broker in a replica's place.
    fn replace(&mut self, index: usize, old: i32, new: i32) {
        let topic = &*self.before[index].partition.topic;
        let Some(position) = self.now[index].iter().position(|id| *id == old) else {
            return;
        };
        self.now[index][position] = new;
        self.count(topic, old, -1);
        self.count(topic, new, 1);
        if position == 0 {
            self.leads
                .entry(old)
                .and_modify(|n| *n = n.saturating_sub(1));
            self.leads.entry(new).and_modify(|n| *n += 1);
        }
    }

    fn rack_of(&self, id: i32) -> &'a str {
        self.racks.get(&id).copied().unwrap_or_default()
    }

    /// Racks of a partition's replicas but one.
    fn racks_without(&self, index: usize, left_out: i32) -> BTreeSet<&'a str> {
        let others = self.now[index].iter().filter(|id| **id != left_out);
        others.map(|id| self.rack_of(*id)).collect()
    }

    /// The broker that should have what another one gives away.
    fn best_for(&self, index: usize, instead_of: i32) -> Option<i32> {
        let taken = self.racks_without(index, instead_of);
        let free = self
            .counts
            .iter()
            .filter(|(id, _)| !self.now[index].contains(id));
        let best = free.min_by_key(|(id, count)| {
            let shares_rack = taken.contains(self.rack_of(**id));
            (shares_rack, **count, self.topic_count(index, **id), **id)
        });
        best.map(|(id, _)| *id)
    }

    /// Replaces what is on none of the brokers and may go.
    fn evacuate(&mut self, may_go: impl Fn(i32) -> bool) -> Result<(), NoRoom> {
        for index in 0..self.now.len() {
            let gone: Vec<i32> = self.now[index]
                .iter()
                .filter(|id| !self.racks.contains_key(id) && may_go(**id))
                .copied()
                .collect();
            for old in gone {
                let new = self.best_for(index, old).ok_or_else(|| NoRoom {
                    partition: self.before[index].partition.clone(),
                    replica_count: self.before[index].replicas.len(),
                    broker_count: self.racks.len(),
                })?;
                self.replace(index, old, new);
            }
        }
        Ok(())
    }

    fn spread(&mut self) {
        for index in 0..self.now.len() {
            // As many steps as there are replicas at most.
            for _ in 0..self.now[index].len() {
                let Some((old, new)) = self.crowded(index) else {
                    break;
                };
                self.replace(index, old, new);
            }
        }
    }

    /// A replica that shares its rack, and a broker on a rack without one.
    fn crowded(&self, index: usize) -> Option<(i32, i32)> {
        let shares = |id: &&i32| {
            let others = self.racks_without(index, **id);
            others.contains(self.rack_of(**id))
        };
        let old = *self.now[index].iter().rev().find(shares)?;
        let new = self.best_for(index, old)?;
        let taken = self.racks_without(index, old);
        (!taken.contains(self.rack_of(new))).then_some((old, new))
    }

    fn level(&mut self) {
        let most: usize = self.counts.values().sum();
        for _ in 0..most {
            let Some((index, old, new)) = self.uneven() else {
                break;
            };
            self.replace(index, old, new);
        }
    }

    /// A replica that a fuller broker can give to an emptier one without sharing more racks.
    fn uneven(&self) -> Option<(usize, i32, i32)> {
        for (full, empty) in pairs(&self.counts) {
            let may_move = |index: &usize| {
                let replicas = &self.now[*index];
                let others = self.racks_without(*index, full);
                let is_worse =
                    others.contains(self.rack_of(empty)) && !others.contains(self.rack_of(full));
                replicas.contains(&full) && !replicas.contains(&empty) && !is_worse
            };
            let best = (0..self.now.len()).filter(may_move).min_by_key(|index| {
                let gain = self.topic_count(*index, empty).cast_signed()
                    - self.topic_count(*index, full).cast_signed();
                let is_first = self.now[*index].first() == Some(&full);
                (gain, is_first)
            });
            if let Some(index) = best {
                return Some((index, full, empty));
            }
        }
        None
    }

    fn lead(&mut self) {
        for _ in 0..self.now.len() {
            let Some(steps) = self.unfair() else { break };
            for (index, new) in steps {
                self.put_first(index, new);
            }
        }
    }

    /// Partitions that should have another first replica: one, or two in a chain.
    fn unfair(&self) -> Option<Vec<(usize, i32)>> {
        let hands = |from: i32, to: i32| {
            let is_it = |r: &Vec<i32>| r.first() == Some(&from) && r.contains(&to);
            self.now.iter().position(is_it)
        };
        for (often, seldom) in pairs(&self.leads) {
            if let Some(index) = hands(often, seldom) {
                return Some(vec![(index, seldom)]);
            }
            for between in self
                .leads
                .keys()
                .filter(|id| **id != often && **id != seldom)
            {
                if let (Some(a), Some(b)) = (hands(often, *between), hands(*between, seldom)) {
                    return Some(vec![(a, *between), (b, seldom)]);
                }
            }
        }
        None
    }

    fn put_first(&mut self, index: usize, new: i32) {
        let replicas = &mut self.now[index];
        let Some(position) = replicas.iter().position(|id| *id == new) else {
            return;
        };
        let old = replicas[0];
        replicas.swap(0, position);
        self.leads
            .entry(old)
            .and_modify(|n| *n = n.saturating_sub(1));
        self.leads.entry(new).and_modify(|n| *n += 1);
    }

    fn changes(self) -> Vec<Change> {
        let pairs = self.before.iter().zip(self.now);
        let changed = pairs.filter(|(before, now)| before.replicas != *now);
        changed
            .map(|(before, now)| Change {
                partition: before.partition.clone(),
                from: before.replicas.clone(),
                to: now,
            })
            .collect()
    }
}

/// Brokers that differ by two or more, the most different first.
fn pairs(counts: &BTreeMap<i32, usize>) -> Vec<(i32, i32)> {
    let mut pairs = Vec::new();
    for (full, most) in counts {
        for (empty, least) in counts {
            let difference = most.saturating_sub(*least);
            if difference >= 2 {
                pairs.push((std::cmp::Reverse(difference), *full, *empty));
            }
        }
    }
    pairs.sort_unstable();
    pairs
        .into_iter()
        .map(|(_, full, empty)| (full, empty))
        .collect()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
