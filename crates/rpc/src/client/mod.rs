//! How a broker speaks with the controllers.

mod attempts;
mod config;
mod convert;
mod pool;
mod session;
mod tail;
mod words;

use std::sync::Arc;
use std::time::Duration;

use tonic::{Request, Status};
use types::{BrokerEpoch, NodeId, Offset, ProducerId};

use crate::Error;
use crate::alter_partitions::{self, PartitionAnswer, PartitionUpdate};
use crate::assign_directories::{self, DirectoryAnswer, DirectoryAssignment};
use crate::proto::control::v1 as wire;
use attempts::Attempts;
use pool::{Lane, Pool, Stub};

pub(crate) use convert::registration_to_wire;
pub(crate) use convert::uuid_to_wire;

pub use config::{ClientConfig, ControllerEndpoint};
pub use session::BrokerSession;
pub use tail::{MetadataTail, TailEvent};
pub use words::{
    ForwardRequest, Forwarded, HeartbeatAnswer, HeartbeatState, ImageHash, ProducerIdBlock,
    QuorumDescription, Registered, Registration, ReplicaProgress,
};

/// Finds the active controller, follows it when it moves, and tries again until a deadline.
///
/// Cheap to clone; all clones share their connections and what they know of the active controller.
/// Needs a tokio runtime for its connections. A call that times out may have been carried out:
/// requests are repeated after a broken connection, as Kafka's brokers do.
#[derive(Debug, Clone)]
pub struct ControllerClient {
    pool: Arc<Pool>,
}

impl ControllerClient {
    /// Knows the controllers by `endpoints`, which must not be empty, and learns of others by hints.
    /// Opens no connection yet.
    #[must_use]
    pub fn new(endpoints: Vec<ControllerEndpoint>, config: ClientConfig) -> Self {
        assert!(!endpoints.is_empty(), "a client needs a controller to ask");
        Self {
            pool: Arc::new(Pool::new(endpoints, config)),
        }
    }

    /// Registers one start of a broker. On success the registration is committed; its epoch is the
    /// metadata offset that the broker has to reach before it is unfenced.
    ///
    /// # Errors
    /// `DuplicateBrokerRegistration` while another process holds the id, `InconsistentClusterId`,
    /// [`Error::NoController`] after `timeout`.
    ///
    /// # Cancel safety
    /// A dropped call may or may not have registered; registering again is harmless.
    pub async fn register(
        &self,
        registration: &Registration,
        timeout: Duration,
    ) -> Result<Registered, Error> {
        let request = registration_to_wire(registration);
        let reply = self
            .call(timeout, |mut stub, bound| {
                let request = bounded(request.clone(), bound);
                async move { stub.register(request).await }
            })
            .await?;
        Ok(Registered {
            broker_epoch: BrokerEpoch(reply.broker_epoch),
            cluster_id: reply.cluster_id,
        })
    }

    /// The heartbeats of one registration. Opens its stream with the first heartbeat.
    #[must_use]
    pub fn session(&self, broker_id: NodeId, broker_epoch: BrokerEpoch) -> BrokerSession {
        BrokerSession::new(Arc::clone(&self.pool), broker_id, broker_epoch)
    }

    /// Committed metadata from `from_offset` on: the last applied offset plus one, or 0 for
    /// everything. `observer` is the broker that reads, or [`NodeId::NONE`].
    #[must_use]
    pub fn tail(&self, from_offset: Offset, observer: NodeId) -> MetadataTail {
        MetadataTail::new(Arc::clone(&self.pool), from_offset, observer)
    }

    /// Hands a client's admin request to the active controller.
    ///
    /// # Errors
    /// [`Error::NoController`] after `timeout`. Refusals in Kafka's words are inside the body.
    ///
    /// # Cancel safety
    /// A dropped call may have been carried out.
    pub async fn forward(
        &self,
        request: ForwardRequest,
        timeout: Duration,
    ) -> Result<Forwarded, Error> {
        let request = convert::forward_to_wire(request);
        let reply = self
            .call(timeout, |mut stub, bound| {
                let request = bounded(request.clone(), bound);
                async move { stub.forward(request).await }
            })
            .await?;
        Ok(Forwarded {
            body: reply.body,
            metadata_offset: reply.metadata_offset,
        })
    }

    /// Reserves a block of producer ids for one broker.
    ///
    /// # Errors
    /// `StaleBrokerEpoch`, `BrokerIdNotRegistered`, [`Error::NoController`] after `timeout`.
    ///
    /// # Cancel safety
    /// A dropped call may have used up a block, which is harmless.
    pub async fn allocate_producer_ids(
        &self,
        broker_id: NodeId,
        broker_epoch: BrokerEpoch,
        timeout: Duration,
    ) -> Result<ProducerIdBlock, Error> {
        let request = wire::AllocateProducerIdsRequest {
            broker_id: broker_id.0,
            broker_epoch: broker_epoch.0,
        };
        let reply = self
            .call(timeout, |mut stub, bound| async move {
                stub.allocate_producer_ids(bounded(request, bound)).await
            })
            .await?;
        Ok(ProducerIdBlock {
            first: ProducerId(reply.first_producer_id),
            count: reply.count,
        })
    }

    /// Proposes who is in sync with the partitions that this broker leads. One answer for each update,
    /// in their order; what is accepted is committed. At most
    /// [`UPDATES_MAX`](alter_partitions::UPDATES_MAX) updates, no partition twice.
    ///
    /// # Errors
    /// `StaleBrokerEpoch`, `BrokerIdNotRegistered`: nothing was looked at. [`Error::NoController`] after
    /// `timeout`, [`Error::Malformed`]: the updates may or may not have been applied.
    ///
    /// # Cancel safety
    /// A dropped call may or may not have been carried out.
    pub async fn alter_partitions(
        &self,
        broker: NodeId,
        broker_epoch: BrokerEpoch,
        updates: &[PartitionUpdate],
        timeout: Duration,
    ) -> Result<Vec<PartitionAnswer>, Error> {
        let request = alter_partitions::request_to_wire(broker, broker_epoch, updates);
        let reply = self
            .call(timeout, |mut stub, bound| {
                let request = bounded(request.clone(), bound);
                async move { stub.alter_partitions(request).await }
            })
            .await?;
        alter_partitions::response_from_wire(reply, updates.len())
    }

    /// Tells the controller in which log directories this broker keeps replicas. One answer for each
    /// assignment, in their order. At most
    /// [`ASSIGNMENTS_MAX`](assign_directories::ASSIGNMENTS_MAX) assignments.
    ///
    /// # Errors
    /// `StaleBrokerEpoch`, `BrokerIdNotRegistered`, [`Error::NoController`] after `timeout`.
    ///
    /// # Cancel safety
    /// A dropped call may have been carried out; assigning again is harmless.
    pub async fn assign_directories(
        &self,
        broker: NodeId,
        broker_epoch: BrokerEpoch,
        assignments: &[DirectoryAssignment],
        timeout: Duration,
    ) -> Result<Vec<DirectoryAnswer>, Error> {
        let request = assign_directories::request_to_wire(broker, broker_epoch, assignments);
        let reply = self
            .call(timeout, |mut stub, bound| {
                let request = bounded(request.clone(), bound);
                async move { stub.assign_directories(request).await }
            })
            .await?;
        assign_directories::response_from_wire(&reply, assignments.len())
    }

    /// The voters, the observers, and how far each of them is.
    ///
    /// # Errors
    /// [`Error::NoController`] after `timeout`.
    pub async fn describe_quorum(&self, timeout: Duration) -> Result<QuorumDescription, Error> {
        let reply = self
            .call(timeout, |mut stub, bound| async move {
                let request = bounded(wire::DescribeQuorumRequest {}, bound);
                stub.describe_quorum(request).await
            })
            .await?;
        convert::quorum_from_wire(reply)
    }

    async fn call<T, F>(
        &self,
        timeout: Duration,
        ask: impl Fn(Stub, Duration) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<tonic::Response<T>, Status>>,
    {
        let mut attempts = Attempts::within(&self.pool, timeout);
        loop {
            let stub = attempts.peer().stub(Lane::Requests, self.pool.config());
            let asked = attempts.bound(ask(stub, attempts.try_timeout())).await;
            match asked {
                Ok(reply) => return Ok(reply.into_inner()),
                Err(status) => attempts.on_failure(&status).await?,
            }
        }
    }
}

fn bounded<T>(message: T, timeout: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(timeout);
    request
}
