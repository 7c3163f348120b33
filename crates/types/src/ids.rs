//! Names of nodes, topics, partitions, producers and directories.

use std::fmt;
use std::sync::Arc;

use crate::Uuid;

/// A node of the cluster, broker or controller: `node.id`. Zero or more; -1 means "none" on the
/// wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub i32);

impl NodeId {
    /// "No node", -1 on the wire.
    pub const NONE: Self = Self(-1);
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Position of a partition within its topic, from 0.
pub type PartitionIndex = i32;

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// "No id", zeros on the wire.
            pub const ZERO: Self = Self(Uuid::ZERO);
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    };
}

uuid_newtype! {
    /// Names one creation of a topic: a topic deleted and created again has another id (KIP-516).
    TopicId
}
uuid_newtype! {
    /// Names one log directory of one broker (KIP-858), or one voter's disk (KIP-853).
    DirectoryId
}

/// An idempotent producer, given out by the controller in blocks and never twice. -1 means "none".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProducerId(pub i64);

impl ProducerId {
    /// "Not idempotent", -1 on the wire.
    pub const NONE: Self = Self(-1);

    /// Whether the batch comes from an idempotent producer.
    #[must_use]
    pub const fn is_known(self) -> bool {
        self.0 >= 0
    }
}

impl fmt::Display for ProducerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A partition by name, as people read it and as its folder is called: `topic-0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's index.
    pub partition: PartitionIndex,
}

impl TopicPartition {
    /// Puts the two together.
    pub fn new(topic: impl Into<Arc<str>>, partition: PartitionIndex) -> Self {
        Self {
            topic: topic.into(),
            partition,
        }
    }

    /// Reads a folder name back. `None` unless it ends in a dash and a canonical index, which is how
    /// folders that are not partitions are told apart.
    #[must_use]
    pub fn from_dir_name(name: &str) -> Option<Self> {
        let (topic, index) = name.rsplit_once('-')?;
        let partition: PartitionIndex = index.parse().ok()?;
        let canonical = partition >= 0 && partition.to_string() == index && !topic.is_empty();
        canonical.then(|| Self::new(topic, partition))
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_names_come_back_only_when_canonical() {
        let tp = TopicPartition::new("my-topic.x", 12);
        assert_eq!(TopicPartition::from_dir_name(&tp.to_string()), Some(tp));
        for name in ["meta.properties", "t-", "-1", "t-01", "t-1x", "quorum"] {
            assert_eq!(TopicPartition::from_dir_name(name), None, "{name}");
        }
    }
}
