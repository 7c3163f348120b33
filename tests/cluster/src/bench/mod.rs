//! Numbers of groups, the same for Apache Kafka and for Raudal: what a thousand idle groups cost, and
//! how long partitions are left alone when somebody dies.

pub mod failover;
pub mod idle;

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::cluster::Cluster;

/// What the brokers have used so far and hold now.
#[derive(Debug, Clone, Copy, Default)]
struct Usage {
    cpu: Duration,
    resident_bytes: u64,
}

/// Sums over all brokers, from `/proc`.
fn usage(cluster: &Cluster) -> Result<Usage> {
    let mut sum = Usage::default();
    for id in cluster.brokers() {
        let pid = cluster.pid(id).context("a broker does not run")?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let (_, fields) = stat.rsplit_once(')').context("no stat")?;
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
        sum.cpu += Duration::from_secs(1) * u32::try_from(ticks)? / TICKS_A_SECOND;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        sum.resident_bytes += kib.context("no VmRSS")?.parse::<u64>()? * 1024;
    }
    Ok(sum)
}

/// `USER_HZ` of Linux on all machines of ours.
const TICKS_A_SECOND: u32 = 100;
