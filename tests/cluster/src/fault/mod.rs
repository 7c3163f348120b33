//! Faults drawn at random, and doing them.

mod draw;

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

pub use draw::{Dice, Marks, Plan};

use crate::proxy::{Flow, Rule};
use crate::run::Run;

/// Kinds of faults. A run has one to three of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `kill -9` of a node, and its restart.
    Kill,
    /// `kill -9` of two nodes at once.
    KillTwo,
    /// `kill -9` of everybody at once.
    KillAll,
    /// SIGSTOP, and SIGCONT later.
    Pause,
    /// SIGTERM, and a restart.
    Restart,
    /// A node without any link.
    Isolate,
    /// One link, both ways.
    Cut,
    /// One link, one way.
    OneWay,
    /// A broker without links to other brokers.
    NoBrokers,
    /// A broker without links to controllers.
    NoControllers,
    /// A link that comes and goes.
    Flap,
    /// A slow link.
    Delay,
    /// A link with little room.
    Throttle,
    /// Connections between two nodes break.
    Reset,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Kill,
        Self::KillTwo,
        Self::KillAll,
        Self::Pause,
        Self::Restart,
        Self::Isolate,
        Self::Cut,
        Self::OneWay,
        Self::NoBrokers,
        Self::NoControllers,
        Self::Flap,
        Self::Delay,
        Self::Throttle,
        Self::Reset,
    ];

    /// Its name in a history.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::KillTwo => "kill-two",
            Self::KillAll => "kill-all",
            Self::Pause => "pause",
            Self::Restart => "restart",
            Self::Isolate => "isolate",
            Self::Cut => "cut",
            Self::OneWay => "one-way",
            Self::NoBrokers => "no-brokers",
            Self::NoControllers => "no-controllers",
            Self::Flap => "flap",
            Self::Delay => "delay",
            Self::Throttle => "throttle",
            Self::Reset => "reset",
        }
    }
}

/// A fault with everything that was drawn for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// These nodes die; they come back one after the other, each after so long.
    Kill(Vec<i32>, Duration),
    /// A node stands still for so long.
    Pause(i32, Duration),
    /// A node is asked to stop and started again.
    Restart(i32),
    /// These flows have a rule for so long.
    Links(Vec<Flow>, Rule, Duration),
    /// These flows are cut and mended in turn, each for so long.
    Flap(Vec<Flow>, Vec<Duration>),
    /// Connections between these break.
    Reset(i32, i32),
}

impl Fault {
    /// Does it, and mends it. Nodes run afterwards, but need not have caught up.
    ///
    /// # Errors
    /// A process does not start or stop.
    pub async fn apply(&self, run: &mut Run) -> Result<()> {
        match self {
            Self::Kill(nodes, down) => kill(run, nodes, *down).await,
            Self::Pause(node, held) => {
                run.cluster.pause(*node);
                sleep(*held).await;
                run.cluster.resume(*node);
                Ok(())
            }
            Self::Restart(node) => {
                run.cluster.stop(*node).await?;
                run.cluster.start_node(*node)
            }
            Self::Links(flows, rule, held) => {
                let rules = run.cluster.proxy().rules();
                rules.set(flows.iter().copied(), *rule);
                sleep(*held).await;
                rules.clear(flows.iter().copied());
                Ok(())
            }
            Self::Flap(flows, times) => {
                let rules = run.cluster.proxy().rules();
                for held in times {
                    rules.set(flows.iter().copied(), Rule::Cut);
                    sleep(*held).await;
                    rules.clear(flows.iter().copied());
                    sleep(*held / 2).await;
                }
                Ok(())
            }
            Self::Reset(a, b) => {
                run.cluster.proxy().rules().reset(*a, *b);
                Ok(())
            }
        }
    }
}

async fn kill(run: &mut Run, nodes: &[i32], down: Duration) -> Result<()> {
    if nodes.len() == run.cluster.layout().node_ids().count() {
        run.cluster.kill_all().await?;
    } else {
        for node in nodes {
            run.cluster.kill(*node).await?;
        }
    }
    for node in nodes {
        sleep(down / u32::try_from(nodes.len()).unwrap_or(1)).await;
        run.cluster.start_node(*node)?;
    }
    Ok(())
}
