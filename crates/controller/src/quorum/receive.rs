//! Takes snapshots from a leader: as a whole or not at all.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use openraft::storage::Snapshot;
use rpc::proto::quorum::v1 as wire;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::durable::SNAPSHOT_BYTES_MAX;
use super::raft_types::{Raft, TypeConfig, Vote};
use super::service::{malformed, stopped};
use super::wire::{WireError, snapshot_meta_from_wire};

/// How long the sender may be silent in the middle.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Room made before the first byte is there.
const FIRST_ROOM_BYTES: u64 = 1 << 20;

/// Takes one snapshot at a time. Cheap to clone.
#[derive(Clone)]
pub(super) struct Receiver {
    raft: Raft,
    /// Its one permit is held while a snapshot comes in and is installed, so that memory holds one at
    /// most.
    one_at_a_time: Arc<Semaphore>,
}

impl Receiver {
    pub(super) fn new(raft: Raft) -> Self {
        Self {
            raft,
            one_at_a_time: Arc::new(Semaphore::new(1)),
        }
    }

    /// What the sender announces.
    pub(super) async fn head(
        &self,
        parts: &mut Streaming<wire::SnapshotPart>,
    ) -> Result<wire::SnapshotHead, Status> {
        match next(parts).await? {
            Some(wire::snapshot_part::Part::Head(head)) if head.bytes <= SNAPSHOT_BYTES_MAX => {
                Ok(head)
            }
            Some(wire::snapshot_part::Part::Head(_)) => Err(Status::invalid_argument(format!(
                "a snapshot has at most {SNAPSHOT_BYTES_MAX} bytes"
            ))),
            _ => Err(malformed(&WireError::Missing("snapshot head"))),
        }
    }

    /// Receives what was announced and installs it. Durable when this returns. The vote is this
    /// node's: if it is higher than the sender's, nothing was installed.
    pub(super) async fn install(
        &self,
        vote: Vote,
        head: wire::SnapshotHead,
        parts: &mut Streaming<wire::SnapshotPart>,
    ) -> Result<Vote, Status> {
        let meta = head.meta.ok_or(WireError::Missing("snapshot meta"));
        let meta = meta.and_then(snapshot_meta_from_wire);
        let meta = meta.map_err(|e| malformed(&e))?;
        let Ok(_permit) = self.one_at_a_time.try_acquire() else {
            return Err(Status::resource_exhausted("another snapshot is coming in"));
        };
        let data = collect(head.bytes, parts).await?;
        let snapshot: Snapshot<TypeConfig> = Snapshot {
            meta,
            snapshot: Box::new(Cursor::new(data)),
        };
        let installed = self.raft.install_full_snapshot(vote, snapshot).await;
        Ok(installed.map_err(|e| stopped(&e))?.vote)
    }
}

/// Room grows with what has arrived, never with what was announced.
async fn collect(bytes: u64, parts: &mut Streaming<wire::SnapshotPart>) -> Result<Vec<u8>, Status> {
    let room = usize::try_from(bytes.min(FIRST_ROOM_BYTES)).unwrap_or(0);
    let mut data = Vec::with_capacity(room);
    while let Some(part) = next(parts).await? {
        let wire::snapshot_part::Part::Data(piece) = part else {
            return Err(Status::invalid_argument("a second head"));
        };
        if (data.len() + piece.len()) as u64 > bytes {
            return Err(Status::invalid_argument("more bytes than announced"));
        }
        data.extend_from_slice(&piece);
    }
    if (data.len() as u64) < bytes {
        return Err(Status::invalid_argument("fewer bytes than announced"));
    }
    Ok(data)
}

async fn next(
    parts: &mut Streaming<wire::SnapshotPart>,
) -> Result<Option<wire::snapshot_part::Part>, Status> {
    let silent = |_elapsed| Status::deadline_exceeded("the sender has gone silent");
    let part = timeout(SILENCE_MAX, parts.message())
        .await
        .map_err(silent)??;
    match part {
        Some(part) => {
            let part = part
                .part
                .ok_or_else(|| malformed(&WireError::Missing("part")))?;
            Ok(Some(part))
        }
        None => Ok(None),
    }
}
