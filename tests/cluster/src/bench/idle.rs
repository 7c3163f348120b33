//! Groups that do nothing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{Usage, usage};
use crate::admin::create_topic;
use crate::cluster::Cluster;
use crate::layout::Layout;
use crate::load::group::Protocol;
use crate::load::light::{Crowd, member};
use crate::target::Target;

/// All members are in their groups within this time.
const SETTLED_WITHIN: Duration = Duration::from_secs(240);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Members that come at once, at most, lest they wait for each other's connections.
const BETWEEN_GROUPS: Duration = Duration::from_millis(5);

/// How much is asked.
#[derive(Debug, Clone, Copy)]
pub struct Idle {
    /// How members speak.
    pub protocol: Protocol,
    /// Groups.
    pub group_count: i64,
    /// Members of each.
    pub member_count: i32,
    /// Left alone before it is measured: compilers of brokers that have one come to rest.
    pub warm_up: Duration,
    /// How long it is measured.
    pub window: Duration,
}

/// What came of it: sums over three brokers.
#[derive(Debug)]
pub struct Cost {
    settled_in: Duration,
    empty: (f64, u64),
    full: (f64, u64),
    beats_a_second: f64,
    failures: u64,
}

/// Starts three brokers and measures them, without groups and with them.
///
/// # Errors
/// The cluster does not start, or the groups do not settle.
pub async fn measure(target: &Target, idle: Idle) -> Result<Cost> {
    let mut cluster = Cluster::start(target, Layout::default()).await?;
    let measured = measure_on(&cluster, idle).await;
    cluster.kill_all().await?;
    measured
}

async fn measure_on(cluster: &Cluster, idle: Idle) -> Result<Cost> {
    let topic_id = create_topic(&cluster.admin().await?, "idle", idle.member_count).await?;
    sleep(idle.warm_up).await;
    let empty = watch(cluster, idle.window).await?;
    let crowd = Arc::new(Crowd {
        bootstrap: cluster.bootstrap(),
        topic: "idle".to_owned(),
        topic_id,
        protocol: idle.protocol,
        settled: AtomicI64::new(0),
        beats: AtomicU64::new(0),
        failures: AtomicU64::new(0),
    });
    let stop = CancellationToken::new();
    let mut members = JoinSet::new();
    let began = Instant::now();
    for group in 0..idle.group_count {
        for _ in 0..idle.member_count {
            let (crowd, name) = (Arc::clone(&crowd), format!("idle-{group}"));
            members.spawn(member(crowd, name, stop.clone()));
        }
        sleep(BETWEEN_GROUPS).await;
    }
    let all = idle.group_count * i64::from(idle.member_count);
    while crowd.settled.load(Ordering::Relaxed) < all {
        if began.elapsed() > SETTLED_WITHIN {
            let settled = crowd.settled.load(Ordering::Relaxed);
            let failures = crowd.failures.load(Ordering::Relaxed);
            bail!("{settled} of {all} members are settled, after {failures} failures");
        }
        sleep(LOOK_EVERY).await;
    }
    let settled_in = began.elapsed();
    sleep(idle.warm_up).await;
    let beats = crowd.beats.load(Ordering::Relaxed);
    let failures = crowd.failures.load(Ordering::Relaxed);
    let full = watch(cluster, idle.window).await?;
    let beats = crowd.beats.load(Ordering::Relaxed) - beats;
    stop.cancel();
    members.join_all().await;
    #[expect(clippy::cast_precision_loss, reason = "a rate to be printed")]
    let beats_a_second = beats as f64 / idle.window.as_secs_f64();
    Ok(Cost {
        settled_in,
        empty,
        full,
        beats_a_second,
        failures: crowd.failures.load(Ordering::Relaxed) - failures,
    })
}

/// Share of one core, and bytes at the end.
async fn watch(cluster: &Cluster, window: Duration) -> Result<(f64, u64)> {
    let Usage { cpu: before, .. } = usage(cluster)?;
    sleep(window).await;
    let Usage {
        cpu,
        resident_bytes,
    } = usage(cluster)?;
    let share = (cpu - before).as_secs_f64() / window.as_secs_f64();
    Ok((share, resident_bytes))
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |(share, bytes): (f64, u64)| {
            format!("{:.1} % of a core, {} MiB", share * 100.0, bytes >> 20)
        };
        write!(
            f,
            "without groups {}; with them {} ({:.0} heartbeats/s, {} failures); settled in {:.1} s",
            line(self.empty),
            line(self.full),
            self.beats_a_second,
            self.failures,
            self.settled_in.as_secs_f64(),
        )
    }
}
