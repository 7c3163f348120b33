//! Committed metadata as one stream without gaps or repeats, whatever happens to the connections.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use metadata::MetadataRecord;
use tokio::time::timeout;
use tonic::{Status, Streaming};
use types::{NodeId, Offset};

use super::attempts::Attempts;
use super::pool::{Lane, Pool};
use crate::proto::control::v1::{self as wire, tail_response::Event};
use crate::{Error, batch};

/// What the tail brings.
#[derive(Debug, Clone, PartialEq)]
pub enum TailEvent {
    /// Replaces everything known so far: the log before `offset` is gone.
    Snapshot {
        /// Last offset (inclusive) that the snapshot covers.
        offset: Offset,
        /// Records that build the image.
        records: Vec<MetadataRecord>,
    },
    /// The next committed entry. Offsets grow by one; an entry without records is one of the
    /// quorum's own.
    Entry {
        /// The entry's offset.
        offset: Offset,
        /// Its records.
        records: Vec<MetadataRecord>,
    },
    /// The last committed offset (inclusive) known to the controller: who has applied it is caught
    /// up.
    HighWatermark(Offset),
}

/// Reads committed metadata from any controller, moving to another one when a stream breaks.
#[derive(Debug)]
pub struct MetadataTail {
    pool: Arc<Pool>,
    observer: NodeId,
    /// First offset not handed out yet.
    next_offset: Offset,
    ready: VecDeque<TailEvent>,
    stream: Option<Streaming<wire::TailResponse>>,
    snapshot: PartialSnapshot,
}

#[derive(Debug, Default)]
struct PartialSnapshot {
    offset: Offset,
    bytes: BytesMut,
}

impl MetadataTail {
    pub(super) fn new(pool: Arc<Pool>, next_offset: Offset, observer: NodeId) -> Self {
        Self {
            pool,
            observer,
            next_offset,
            ready: VecDeque::new(),
            stream: None,
            snapshot: PartialSnapshot::default(),
        }
    }

    /// First offset that has not been handed out yet.
    #[must_use]
    pub const fn next_offset(&self) -> Offset {
        self.next_offset
    }

    /// The next event. Waits as long as it takes: while no controller can be reached it tries again
    /// and again.
    ///
    /// # Errors
    /// [`Error::Malformed`] if a controller sends records that cannot be read. There is no way
    /// past them: the reader must not go on as if they had not been there.
    ///
    /// # Cancel safety
    /// Cancel-safe: no event is lost.
    pub async fn next(&mut self) -> Result<TailEvent, Error> {
        let pool = Arc::clone(&self.pool);
        let mut attempts = Attempts::forever(&pool);
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            let received = self.receive(&attempts).await;
            match received {
                Ok(event) => {
                    self.on_event(event)?;
                    attempts = Attempts::forever(&pool);
                }
                Err(status) => {
                    tracing::debug!(%status, next_offset = self.next_offset, "metadata tail broke");
                    self.restart();
                    attempts.on_failure(&status).await?;
                }
            }
        }
    }

    async fn receive(&mut self, attempts: &Attempts<'_>) -> Result<Event, Status> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let request = wire::TailRequest {
                    from_offset: self.next_offset,
                    broker_id: self.observer.0,
                };
                let mut stub = attempts.peer().stub(Lane::Tail, self.pool.config());
                none.insert(attempts.bound(stub.tail(request)).await?.into_inner())
            }
        };
        let silence_max = self.pool.config().tail_silence_max;
        let message = timeout(silence_max, stream.message())
            .await
            .map_err(|_elapsed| Status::deadline_exceeded("the metadata tail has gone silent"))??;
        message
            .and_then(|m| m.event)
            .ok_or_else(|| Status::unavailable("the metadata tail has ended"))
    }

    fn restart(&mut self) {
        self.stream = None;
        self.snapshot = PartialSnapshot::default();
    }

    fn on_event(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Snapshot(chunk) => self.on_snapshot_chunk(chunk),
            Event::Entries(entries) => self.on_entries(entries),
            Event::Position(position) => {
                self.on_high_watermark(position.high_watermark);
                Ok(())
            }
        }
    }

    fn on_snapshot_chunk(&mut self, chunk: wire::SnapshotChunk) -> Result<(), Error> {
        if self.snapshot.offset != chunk.offset {
            self.snapshot = PartialSnapshot {
                offset: chunk.offset,
                bytes: BytesMut::new(),
            };
        }
        let size = self.snapshot.bytes.len() + chunk.data.len();
        if size > self.pool.config().snapshot_bytes_max {
            return Err(Error::Malformed(format!(
                "a snapshot of {size} bytes or more"
            )));
        }
        self.snapshot.bytes.extend_from_slice(&chunk.data);
        if !chunk.last {
            return Ok(());
        }
        let whole = std::mem::take(&mut self.snapshot);
        if whole.offset < self.next_offset {
            // Older than what was handed out: going back would undo it.
            self.restart();
            return Ok(());
        }
        let records = decode(whole.bytes.freeze(), whole.offset)?;
        self.next_offset = whole.offset + 1;
        self.ready.push_back(TailEvent::Snapshot {
            offset: whole.offset,
            records,
        });
        Ok(())
    }

    fn on_entries(&mut self, entries: wire::Entries) -> Result<(), Error> {
        let first = entries.base_offset;
        if first > self.next_offset {
            tracing::warn!(
                first,
                next_offset = self.next_offset,
                "gap in the metadata tail"
            );
            self.restart();
            return Ok(());
        }
        for (offset, bytes) in (first..).zip(entries.batches) {
            if offset < self.next_offset {
                continue;
            }
            let records = decode(bytes, offset)?;
            self.ready.push_back(TailEvent::Entry { offset, records });
            self.next_offset = offset + 1;
        }
        self.on_high_watermark(entries.high_watermark);
        Ok(())
    }

    fn on_high_watermark(&mut self, high_watermark: Offset) {
        self.ready
            .push_back(TailEvent::HighWatermark(high_watermark));
    }
}

fn decode(bytes: Bytes, offset: Offset) -> Result<Vec<MetadataRecord>, Error> {
    batch::decode(bytes)
        .map_err(|error| Error::Malformed(format!("records at metadata offset {offset}: {error}")))
}
