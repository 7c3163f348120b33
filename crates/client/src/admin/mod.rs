//! Administration: one method per question or order, typed answers, Kafka's errors kept.
//!
//! Answers about several items come item by item: one refused topic does not hide the others.

mod brokers;
mod configs;
mod elections;
mod groups;
mod offsets;
mod quorum;
mod reassignments;
mod topics;

use bytes::Bytes;
use protocol::Request;

pub use brokers::{ClusterDescription, DescribedBroker, LogDir, ReplicaSize};
pub use configs::{AlterOp, ConfigEntry, ConfigSource, ConfigSynonym, Resource, ResourceKind};
pub use elections::Election;
pub use groups::{
    CommittedOffset, GroupDescription, GroupFilter, GroupListing, GroupMember, GroupType,
    ListedGroup, NewOffset,
};
pub use offsets::{FoundOffset, OffsetSpec};
pub use quorum::{QuorumDescription, QuorumListener, QuorumReplica};
pub use reassignments::Reassignment;
pub use topics::{CreatedTopic, NewTopic, PartitionDetail, TopicDetail};

use crate::ask::Whom;
use crate::{BrokerVersions, Client, Result};

/// Orders and questions to a cluster. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Admin {
    client: Client,
}

impl Admin {
    /// On a connected client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// The client underneath.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What one broker speaks, or any broker if none is named.
    ///
    /// # Errors
    /// The broker cannot be reached.
    pub async fn api_versions(&self, node_id: Option<i32>) -> Result<BrokerVersions> {
        let connection = self.client.connection(Whom::node_or_any(node_id)).await?;
        Ok(connection.versions.clone())
    }

    /// Sends any request to one broker, or any broker if none is named, in the highest common
    /// version, and returns the answer. For what has no method here.
    ///
    /// # Errors
    /// Connection errors; error codes inside the answer are the caller's to read.
    pub async fn raw<R: Request>(&self, node_id: Option<i32>, request: &R) -> Result<R::Response> {
        let whom = Whom::node_or_any(node_id);
        let (_version, response) = self
            .client
            .ask(whom, |_version| request.clone(), |_| Ok(()))
            .await?;
        Ok(response)
    }

    /// Sends any request in a version of the caller's choice; returns the answer as it came, its
    /// correlation id in front.
    ///
    /// # Errors
    /// Connection errors, and a request that cannot be written in that version.
    pub async fn raw_bytes<R: Request>(
        &self,
        node_id: Option<i32>,
        request: &R,
        version: i16,
    ) -> Result<Bytes> {
        let connection = self.client.connection(Whom::node_or_any(node_id)).await?;
        connection.request_bytes(request, version).await
    }

    fn timeout_ms(&self) -> i32 {
        let timeout = self.client.config().request_timeout;
        i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
    }
}

fn text(value: Option<&protocol::Str>) -> Option<String> {
    value.map(ToString::to_string)
}
