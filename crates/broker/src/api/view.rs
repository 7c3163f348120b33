//! The cluster as one listener's clients see it: live brokers with an address there, partitions with
//! an error where one stands in the way. Shared by the APIs that list topics.

use std::sync::Arc;

use metadata::{BrokerRegistration, MetadataImage, PartitionRegistration};
use protocol::Str;
use types::{ErrorCode, NodeId};

/// An image as clients of one listener see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) image: &'a MetadataImage,
    /// The listener's name.
    pub(super) listener: &'a str,
}

/// Where clients of the listener reach a broker.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) host: Str,
    pub(super) port: i32,
    pub(super) rack: Option<Str>,
}

impl<'a> View<'a> {
    /// Brokers in service that have an address on the listener.
    pub(super) fn brokers(self) -> impl Iterator<Item = (&'a BrokerRegistration, Address)> {
        self.brokers_and(&|_| false)
    }

    /// Brokers in service, and some that are not, that have an address on the listener.
    pub(super) fn brokers_and(
        self,
        also: &dyn Fn(NodeId) -> bool,
    ) -> impl Iterator<Item = (&'a BrokerRegistration, Address)> {
        let brokers = self.image.brokers();
        let listed = brokers.filter(move |broker| !broker.fenced || also(broker.id));
        listed.filter_map(move |broker| Some((&**broker, self.address(broker)?)))
    }

    /// Where clients of the listener reach that broker, in service or not.
    pub(super) fn address(self, broker: &BrokerRegistration) -> Option<Address> {
        let listener = broker.listener(self.listener)?;
        Some(Address {
            host: listener.host.as_ref().into(),
            port: i32::from(listener.port),
            rack: broker.rack.as_deref().map(Str::from),
        })
    }

    /// A broker in service, for "who is the controller": the real one speaks no Kafka to clients, and
    /// every broker forwards to it. `turn` spreads the load.
    pub(super) fn some_broker(self, turn: usize) -> NodeId {
        let ids: Vec<NodeId> = self.brokers().map(|(broker, _)| broker.id).collect();
        let chosen = turn.checked_rem(ids.len()).and_then(|i| ids.get(i));
        chosen.copied().unwrap_or(NodeId::NONE)
    }

    /// Whether a broker is in service.
    pub(super) fn is_in_service(self, id: NodeId) -> bool {
        self.image.broker(id).is_some_and(|broker| !broker.fenced)
    }

    /// What stands in the way of using the partition, and the leader to name.
    pub(super) fn leadership(
        self,
        partition: &PartitionRegistration,
        knows_listener_not_found: bool,
    ) -> (ErrorCode, NodeId) {
        let Some(leader) = partition.leader else {
            return (ErrorCode::LeaderNotAvailable, NodeId::NONE);
        };
        let Some(broker) = self.image.broker(leader).filter(|broker| !broker.fenced) else {
            return (ErrorCode::LeaderNotAvailable, NodeId::NONE);
        };
        match (broker.listener(self.listener), knows_listener_not_found) {
            (Some(_), _) => (ErrorCode::None, leader),
            (None, true) => (ErrorCode::ListenerNotFound, leader),
            (None, false) => (ErrorCode::LeaderNotAvailable, leader),
        }
    }

    /// Replicas on brokers out of service, or on directories that their broker has lost.
    pub(super) fn offline_replicas(self, partition: &PartitionRegistration) -> Vec<i32> {
        let is_offline = |id: &NodeId| match self.image.broker(*id) {
            Some(broker) => broker.fenced || has_lost(broker, partition),
            None => true,
        };
        let offline = partition.replicas.iter().filter(|id| is_offline(id));
        offline.map(|id| id.0).collect()
    }
}

/// Whether the broker has no longer the directory that its replica is assigned to.
fn has_lost(broker: &Arc<BrokerRegistration>, partition: &PartitionRegistration) -> bool {
    /// Kafka's reserved ids: unassigned, lost, migrating. Only the second one means offline.
    const RESERVED: u128 = 100;
    let assigned = partition.directory_of(broker.id);
    let number = u128::from_be_bytes(*assigned.0.as_bytes());
    number > RESERVED && !broker.log_dirs.contains(&assigned)
}

/// Node ids as they stand on the wire.
pub(super) fn numbers(nodes: &[NodeId]) -> Vec<i32> {
    nodes.iter().map(|node| node.0).collect()
}

/// Topics that the cluster keeps for itself.
pub(super) fn is_internal(name: &str) -> bool {
    matches!(
        name,
        "__consumer_offsets" | "__transaction_state" | "__share_group_state"
    )
}

/// The code for a topic that does not exist: its name may be one that cannot.
pub(super) fn missing(name: &str) -> ErrorCode {
    if name_problem(name).is_some() {
        ErrorCode::InvalidTopicException
    } else {
        ErrorCode::UnknownTopicOrPartition
    }
}

/// What is wrong with a topic's name, in Kafka's words.
pub(super) fn name_problem(name: &str) -> Option<String> {
    const LEN_MAX: usize = 249;
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() {
        return Some("Topic name is invalid: the empty string is not allowed".to_owned());
    }
    if matches!(name, "." | "..") {
        return Some(format!("Topic name is invalid: '{name}' is not allowed"));
    }
    if name.len() > LEN_MAX {
        return Some(format!(
            "Topic name is invalid: the length of '{name}' is longer than the max allowed length \
             {LEN_MAX}"
        ));
    }
    (!name.chars().all(is_legal)).then(|| {
        format!(
            "Topic name is invalid: '{name}' contains one or more characters other than ASCII \
             alphanumerics, '.', '_' and '-'"
        )
    })
}

/// What everybody may do while there is no authorizer, as Kafka's bit fields.
pub(super) mod operations {
    /// "Not asked for."
    pub(crate) const OMITTED: i32 = i32::MIN;
    /// Read, write, create, delete, alter, describe, and configs both ways.
    pub(crate) const TOPIC: i32 = 0b1101_1111_1000;
    /// Read, delete, describe, configs both ways.
    pub(crate) const GROUP: i32 = 0b1101_0100_1000;
    /// Create, alter, describe, cluster action, configs both ways, idempotent write.
    pub(crate) const CLUSTER: i32 = 0b1_1111_1010_0000;

    /// The bit field, if it was asked for.
    pub(crate) const fn if_asked(asked: bool, field: i32) -> i32 {
        if asked { field } else { OMITTED }
    }
}
