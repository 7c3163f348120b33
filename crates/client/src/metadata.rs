//! The client's picture of the cluster: brokers, and the topics it has asked about.
//!
//! A picture is immutable; a refresh makes a new one from the old one and an answer. Within one
//! topic id a partition's leader epoch never goes backwards, however stale the broker that
//! answered (KIP-320); a topic deleted and created again has another id and starts anew.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use types::{PartitionIndex, Uuid};

use crate::Address;

/// One broker, as it advertises itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// `node.id`.
    pub id: i32,
    /// Where clients shall connect.
    pub address: Address,
    /// `broker.rack`, if set.
    pub rack: Option<String>,
}

/// One topic with all its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Name.
    pub name: Arc<str>,
    /// Id; zeros from brokers before 2.8.
    pub id: Uuid,
    /// Whether the cluster keeps its own state in it.
    pub is_internal: bool,
    /// Partitions by index, 0 upward.
    pub partitions: Vec<Partition>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Index within the topic.
    pub index: PartitionIndex,
    /// The leader's node id, -1 if there is none.
    pub leader: i32,
    /// The leader's epoch, -1 if the broker does not tell.
    pub leader_epoch: i32,
    /// Assigned replicas, preferred leader first.
    pub replicas: Vec<i32>,
    /// Replicas in sync.
    pub isr: Vec<i32>,
    /// Replicas on dead brokers or failed disks.
    pub offline_replicas: Vec<i32>,
}

impl Partition {
    /// Whether a broker leads it.
    #[must_use]
    pub fn has_leader(&self) -> bool {
        self.leader >= 0
    }
}

impl Topic {
    /// The partition with this index.
    #[must_use]
    pub fn partition(&self, index: PartitionIndex) -> Option<&Partition> {
        let position = usize::try_from(index).ok()?;
        self.partitions.get(position).filter(|p| p.index == index)
    }
}

/// What a broker that does not lead a partition says about who does (KIP-951).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hint {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: PartitionIndex,
    pub(crate) leader: i32,
    pub(crate) leader_epoch: i32,
    /// Where the leader is, if the broker told.
    pub(crate) broker: Option<Broker>,
}

/// The whole picture.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    /// The cluster's id, if the broker tells.
    pub cluster_id: Option<String>,
    /// Where to send what needs the controller; -1 if unknown.
    pub controller_id: i32,
    /// Live brokers by id.
    pub brokers: BTreeMap<i32, Broker>,
    /// Topics asked about.
    pub topics: HashMap<Arc<str>, Arc<Topic>>,
}

impl Cluster {
    /// A topic's name by its id, for answers that name topics by id only.
    #[must_use]
    pub fn topic_by_id(&self, id: &Uuid) -> Option<&Arc<Topic>> {
        self.topics.values().find(|topic| topic.id == *id)
    }

    /// This picture with another leader of one partition. `None` if the hint is no news, or names a
    /// broker whose address nobody knows.
    #[must_use]
    pub(crate) fn with_leader(&self, hint: &Hint) -> Option<Self> {
        let topic = self.topics.get(&hint.topic)?;
        let known = topic.partition(hint.partition)?;
        let is_news = hint.leader >= 0 && hint.leader_epoch > known.leader_epoch;
        let is_reachable = hint.broker.is_some() || self.brokers.contains_key(&hint.leader);
        if !is_news || !is_reachable {
            return None;
        }
        let mut topic = Topic::clone(topic);
        let index = usize::try_from(hint.partition).ok()?;
        let partition = topic.partitions.get_mut(index)?;
        (partition.leader, partition.leader_epoch) = (hint.leader, hint.leader_epoch);
        let mut newer = self.clone();
        newer
            .topics
            .insert(Arc::clone(&hint.topic), Arc::new(topic));
        if let Some(broker) = &hint.broker {
            newer.brokers.insert(broker.id, broker.clone());
        }
        Some(newer)
    }

    /// This picture with an answer laid over it: brokers replaced, topics of the answer added or
    /// replaced, topics the answer says do not exist taken out.
    #[must_use]
    pub(crate) fn updated(&self, answer: Self, gone: &[String]) -> Self {
        let mut topics = self.topics.clone();
        for name in gone {
            topics.remove(name.as_str());
        }
        for (name, topic) in answer.topics {
            let merged = match topics.get(&name) {
                Some(old) if old.id == topic.id => Arc::new(keep_newer_epochs(old, &topic)),
                _ => topic,
            };
            topics.insert(name, merged);
        }
        Self {
            cluster_id: answer.cluster_id.or_else(|| self.cluster_id.clone()),
            controller_id: answer.controller_id,
            brokers: answer.brokers,
            topics,
        }
    }
}

fn keep_newer_epochs(old: &Topic, new: &Topic) -> Topic {
    let mut merged = new.clone();
    for partition in &mut merged.partitions {
        if let Some(known) = old.partition(partition.index)
            && known.leader_epoch > partition.leader_epoch
            && partition.leader_epoch >= 0
        {
            *partition = known.clone();
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(id: u8, leader: i32, leader_epoch: i32) -> Cluster {
        let name: Arc<str> = "t".into();
        let topic = Topic {
            name: Arc::clone(&name),
            id: Uuid::from_bytes([id; 16]),
            is_internal: false,
            partitions: vec![Partition {
                index: 0,
                leader,
                leader_epoch,
                replicas: vec![1, 2],
                isr: vec![1, 2],
                offline_replicas: vec![],
            }],
        };
        Cluster {
            topics: HashMap::from([(name, Arc::new(topic))]),
            ..Cluster::default()
        }
    }

    fn leader(cluster: &Cluster) -> i32 {
        cluster.topics["t"].partitions[0].leader
    }

    #[test]
    fn a_stale_answer_does_not_bring_an_old_leader_back() {
        let now = topic(1, 2, 5).updated(topic(1, 1, 4), &[]);
        assert_eq!(leader(&now), 2);
        assert_eq!(leader(&now.updated(topic(1, 3, 6), &[])), 3);
    }

    #[test]
    fn a_hint_moves_the_leader_only_forward_and_only_to_a_known_address() {
        let broker = |id| Broker {
            id,
            address: Address::new("h", 1),
            rack: None,
        };
        let hint = |leader, leader_epoch, broker| Hint {
            topic: "t".into(),
            partition: 0,
            leader,
            leader_epoch,
            broker,
        };
        let now = topic(1, 1, 5);
        assert!(now.with_leader(&hint(2, 6, None)).is_none());
        assert!(now.with_leader(&hint(2, 5, Some(broker(2)))).is_none());
        let moved = now.with_leader(&hint(2, 6, Some(broker(2))));
        let moved = moved.expect("news");
        assert_eq!((leader(&moved), moved.brokers.len()), (2, 1));
        assert!(moved.with_leader(&hint(-1, 7, None)).is_none());
    }

    #[test]
    fn a_recreated_topic_starts_anew() {
        let now = topic(1, 2, 5).updated(topic(9, 1, 0), &[]);
        assert_eq!(leader(&now), 1);
    }

    #[test]
    fn a_deleted_topic_is_forgotten() {
        let now = topic(1, 2, 5).updated(Cluster::default(), &["t".to_owned()]);
        assert!(now.topics.is_empty());
    }
}
