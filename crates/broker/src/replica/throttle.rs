//! Replication quotas: how fast replicas that are behind may catch up (KIP-73).
//!
//! A topic names the replicas that are throttled, a broker has a rate. The leader's side counts what it
//! reads for them, the follower's side what it takes; records that replicas in sync get as they come are
//! never held back.

use std::time::Duration;

use metadata::{MetadataImage, ResourceKind};
use parking_lot::Mutex;
use tokio::time::Instant;
use types::{NodeId, TopicPartition};

use crate::state::Core;

/// The longest pause at once: the rate may change meanwhile.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// One side's quota on this broker. Shared by all streams; a leaf lock.
#[derive(Debug)]
pub(crate) struct Throttle {
    rate_key: &'static str,
    replicas_key: &'static str,
    debt: Mutex<Option<Debt>>,
}

/// What was moved and is not paid for yet.
#[derive(Clone, Copy, Debug)]
struct Debt {
    bytes: u64,
    since: Instant,
}

impl Throttle {
    pub(super) fn of_leader() -> Self {
        Self {
            rate_key: "leader.replication.throttled.rate",
            replicas_key: "leader.replication.throttled.replicas",
            debt: Mutex::new(None),
        }
    }

    pub(super) fn of_follower() -> Self {
        Self {
            rate_key: "follower.replication.throttled.rate",
            replicas_key: "follower.replication.throttled.replicas",
            debt: Mutex::new(None),
        }
    }

    /// How long the partition has to wait; `None` if it may go on.
    pub(super) fn pause(&self, core: &Core, partition: &TopicPartition) -> Option<Duration> {
        // Without a debt there is nothing to look up.
        let debt = (*self.debt.lock())?;
        let rate = self.rate(core, partition)?;
        let paid = debt.since.elapsed();
        let due = time_for(debt.bytes, rate);
        due.checked_sub(paid)
            .filter(|pause| !pause.is_zero())
            .map(|pause| pause.min(PAUSE_MAX))
    }

    /// So much of a partition was moved.
    pub(super) fn spend(&self, core: &Core, partition: &TopicPartition, bytes: usize) {
        let Some(rate) = self.rate(core, partition) else {
            return;
        };
        let now = Instant::now();
        let mut debt = self.debt.lock();
        let rest = debt.map_or(0, |debt| {
            let paid = bytes_in(now.saturating_duration_since(debt.since), rate);
            debt.bytes.saturating_sub(paid)
        });
        *debt = Some(Debt {
            bytes: rest.saturating_add(bytes as u64),
            since: now,
        });
    }

    /// Bytes a second, if this broker's replica of the partition is throttled at all.
    fn rate(&self, core: &Core, partition: &TopicPartition) -> Option<u64> {
        let image = core.image();
        let replicas = image.config(ResourceKind::Topic, &partition.topic, self.replicas_key)?;
        if !names(replicas, partition.partition, core.node_id()) {
            return None;
        }
        broker_config(&image, core.node_id(), self.rate_key)?
            .parse()
            .ok()
    }
}

fn broker_config<'a>(image: &'a MetadataImage, node: NodeId, key: &str) -> Option<&'a str> {
    image
        .config(ResourceKind::Broker, &node.to_string(), key)
        .or_else(|| image.config(ResourceKind::Broker, "", key))
}

/// Whether a list such as `0:1,0:2`, or `*`, names the replica.
fn names(list: &str, index: i32, node: NodeId) -> bool {
    list.split(',').map(str::trim).any(|item| {
        let pair = item.split_once(':');
        item == "*" || pair.is_some_and(|(i, n)| i.parse() == Ok(index) && n.parse() == Ok(node.0))
    })
}

fn time_for(bytes: u64, rate: u64) -> Duration {
    let micros = u128::from(bytes) * 1_000_000 / u128::from(rate.max(1));
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

fn bytes_in(time: Duration, rate: u64) -> u64 {
    let bytes = time.as_micros().saturating_mul(u128::from(rate)) / 1_000_000;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_replicas_one_by_one_or_all() {
        let is_named = |list| names(list, 3, NodeId(12));
        assert!(is_named("*") && is_named("3:12") && is_named("0:1, 3:12"));
        assert!(!is_named("") && !is_named("12:3") && !is_named("3:1") && !is_named("3:123"));
    }

    #[test]
    fn a_debt_takes_its_time() {
        assert_eq!(time_for(1 << 20, 1 << 20), Duration::from_secs(1));
        assert_eq!(bytes_in(Duration::from_millis(500), 1000), 500);
        assert!(time_for(1, 0) >= Duration::from_secs(1));
        assert_eq!(bytes_in(Duration::MAX, u64::MAX), u64::MAX);
    }
}
