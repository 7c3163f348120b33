//! The serving side of an audit: pieces of a log become streams of summaries or digests.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream::try_unfold;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::Stream;
use tonic::{Request, Response, Status};
use types::Offset;

use super::digest::Digester;
use super::wire as convert;
use super::words::{BatchSummary, ChunkDigest, PartitionId, Range, Refusal, Replica};
use crate::proto::audit::v1 as wire;
use crate::proto::audit::v1::audit_server::{Audit, AuditServer};

/// Ranges read at the same time; more are refused as busy.
pub const SCANS_MAX: usize = 4;
/// Digests in one message.
const DIGESTS_MAX: usize = 1024;
/// Largest question taken.
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// Some batches of a range, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// None means that the range is at its end.
    pub batches: Vec<BatchSummary>,
    /// Where the next piece begins: past the last batch.
    pub next_offset: Offset,
}

/// A piece that is being read.
pub type PieceFuture = Pin<Box<dyn Future<Output = Result<Piece, Refusal>> + Send>>;

/// Whoever holds the replicas.
pub trait Auditor: Send + Sync + 'static {
    /// Where a replica stands. Must not block.
    fn position(&self, partition: PartitionId) -> Replica;

    /// Reads batches from `range.from_offset` on, about a megabyte of them. Must not block: reading is
    /// done elsewhere and the future waits for it.
    fn read(&self, range: Range) -> PieceFuture;
}

/// The service to add to a server's routes.
#[must_use]
pub fn service(auditor: Arc<dyn Auditor>) -> AuditServer<Audits> {
    let scans = Arc::new(Semaphore::new(SCANS_MAX));
    AuditServer::new(Audits { auditor, scans }).max_decoding_message_size(REQUEST_BYTES_MAX)
}

/// The service itself. Opaque: [`service`] makes it, a server serves it.
#[derive(Clone)]
pub struct Audits {
    auditor: Arc<dyn Auditor>,
    scans: Arc<Semaphore>,
}

impl fmt::Debug for Audits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audits").finish_non_exhaustive()
    }
}

type Messages<M> = Pin<Box<dyn Stream<Item = Result<M, Status>> + Send>>;

#[tonic::async_trait]
impl Audit for Audits {
    type DigestsStream = Messages<wire::DigestsResponse>;
    type BatchesStream = Messages<wire::BatchesResponse>;

    async fn positions(
        &self,
        request: Request<wire::PositionsRequest>,
    ) -> Result<Response<wire::PositionsResponse>, Status> {
        let partitions = request.into_inner().partitions;
        if partitions.len() > convert::PARTITIONS_MAX {
            return Err(convert::invalid("the number of partitions"));
        }
        let mut replicas = Vec::with_capacity(partitions.len());
        for partition in &partitions {
            let replica = self
                .auditor
                .position(convert::partition_from_wire(partition)?);
            replicas.push(convert::replica_to_wire(&replica));
        }
        Ok(Response::new(wire::PositionsResponse { replicas }))
    }

    async fn digests(
        &self,
        request: Request<wire::DigestsRequest>,
    ) -> Result<Response<Self::DigestsStream>, Status> {
        let request = request.into_inner();
        let range = convert::range_from_wire(request.range.as_ref())?;
        if request.chunk_offsets < 1 {
            return Err(convert::invalid("the size of a chunk"));
        }
        let mut digester = Digester::new(range.from_offset, request.chunk_offsets);
        self.scan(range, move |batches| {
            let mut digests: Vec<_> = batches
                .iter()
                .filter_map(|b| digester.on_batch(b))
                .collect();
            if batches.is_empty() {
                digests.extend(digester.finish());
            }
            digests.chunks(DIGESTS_MAX).map(digests_message).collect()
        })
    }

    async fn batches(
        &self,
        request: Request<wire::BatchesRequest>,
    ) -> Result<Response<Self::BatchesStream>, Status> {
        let range = convert::range_from_wire(request.into_inner().range.as_ref())?;
        self.scan(range, |batches| {
            let batches: Vec<_> = batches.iter().map(convert::batch_to_wire).collect();
            match batches.is_empty() {
                true => Vec::new(),
                false => vec![wire::BatchesResponse { batches }],
            }
        })
    }
}

fn digests_message(digests: &[ChunkDigest]) -> wire::DigestsResponse {
    wire::DigestsResponse {
        digests: digests.iter().map(convert::digest_to_wire).collect(),
    }
}

impl Audits {
    /// Streams what `fold` makes of the batches of a range. It is called once more, without batches, at
    /// the end. Pieces are read as the stream is, so that a slow reader costs nothing and one that has
    /// gone ends it.
    fn scan<M: Send + 'static>(
        &self,
        range: Range,
        fold: impl FnMut(&[BatchSummary]) -> Vec<M> + Send + 'static,
    ) -> Result<Response<Messages<M>>, Status> {
        let permit = Arc::clone(&self.scans).try_acquire_owned();
        let permit = permit.map_err(|_none| convert::refusal_to_status(&Refusal::Busy))?;
        let scan = Scan {
            auditor: Arc::clone(&self.auditor),
            range,
            fold,
            ready: VecDeque::new(),
            is_over: false,
            _permit: permit,
        };
        let messages = try_unfold(scan, |mut scan| async {
            Ok(scan.next().await?.map(|message| (message, scan)))
        });
        Ok(Response::new(Box::pin(messages)))
    }
}

struct Scan<M, F> {
    auditor: Arc<dyn Auditor>,
    range: Range,
    fold: F,
    ready: VecDeque<M>,
    is_over: bool,
    _permit: OwnedSemaphorePermit,
}

impl<M, F: FnMut(&[BatchSummary]) -> Vec<M>> Scan<M, F> {
    async fn next(&mut self) -> Result<Option<M>, Status> {
        while self.ready.is_empty() && !self.is_over {
            let read = self.auditor.read(self.range).await;
            let piece = read.map_err(|refusal| convert::refusal_to_status(&refusal))?;
            self.is_over = piece.batches.is_empty();
            let from = self.range.from_offset;
            if !self.is_over && piece.next_offset <= from {
                // Offsets in a damaged batch: reading on would never end.
                let reason = format!("the batch at {from} ends before it begins");
                return Err(convert::refusal_to_status(&Refusal::Unreadable(reason)));
            }
            self.ready.extend((self.fold)(&piece.batches));
            self.range.from_offset = piece.next_offset;
        }
        Ok(self.ready.pop_front())
    }
}
