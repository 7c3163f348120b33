//! What differs in a run with groups: a log for them, a topic to read, members; less of the rest.

use std::time::Duration;

use coordinator::{Choice, Settings};
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use types::NodeId;

use super::{OFFSETS, READ};
use crate::draw::{Draw, ms};
use crate::plan::{FAULTS_END, Fault, Plan};

/// Draws of groups do not disturb those of the plan.
const SALT: u64 = 0x67_72_6f_75_70_73;

/// The groups of a run.
#[derive(Clone, Debug)]
pub struct GroupPlan {
    /// The members, in the order of their numbers.
    pub members: Vec<MemberPlan>,
    /// The coordinators' settings.
    pub settings: Settings,
    /// Members of classic groups that are silent for so long are given up.
    pub session_timeout_ms: i32,
    /// How long they may take to join again.
    pub rebalance_timeout_ms: i32,
    /// How long a coordinator takes to read its log, at most.
    pub load_max: Duration,
    /// How often members hang, die or leave: once in so many of their looks around.
    pub trouble: u32,
}

/// A member to be.
#[derive(Clone, Copy, Debug)]
pub struct MemberPlan {
    /// Of which group: each has a partition of the log to itself.
    pub group: u8,
    /// Which protocol it speaks.
    pub is_modern: bool,
    /// Whether it keeps its place when it restarts. Classic only.
    pub is_static: bool,
}

impl Plan {
    /// The plan of a seed, with groups.
    #[must_use]
    pub fn with_groups(seed: u64) -> Self {
        let mut plan = Self::of(seed);
        let mut draw = Draw::new(Xoshiro256PlusPlus::seed_from_u64(seed ^ SALT));
        plan.producer_count = 1;
        // The groups' log is as good a target as any other, but for what would take records from it.
        for (_, fault) in &mut plan.faults {
            if let Fault::Reassign { topic, .. } | Fault::Cancel { topic } = fault
                && draw.one_in(2)
            {
                *topic = OFFSETS;
            }
        }
        let factor = u8::try_from(plan.broker_count).unwrap_or(u8::MAX).min(3);
        for topic in [OFFSETS, READ] {
            let create = Fault::Create {
                topic,
                factor,
                min_isr: factor.min(2),
            };
            // Twice, since nobody may decide at that moment.
            plan.faults.extend([1500, 2300].map(|at| (ms(at), create)));
        }
        for _ in 0..draw.below(7) {
            let fault = plan.trouble_for_coordinators(&mut draw);
            plan.faults
                .push((draw.duration(ms(3000), FAULTS_END), fault));
        }
        plan.faults.sort_by_key(|(at, _)| *at);
        plan.groups = Some(GroupPlan::of(&mut draw));
        plan
    }
}

impl Plan {
    /// What makes coordinators move, or believe that they are still needed.
    fn trouble_for_coordinators(&self, draw: &mut Draw) -> Fault {
        let node = NodeId(1 + draw.below(self.broker_count));
        let lasts = *draw.of(&[ms(300), ms(1500), ms(3000)]);
        match draw.below(6) {
            0 | 1 => Fault::Kill {
                node,
                down: ms(300),
            },
            2 => Fault::Isolate { node, lasts },
            3 => Fault::Pause { node, pause: lasts },
            4 => Fault::BreakSession { node },
            _ => Fault::Elect,
        }
    }
}

impl GroupPlan {
    fn of(draw: &mut Draw) -> Self {
        let mut members = Vec::new();
        for group in 0..2 {
            let is_modern = group == 1;
            for _ in 0..draw.between(2, 3) {
                let is_static = !is_modern && draw.one_in(2);
                members.push(MemberPlan {
                    group,
                    is_modern,
                    is_static,
                });
            }
        }
        Self {
            members,
            settings: settings(draw),
            session_timeout_ms: *draw.of(&[1500, 5000]),
            rebalance_timeout_ms: *draw.of(&[800, 2000]),
            load_max: *draw.of(&[ms(1), ms(50), ms(800), ms(3000)]),
            trouble: *draw.of(&[40, 150, 1000]),
        }
    }
}

/// Everything ten times as fast as usual, so that a run of some seconds has many generations.
fn settings(draw: &mut Draw) -> Settings {
    let choice = |default| Choice {
        default,
        min: ms(0),
        max: ms(60_000),
    };
    Settings {
        min_session_timeout: ms(100),
        initial_rebalance_delay: *draw.of(&[ms(0), ms(300)]),
        consumer_session_timeout: choice(*draw.of(&[ms(900), ms(1800)])),
        consumer_heartbeat_interval: choice(ms(200)),
        consumer_assignment_interval: choice(*draw.of(&[ms(0), ms(200)])),
        commit_timeout: ms(1000),
        ..Settings::default()
    }
}
