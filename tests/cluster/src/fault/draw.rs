//! Draws faults. The same seed draws the same plan; what the cluster makes of it is another matter.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use rand::{RngExt as _, SeedableRng as _};

use super::{Fault, Kind};
use crate::layout::Layout;
use crate::proxy::{Flow, Plane, Rule};

/// Kinds in one run at most.
const KINDS_MAX: usize = 3;
const DELAY_MS: std::ops::Range<u64> = 20..400;
const THROTTLE: std::ops::Range<u64> = 20_000..500_000;
/// From a hiccup to well beyond a session.
const HELD_MS: std::ops::Range<u64> = 100..6_000;
const DOWN_MS: std::ops::Range<u64> = 0..2_500;
const FLAP_MS: std::ops::Range<u64> = 200..800;

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The cluster.
    pub layout: Layout,
    /// What happens to it.
    pub kinds: Vec<Kind>,
    /// Partitions of the topic.
    pub partition_count: i32,
    /// Bytes of a record's value.
    pub value_bytes: usize,
}

/// Who is worth hitting.
#[derive(Debug, Clone, Copy, Default)]
pub struct Marks {
    /// Leads a partition.
    pub leader: Option<i32>,
    /// Leads the quorum.
    pub controller: Option<i32>,
}

/// Draws from a seed.
#[derive(Debug)]
pub struct Dice {
    random: StdRng,
}

impl Dice {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
        }
    }

    /// A cluster and the kinds of faults for a run.
    pub fn plan(&mut self) -> Plan {
        let count = self.random.random_range(1..=KINDS_MAX);
        let mut kinds: Vec<Kind> = Kind::ALL.into_iter().sample(&mut self.random, count);
        kinds.sort_unstable();
        let mut layout = Layout::default().proxied();
        if self.chance(0.5) {
            // The smallest there is: a new one every few seconds.
            layout = layout.with("log.segment.bytes", "1048576");
        }
        if self.chance(0.5) {
            layout = layout.with_racks();
        }
        let has_own_controllers = self.random.random_bool(0.5);
        Plan {
            layout: match has_own_controllers {
                true => layout.with_controllers(),
                false => layout,
            },
            kinds,
            partition_count: self.random.random_range(1..=6),
            value_bytes: self.random.random_range(16..1500),
        }
    }

    /// One more fault of the plan's.
    pub fn fault(&mut self, plan: &Plan, marks: Marks) -> (Kind, Fault) {
        let kind = plan.kinds.choose(&mut self.random).copied();
        let kind = kind.unwrap_or(Kind::Kill);
        let fault = self.fault_of(kind, &plan.layout, plan.partition_count, marks);
        (kind, fault)
    }

    /// A pause between two faults.
    pub fn pause(&mut self) -> Duration {
        self.millis(0..2_000)
    }

    /// Whether something happens that has this chance.
    pub fn chance(&mut self, of: f64) -> bool {
        self.random.random_bool(of)
    }

    fn fault_of(
        &mut self,
        kind: Kind,
        layout: &Layout,
        partition_count: i32,
        marks: Marks,
    ) -> Fault {
        let node = self.node(layout, marks);
        let peer = self.peer(layout, node);
        let held = self.millis(HELD_MS);
        let down = self.millis(DOWN_MS);
        let cut = |flows: Vec<Flow>| Fault::Links(flows, Rule::Cut, held);
        let others = layout.node_ids().filter(|other| *other != node);
        match kind {
            Kind::Kill => Fault::Kill(vec![node], down),
            Kind::KillTwo => Fault::Kill(vec![node, peer], down),
            Kind::KillAll => Fault::Kill(layout.node_ids().collect(), down),
            Kind::Pause => Fault::Pause(node, held),
            Kind::Restart => Fault::Restart(node),
            Kind::Isolate => cut(others
                .flat_map(|other| Flow::between(node, other))
                .collect()),
            Kind::Cut => cut(Flow::between(node, peer).into()),
            Kind::OneWay => cut(Flow::one_way(node, peer).into()),
            Kind::NoBrokers => cut(on_plane(node, others, Plane::Brokers)),
            Kind::NoControllers => cut(on_plane(node, others, Plane::Controllers)),
            Kind::Flap => {
                let times = (0..self.random.random_range(3..8)).map(|_| self.millis(FLAP_MS));
                Fault::Flap(Flow::between(node, peer).into(), times.collect())
            }
            Kind::Delay => {
                let rule = Rule::Delay(self.millis(DELAY_MS));
                Fault::Links(Flow::between(node, peer).into(), rule, held)
            }
            Kind::Throttle => {
                let rule = Rule::Throttle(self.random.random_range(THROTTLE));
                Fault::Links(Flow::between(node, peer).into(), rule, held)
            }
            Kind::Reset => Fault::Reset(node, peer),
            Kind::KillBehindCut => {
                let end = self.peer(layout, peer);
                Fault::KillBehindCut(Flow::between(peer, end).into(), node, down)
            }
            Kind::Wipe if layout.controller_count > 0 && node <= layout.broker_count => {
                Fault::Wipe(node, down)
            }
            // Who votes may not lose its disk.
            Kind::Wipe => Fault::Kill(vec![node], down),
            Kind::Shuffle => {
                let partition = self.random.random_range(0..partition_count);
                Fault::Shuffle(partition, self.random.random_range(1..3))
            }
        }
    }

    /// Leaders and the active controller more often than others.
    fn node(&mut self, layout: &Layout, marks: Marks) -> i32 {
        let any = layout.node_ids().choose(&mut self.random).unwrap_or(1);
        match self.random.random_range(0..10) {
            0..4 => marks.leader.unwrap_or(any),
            4..6 => marks.controller.unwrap_or(any),
            _ => any,
        }
    }

    fn peer(&mut self, layout: &Layout, node: i32) -> i32 {
        let others = layout.node_ids().filter(|other| *other != node);
        others.choose(&mut self.random).unwrap_or(node)
    }

    fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.random.random_range(range))
    }
}

fn on_plane(node: i32, others: impl Iterator<Item = i32>, plane: Plane) -> Vec<Flow> {
    others
        .flat_map(|other| Flow::both(node, other, plane))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(seed: u64) -> (Vec<Kind>, Vec<(Kind, Fault)>) {
        let mut dice = Dice::new(seed);
        let plan = dice.plan();
        let faults = (0..20).map(|_| dice.fault(&plan, Marks::default()));
        let faults = faults.collect();
        (plan.kinds, faults)
    }

    #[test]
    fn a_seed_draws_the_same_again() {
        assert_eq!(draw(42), draw(42));
        assert_ne!(draw(42), draw(43));
    }

    #[test]
    fn a_run_has_one_to_three_kinds_and_no_others() {
        for seed in 0..200 {
            let (kinds, faults) = draw(seed);
            assert!((1..=KINDS_MAX).contains(&kinds.len()));
            assert!(faults.iter().all(|(kind, _)| kinds.contains(kind)));
        }
    }

    #[test]
    fn every_kind_is_drawn() {
        let all: std::collections::BTreeSet<Kind> =
            (0..200).flat_map(|seed| draw(seed).0).collect();
        assert_eq!(all.len(), Kind::ALL.len());
    }
}
