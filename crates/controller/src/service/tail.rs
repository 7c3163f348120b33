//! Sends committed metadata to one reader, from an offset on and without end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use metadata::{MetadataImage, MetadataOffset};
use rpc::batch;
use rpc::proto::control::v1::{
    Entries, Position, SnapshotChunk, TailResponse, tail_response::Event,
};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::Status;

use crate::quorum::{Published, TailPiece};

/// Bytes of records in one message.
const PIECE_BYTES: usize = 1 << 20;

type Sender = mpsc::Sender<Result<TailResponse, Status>>;

/// One reader's stream. Takes from the published log and image; holds nothing of its own but the
/// offset, so a slow reader costs no memory.
#[derive(Debug)]
pub(super) struct TailStream {
    published: Published,
    next_offset: MetadataOffset,
    idle_interval: Duration,
    sender: Sender,
}

/// The reader has gone.
struct Gone;

impl TailStream {
    pub(super) const fn new(
        published: Published,
        next_offset: MetadataOffset,
        idle_interval: Duration,
        sender: Sender,
    ) -> Self {
        Self {
            published,
            next_offset,
            idle_interval,
            sender,
        }
    }

    /// Runs until the reader goes or the node stops.
    pub(super) async fn run(mut self) {
        let mut committed = self.published.offset();
        loop {
            let high_watermark = *committed.borrow_and_update();
            if self.send_up_to(high_watermark).await.is_err() {
                return;
            }
            tokio::select! {
                changed = timeout(self.idle_interval, committed.changed()) => {
                    // Nothing new: the position is sent again, so that the reader hears something.
                    if changed.is_ok_and(|c| c.is_err()) {
                        return;
                    }
                }
                () = self.sender.closed() => return,
            }
        }
    }

    async fn send_up_to(&mut self, high_watermark: MetadataOffset) -> Result<(), Gone> {
        let mut was_empty = true;
        loop {
            match self.published.tail(self.next_offset, PIECE_BYTES) {
                TailPiece::Nothing => break,
                TailPiece::Entries(batches) => {
                    was_empty = false;
                    self.send_entries(batches).await?;
                }
                TailPiece::Image(image) => self.send_image(image).await?,
            }
        }
        if was_empty {
            self.send(Event::Position(Position { high_watermark }))
                .await?;
        }
        Ok(())
    }

    async fn send_entries(&mut self, batches: Vec<Bytes>) -> Result<(), Gone> {
        let base_offset = self.next_offset;
        let count = MetadataOffset::try_from(batches.len()).unwrap_or(0);
        self.next_offset += count;
        let entries = Entries {
            base_offset,
            batches,
            high_watermark: self.published.image().offset(),
        };
        self.send(Event::Entries(entries)).await
    }

    async fn send_image(&mut self, image: Arc<MetadataImage>) -> Result<(), Gone> {
        let offset = image.offset();
        let mut encoding =
            tokio::task::spawn_blocking(move || batch::encode(metadata::snapshot(&image)));
        let mut rest = loop {
            match timeout(self.idle_interval, &mut encoding).await {
                Ok(encoded) => break encoded.map_err(|_stopping| Gone)?,
                // A large image takes a while, and the reader wants to hear something meanwhile.
                Err(_elapsed) => {
                    let high_watermark = offset;
                    self.send(Event::Position(Position { high_watermark }))
                        .await?;
                }
            }
        };
        loop {
            let data = rest.split_to(rest.len().min(PIECE_BYTES));
            let last = rest.is_empty();
            let chunk = SnapshotChunk { offset, data, last };
            self.send(Event::Snapshot(chunk)).await?;
            if last {
                break;
            }
        }
        self.next_offset = offset + 1;
        Ok(())
    }

    async fn send(&self, event: Event) -> Result<(), Gone> {
        let response = TailResponse { event: Some(event) };
        self.sender.send(Ok(response)).await.map_err(|_closed| Gone)
    }
}
