//! The asking side of an audit.

use std::collections::VecDeque;
use std::time::Duration;

use tonic::transport::Channel;
use tonic::{Request, Status, Streaming};

use super::wire as convert;
use super::words::{BatchSummary, ChunkDigest, PartitionId, Range, Refusal, Replica};
use crate::proto::audit::v1 as wire;
use crate::proto::audit::v1::audit_client;
use crate::transport::{Connector, TransportConfig};

/// Why an audit does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The broker does not read the range.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The broker cannot be reached, or the connection broke.
    #[error("the broker cannot be reached: {0}")]
    Unreachable(String),
    /// An answer that breaks the protocol.
    #[error("the broker sent an answer that makes no sense")]
    Malformed,
}

impl Error {
    fn from_status(status: &Status) -> Self {
        convert::refusal_from_status(status).map_or_else(
            || Self::Unreachable(status.message().to_owned()),
            Self::Refused,
        )
    }
}

/// Asks one broker about its replicas. Connects when it is first used. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AuditClient {
    stub: audit_client::AuditClient<Channel>,
}

impl AuditClient {
    /// The broker that listens there, on its inter-broker listener. Needs a tokio runtime.
    #[must_use]
    pub fn new(connector: &Connector, config: &TransportConfig) -> Self {
        let stub = audit_client::AuditClient::new(connector.channel(config))
            .max_decoding_message_size(config.message_bytes_max);
        Self { stub }
    }

    /// Where the broker's replicas stand, in the order of `partitions` (at most 10 000).
    ///
    /// # Errors
    /// [`Error::Unreachable`], also when there is no answer within `timeout`.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub async fn positions(
        &self,
        partitions: &[PartitionId],
        timeout: Duration,
    ) -> Result<Vec<Replica>, Error> {
        let mut request = Request::new(wire::PositionsRequest {
            partitions: partitions.iter().map(convert::partition_to_wire).collect(),
        });
        request.set_timeout(timeout);
        let mut stub = self.stub.clone();
        let reply = stub.positions(request).await;
        let replicas = reply.map_err(|status| Error::from_status(&status))?;
        let replicas = replicas.into_inner().replicas;
        if replicas.len() != partitions.len() {
            return Err(Error::Malformed);
        }
        let read = |replica| convert::replica_from_wire(replica).ok_or(Error::Malformed);
        replicas.iter().map(read).collect()
    }

    /// One digest for each chunk of `chunk_offsets` offsets in which a batch begins, in order.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Unreachable`].
    ///
    /// # Cancel safety
    /// Cancel-safe. The broker stops reading soon after the stream is dropped.
    pub async fn digests(&self, range: &Range, chunk_offsets: i64) -> Result<DigestStream, Error> {
        let request = wire::DigestsRequest {
            range: Some(convert::range_to_wire(range)),
            chunk_offsets,
        };
        let mut stub = self.stub.clone();
        let reply = stub.digests(request).await;
        let messages = reply.map_err(|status| Error::from_status(&status))?;
        Ok(DigestStream {
            messages: messages.into_inner(),
            ready: VecDeque::new(),
        })
    }

    /// Every batch of a range, in order.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Unreachable`].
    ///
    /// # Cancel safety
    /// Cancel-safe. The broker stops reading soon after the stream is dropped.
    pub async fn batches(&self, range: &Range) -> Result<BatchStream, Error> {
        let request = wire::BatchesRequest {
            range: Some(convert::range_to_wire(range)),
        };
        let mut stub = self.stub.clone();
        let reply = stub.batches(request).await;
        let messages = reply.map_err(|status| Error::from_status(&status))?;
        Ok(BatchStream {
            messages: messages.into_inner(),
            ready: VecDeque::new(),
        })
    }
}

/// Digests of one range.
#[derive(Debug)]
pub struct DigestStream {
    messages: Streaming<wire::DigestsResponse>,
    ready: VecDeque<wire::Digest>,
}

impl DigestStream {
    /// The next digest, `None` at the end of the range.
    ///
    /// # Errors
    /// [`Error::Refused`] if the replica lost the rest of the range meanwhile, [`Error::Unreachable`].
    ///
    /// # Cancel safety
    /// Cancel-safe: no digest is lost.
    pub async fn next(&mut self) -> Result<Option<ChunkDigest>, Error> {
        while self.ready.is_empty() {
            let message = self.messages.message().await;
            match message.map_err(|status| Error::from_status(&status))? {
                Some(message) => self.ready.extend(message.digests),
                None => return Ok(None),
            }
        }
        Ok(self
            .ready
            .pop_front()
            .as_ref()
            .map(convert::digest_from_wire))
    }
}

/// Batches of one range.
#[derive(Debug)]
pub struct BatchStream {
    messages: Streaming<wire::BatchesResponse>,
    ready: VecDeque<wire::Batch>,
}

impl BatchStream {
    /// The next batch, `None` at the end of the range.
    ///
    /// # Errors
    /// [`Error::Refused`] if the replica lost the rest of the range meanwhile, [`Error::Unreachable`].
    ///
    /// # Cancel safety
    /// Cancel-safe: no batch is lost.
    pub async fn next(&mut self) -> Result<Option<BatchSummary>, Error> {
        while self.ready.is_empty() {
            let message = self.messages.message().await;
            match message.map_err(|status| Error::from_status(&status))? {
                Some(message) => self.ready.extend(message.batches),
                None => return Ok(None),
            }
        }
        Ok(self
            .ready
            .pop_front()
            .as_ref()
            .map(convert::batch_from_wire))
    }
}
