//! Faults drawn at random, and doing them.

mod draw;

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::{sleep, timeout};

pub use draw::{Dice, Marks, Plan};

use crate::admin::{elect_preferred, reassign};
use crate::proxy::{Flow, Rule};
use crate::run::Run;

/// An administrator's patience in the middle of faults.
const SHUFFLED_WITHIN: Duration = Duration::from_secs(5);

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
    /// A node dies while one of its links is cut.
    KillBehindCut,
    /// A broker dies and comes back with an empty disk.
    Wipe,
    /// A partition's replicas change places, so that another is preferred, and that one is elected.
    Shuffle,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 17] = [
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
        Self::KillBehindCut,
        Self::Wipe,
        Self::Shuffle,
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
            Self::KillBehindCut => "kill-behind-cut",
            Self::Wipe => "wipe",
            Self::Shuffle => "shuffle",
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
    /// A node dies while flows are cut, and comes back after so long; later they are mended.
    KillBehindCut(Vec<Flow>, i32, Duration),
    /// A broker dies, loses its disk, and comes back after so long.
    Wipe(i32, Duration),
    /// A partition's replicas in another order: the one at this place comes first.
    Shuffle(i32, usize),
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
            Self::KillBehindCut(flows, node, down) => {
                let cut = flows.iter().copied();
                run.cluster.proxy().rules().set(cut.clone(), Rule::Cut);
                sleep(*down / 2).await;
                kill(run, &[*node], *down).await?;
                sleep(*down).await;
                run.cluster.proxy().rules().clear(cut);
                Ok(())
            }
            Self::Wipe(broker, down) => {
                // One disk at a time is what is promised: the others must have everything.
                run.until_in_sync().await?;
                run.cluster.kill(*broker).await?;
                run.cluster.wipe(*broker).await?;
                sleep(*down).await;
                run.cluster.start_node(*broker)?;
                run.until_in_sync().await
            }
            Self::Shuffle(partition, first) => {
                // Without an active controller it is refused, or not answered in time.
                drop(timeout(SHUFFLED_WITHIN, shuffle(run, *partition, *first)).await);
                Ok(())
            }
        }
    }
}

async fn shuffle(run: &Run, partition: i32, first: usize) -> Result<()> {
    let admin = run.admin().await?;
    let cluster = admin.client().all_topics().await?;
    let topic = cluster.topics.get("t").context("the topic is there")?;
    let found = topic
        .partition(partition)
        .context("the partition is there")?;
    let mut replicas = found.replicas.clone();
    let first = first % replicas.len().max(1);
    replicas.rotate_left(first);
    reassign(&admin, "t", partition, &replicas).await?;
    elect_preferred(&admin, "t", partition).await
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
