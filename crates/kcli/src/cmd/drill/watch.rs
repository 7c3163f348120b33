//! The cluster as its surviving brokers tell it, asked many times a second: who leads, who is in
//! sync, who is there. Only changes are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use client::{Address, Admin, Client, Settings};
use protocol::Str;
use protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseTopic,
};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::event::{Event, What};
use crate::output::note;

const LOOK_EVERY: Duration = Duration::from_millis(10);
const QUORUM_EVERY: Duration = Duration::from_millis(100);
/// A broker that does not answer for so long is left for another one.
const ANSWER_MAX: Duration = Duration::from_millis(400);
/// More changes than this are not told.
const EVENTS_MAX: usize = 10_000;

/// What the brokers say now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Picture {
    /// Unfenced brokers.
    pub(super) brokers: BTreeSet<i32>,
    /// Partitions of the topic.
    pub(super) partitions: BTreeMap<i32, PartitionPicture>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartitionPicture {
    pub(super) leader: i32,
    pub(super) epoch: i32,
    pub(super) isr: Vec<i32>,
    pub(super) replicas: usize,
}

impl Picture {
    /// Whether every replica is in sync and led.
    pub(super) fn is_whole(&self) -> bool {
        let is_whole = |p: &PartitionPicture| p.leader >= 0 && p.isr.len() == p.replicas;
        !self.partitions.is_empty() && self.partitions.values().all(is_whole)
    }

    /// What is different in `now`.
    pub(super) fn changes_to(&self, now: &Self) -> Vec<What> {
        let mut changes = Vec::new();
        if *self == Self::default() {
            return changes;
        }
        let gone = self.brokers.difference(&now.brokers);
        changes.extend(gone.map(|id| What::Fenced { node: *id }));
        let back = now.brokers.difference(&self.brokers);
        changes.extend(back.map(|id| What::Unfenced { node: *id }));
        for (partition, is) in &now.partitions {
            let Some(was) = self.partitions.get(partition) else {
                continue;
            };
            // A broker that lags behind the others tells old news.
            if is.epoch < was.epoch {
                continue;
            }
            if is.leader != was.leader {
                changes.push(What::Leader {
                    partition: *partition,
                    from: was.leader,
                    to: is.leader,
                    epoch: is.epoch,
                });
            }
            let sorted = |isr: &[i32]| {
                let mut isr = isr.to_vec();
                isr.sort_unstable();
                isr
            };
            if sorted(&is.isr) != sorted(&was.isr) {
                changes.push(What::Isr {
                    partition: *partition,
                    isr: sorted(&is.isr),
                });
            }
        }
        if now.is_whole() && !self.is_whole() {
            changes.push(What::Whole);
        }
        changes
    }

    fn of(response: &MetadataResponse) -> Option<Self> {
        let topic = response
            .topics
            .first()
            .filter(|topic| topic.error_code == 0)?;
        let partitions = topic.partitions.iter().map(|partition| {
            let picture = PartitionPicture {
                leader: partition.leader_id,
                epoch: partition.leader_epoch,
                isr: partition.isr_nodes.clone(),
                replicas: partition.replica_nodes.len(),
            };
            (partition.partition_index, picture)
        });
        let brokers = response.brokers.iter().map(|broker| broker.node_id);
        Some(Self {
            brokers: brokers.filter(|id| !is_out(topic, *id)).collect(),
            partitions: partitions.collect(),
        })
    }
}

/// Whether a broker that is listed is out of service all the same: brokers may list one that was fenced a
/// little longer, but none of its replicas is online.
fn is_out(topic: &MetadataResponseTopic, broker: i32) -> bool {
    let mut hosted = topic
        .partitions
        .iter()
        .filter(|partition| partition.replica_nodes.contains(&broker))
        .peekable();
    hosted.peek().is_some() && hosted.all(|one| one.offline_replicas.contains(&broker))
}

/// Whom to ask, and since when time counts.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    pub(super) settings: Settings,
    /// Brokers to ask, the likeliest survivors first.
    pub(super) addresses: Vec<Address>,
    pub(super) topic: String,
    pub(super) zero: Instant,
    pub(super) stop: CancellationToken,
    pub(super) is_quiet: bool,
}

impl Watch {
    /// Watches brokers and partitions until stopped.
    pub(super) async fn cluster(self, current: watch::Sender<Picture>) -> Vec<Event> {
        let mut events = Vec::new();
        let mut last = Picture::default();
        let mut admin: Option<Admin> = None;
        let mut next_address = 0;
        let request = MetadataRequest {
            topics: Some(vec![MetadataRequestTopic {
                name: Some(Str::from(self.topic.as_str())),
                ..MetadataRequestTopic::default()
            }]),
            ..MetadataRequest::default()
        };
        while !self.stop.is_cancelled() {
            let Some(asked) = &admin else {
                admin = self.connect(next_address).await;
                next_address += 1;
                if admin.is_none() {
                    self.pause(LOOK_EVERY).await;
                }
                continue;
            };
            match timeout(ANSWER_MAX, asked.raw(None, &request)).await {
                Ok(Ok(response)) => {
                    if let Some(now) = Picture::of(&response) {
                        self.tell(last.changes_to(&now), &mut events);
                        last = now.clone();
                        current.send_replace(now);
                    }
                }
                Ok(Err(_)) | Err(_) => admin = None,
            }
            self.pause(LOOK_EVERY).await;
        }
        events
    }

    /// Watches who the active controller is, until stopped.
    pub(super) async fn quorum(self) -> Vec<Event> {
        let mut events = Vec::new();
        let (mut last, mut admin, mut next_address) = (None, None, 0);
        while !self.stop.is_cancelled() {
            let Some(asked) = &admin else {
                admin = self.connect(next_address).await;
                next_address += 1;
                if admin.is_none() {
                    self.pause(QUORUM_EVERY).await;
                }
                continue;
            };
            match timeout(ANSWER_MAX, Admin::describe_quorum(asked)).await {
                Ok(Ok(quorum)) if quorum.leader_id >= 0 => {
                    let now = (quorum.leader_id, quorum.leader_epoch);
                    if last.is_some_and(|last| last != now) {
                        let what = What::Controller {
                            node: quorum.leader_id,
                            epoch: quorum.leader_epoch,
                        };
                        self.tell(vec![what], &mut events);
                    }
                    last = Some(now);
                }
                Ok(Ok(_)) => {}
                Ok(Err(_)) | Err(_) => admin = None,
            }
            self.pause(QUORUM_EVERY).await;
        }
        events
    }

    async fn connect(&self, nth: usize) -> Option<Admin> {
        let address = self.addresses.get(nth % self.addresses.len().max(1))?;
        let mut config = self.settings.client.clone();
        config.bootstrap = vec![address.clone()];
        config.connect_timeout = ANSWER_MAX;
        config.request_timeout = ANSWER_MAX;
        config.api_timeout = ANSWER_MAX;
        let connected = timeout(ANSWER_MAX, Client::connect(config)).await;
        connected.ok()?.ok().map(Admin::new)
    }

    async fn pause(&self, time: Duration) {
        // Whichever comes first; the loop looks at both.
        drop(timeout(time, self.stop.cancelled()).await);
    }

    fn tell(&self, changes: Vec<What>, events: &mut Vec<Event>) {
        let at = self.zero.elapsed();
        for what in changes {
            if events.len() >= EVENTS_MAX {
                return;
            }
            let event = Event { at, what };
            if !self.is_quiet {
                note(&event.to_string());
            }
            events.push(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::messages::metadata::{MetadataResponseBroker, MetadataResponsePartition};

    use super::*;

    fn picture(brokers: &[i32], leader: i32, epoch: i32, isr: &[i32]) -> Picture {
        let partition = PartitionPicture {
            leader,
            epoch,
            isr: isr.to_vec(),
            replicas: 3,
        };
        Picture {
            brokers: brokers.iter().copied().collect(),
            partitions: BTreeMap::from([(0, partition)]),
        }
    }

    #[test]
    fn a_failover_is_told_in_its_parts() {
        let before = picture(&[1, 2, 3], 1, 5, &[1, 2, 3]);
        let after = picture(&[2, 3], 2, 6, &[3, 2]);
        let expected = [
            What::Fenced { node: 1 },
            What::Leader {
                partition: 0,
                from: 1,
                to: 2,
                epoch: 6,
            },
            What::Isr {
                partition: 0,
                isr: vec![2, 3],
            },
        ];
        assert_eq!(before.changes_to(&after), expected);
        let healed = picture(&[1, 2, 3], 2, 6, &[3, 2, 1]);
        let last = after.changes_to(&healed).pop();
        assert_eq!(last, Some(What::Whole));
    }

    #[test]
    fn a_fenced_broker_that_is_listed_a_little_longer_is_gone() {
        let listed = |node_id| MetadataResponseBroker {
            node_id,
            ..MetadataResponseBroker::default()
        };
        let partition = |offline: &[i32]| MetadataResponsePartition {
            replica_nodes: vec![1, 2],
            offline_replicas: offline.to_vec(),
            ..MetadataResponsePartition::default()
        };
        let brokers = |partitions| {
            let topic = MetadataResponseTopic {
                partitions,
                ..MetadataResponseTopic::default()
            };
            let response = MetadataResponse {
                brokers: vec![listed(1), listed(2), listed(3)],
                topics: vec![topic],
                ..MetadataResponse::default()
            };
            let picture = Picture::of(&response).expect("a picture");
            picture.brokers.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(brokers(vec![partition(&[1]), partition(&[1])]), [2, 3]);
        // One of its disks has failed.
        assert_eq!(brokers(vec![partition(&[1]), partition(&[])]), [1, 2, 3]);
    }

    #[test]
    fn old_news_of_a_broker_that_lags_is_no_change() {
        let new = picture(&[1, 2, 3], 2, 6, &[2, 3]);
        let old = picture(&[1, 2, 3], 1, 5, &[1, 2, 3]);
        assert!(
            !new.changes_to(&old)
                .iter()
                .any(|what| matches!(what, What::Leader { .. }))
        );
    }

    #[test]
    fn the_first_picture_is_no_change() {
        let changes = Picture::default().changes_to(&picture(&[1], 1, 5, &[1, 2, 3]));
        assert!(changes.is_empty(), "{changes:?}");
    }
}
