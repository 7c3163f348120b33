//! What the active controller decides, as pure functions: an image and a request in, records and an
//! answer out.
//!
//! ```text
//! newest image ──┐
//! request ───────┼─▶ decide ─▶ Decision { records, response }
//! settings, rng ─┘                 │          └─▶ sent once the records are committed
//!                                  └─▶ one Raft entry, replayed by every node
//! ```
//!
//! Nothing here reads a clock, draws a random number of its own or knows Kafka's error codes; those
//! are mapped in [`crate::api`]. The image may hold records that are not committed yet: the single
//! writer evaluates the next request against what the former ones will have made of the cluster, and
//! throws all of it away if their entry fails. The one thing a function must not take from such an
//! image is the epoch of a registration that is still in flight, so sessions start at commit.
//!
//! Every decision's records replay onto the image it was made on. A function that refuses returns no
//! records.

mod alter_configs;
mod alter_partition;
mod assign_directories;
mod bootstrap;
mod config_owner;
mod create_partitions;
mod create_topics;
mod delete_topics;
mod effective;
mod elect_leaders;
mod features;
mod liveness;
mod partition_change;
mod placement;
mod producer_ids;
mod reassignments;
mod registration;
mod topic_name;
mod upkeep;

use metadata::{MetadataRecord, v1};
use types::{NodeId, Uuid};

pub use alter_configs::{
    Edit, EditKind, Refusal as ConfigRefusal, Resource, alter_configs, incremental_alter_configs,
};
pub use alter_partition::{Sender, alter_partition};
pub use assign_directories::assign_directories;
pub use bootstrap::{Activation, ActivationError, activate};
pub use create_partitions::{Refusal as CreatePartitionsRefusal, create_partitions};
pub use create_topics::{Created, Refusal as CreateTopicRefusal, create_topics};
pub use delete_topics::{Deleted, Refusal as DeleteTopicRefusal, Target, delete_topics};
pub use elect_leaders::{Election, Refusal as ElectionRefusal, elect_leaders};
pub use features::{
    FeatureUpdate, Reason as FeatureReason, Refusal as FeatureRefusal, UpgradeKind, update_features,
};
pub use liveness::{HeartbeatRefusal, fence, heartbeat, unregister_broker};
pub use placement::AssignmentRefusal;
pub use producer_ids::{BLOCK_LEN, allocate_producer_ids};
pub use reassignments::{
    Ongoing, Reassignment, Refusal as ReassignmentRefusal, alter_partition_reassignments,
    list_partition_reassignments,
};
pub use registration::{Registered, RegistrationRefusal, register_broker};
pub use topic_name::{InvalidName, check_topic_name};
pub use upkeep::{
    Offline, balance_leaders, elect_unclean, grow_internal_topics, offline, relieve_draining,
};

/// What was decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<R> {
    /// The records to propose, in order; none if nothing is to change.
    pub records: Vec<MetadataRecord>,
    /// The answer. It may be given only after the records are committed.
    pub response: R,
}

impl<R> Decision<R> {
    /// An answer that changes nothing.
    pub const fn only(response: R) -> Self {
        Self {
            records: Vec::new(),
            response,
        }
    }
}

/// One answer of several, and the topic it is about.
pub type Answers<T, E> = Vec<(protocol::Str, Result<T, E>)>;

/// What a controller knows from its own configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `num.partitions`: partitions of a topic created without a count.
    pub num_partitions: i32,
    /// `default.replication.factor`: replicas of a topic created without a count.
    pub default_replication_factor: i16,
    /// `delete.topic.enable`.
    pub delete_topic_enable: bool,
    /// Partitions that one request may create; Kafka's limit is 10,000.
    pub partitions_per_request_max: usize,
    /// When leaders change without a broker coming or going.
    pub elections: config::server::Elections,
    /// Everything in the controller's own file, for the defaults of topics.
    pub file: config::Properties,
}

impl Settings {
    /// Partitions that one request may create, unless set otherwise.
    pub const PARTITIONS_PER_REQUEST_MAX: usize = 10_000;

    /// The settings in a server's configuration.
    #[must_use]
    pub fn of(server: &config::server::ServerConfig) -> Self {
        let factor = server.topics.default_replication_factor;
        Self {
            num_partitions: server.topics.num_partitions,
            default_replication_factor: i16::try_from(factor).unwrap_or(i16::MAX),
            delete_topic_enable: server.topics.delete_topic_enable,
            partitions_per_request_max: Self::PARTITIONS_PER_REQUEST_MAX,
            elections: server.elections.clone(),
            file: server.properties.clone(),
        }
    }
}

/// A new id that no topic has.
fn new_uuid(random: &mut dyn rand::Rng) -> Uuid {
    loop {
        let mut bytes = [0; 16];
        random.fill_bytes(&mut bytes);
        // One draw in 64 would print with a leading dash and is drawn again.
        if let Some(id) = Uuid::from_random(bytes) {
            return id;
        }
    }
}

fn id_bytes(id: Uuid) -> bytes::Bytes {
    bytes::Bytes::copy_from_slice(id.as_bytes())
}

fn node_list(nodes: &[NodeId]) -> v1::NodeList {
    nodes.to_vec().into()
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
