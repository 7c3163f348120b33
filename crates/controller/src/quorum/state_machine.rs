//! Committed entries become the image.
//!
//! Deterministic: what an entry does depends on the entry and the image before it, never on time,
//! chance or this node. An entry that cannot be replayed stops the node: going on would mean that
//! nodes disagree.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use metadata::{MetadataImage, MetadataOffset, MetadataRecord, replay};
use openraft::entry::RaftPayload as _;
use openraft::storage::{RaftStateMachine, Snapshot};
use openraft::{AnyError, OptionalSend, RaftSnapshotBuilder};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::durable::{DurableStore, Recovered, StoredSnapshot};
use super::log_store::Covered;
use super::published::Published;
use super::raft_types::{
    Entry, EntryPayload, LogId, Outcome, SnapshotMeta, StorageError, StorageIOError,
    StoredMembership, TypeConfig, effective_records, size_bytes,
};

/// Owned by openraft, which calls one method at a time.
#[derive(Debug)]
pub(crate) struct StateMachine {
    applied: Applied,
    published: Published,
    snapshots: Snapshots,
}

/// One consistent state. Cheap to clone.
#[derive(Debug, Clone)]
struct Applied {
    image: Arc<MetadataImage>,
    log_id: Option<LogId>,
    membership: StoredMembership,
}

/// Where snapshots go to and come from. Cheap to clone.
#[derive(Debug, Clone)]
struct Snapshots {
    store: Arc<dyn DurableStore>,
    current: Arc<Mutex<Option<StoredSnapshot>>>,
    /// Says how far the current one reaches.
    covered: watch::Sender<Covered>,
    backlog: Arc<Backlog>,
}

/// What was applied since the last snapshot. Relaxed: it only says when to make the next one.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    entry_count: AtomicU64,
    bytes: AtomicUsize,
}

impl Backlog {
    pub(crate) fn exceeds(&self, entry_count_max: u64, bytes_max: usize) -> bool {
        self.entry_count.load(Ordering::Relaxed) >= entry_count_max
            || self.bytes.load(Ordering::Relaxed) >= bytes_max
    }

    fn add(&self, entry: &Entry) {
        self.entry_count.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(size_bytes(entry), Ordering::Relaxed);
    }

    fn reset(&self) {
        self.entry_count.store(0, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
    }
}

impl StateMachine {
    /// Starts from the snapshot in the store; openraft replays the log behind it.
    ///
    /// # Errors
    /// The snapshot holds records that cannot be replayed.
    pub(crate) fn new(
        recovered: &Recovered,
        store: Arc<dyn DurableStore>,
        log: super::log_store::SharedLog,
    ) -> Result<Self, String> {
        let applied = match &recovered.snapshot {
            Some(snapshot) => Applied::from_snapshot(&snapshot.meta, snapshot.data.clone())?,
            None => Applied {
                image: Arc::default(),
                log_id: None,
                membership: StoredMembership::default(),
            },
        };
        Ok(Self {
            published: Published::new(Arc::clone(&applied.image), log),
            applied,
            snapshots: Snapshots {
                store,
                current: Arc::new(Mutex::new(recovered.snapshot.clone())),
                covered: watch::Sender::new(covered(recovered.snapshot.as_ref())),
                backlog: Arc::default(),
            },
        })
    }

    pub(crate) fn published(&self) -> Published {
        self.published.clone()
    }

    /// Follows how far durable snapshots reach.
    pub(crate) fn covered(&self) -> watch::Receiver<Covered> {
        self.snapshots.covered.subscribe()
    }

    pub(crate) fn backlog(&self) -> Arc<Backlog> {
        Arc::clone(&self.snapshots.backlog)
    }
}

impl Applied {
    fn from_snapshot(meta: &SnapshotMeta, data: Bytes) -> Result<Self, String> {
        let records = rpc::batch::decode(data).map_err(|e| e.to_string())?;
        let offset = meta.last_log_id.map_or(-1, |id| to_offset(id.index));
        let (image, _) = replay(&MetadataImage::empty(), offset, &records)
            .map_err(|e| format!("snapshot {}: {e}", meta.snapshot_id))?;
        Ok(Self {
            image: Arc::new(image),
            log_id: meta.last_log_id,
            membership: meta.last_membership.clone(),
        })
    }

    fn apply(&mut self, entry: &Entry) -> Result<Outcome, String> {
        let offset = to_offset(entry.log_id.index);
        let records = decode(effective_records(entry))?;
        let (image, _) = replay(&self.image, offset, &records).map_err(|e| e.to_string())?;
        self.image = Arc::new(image);
        self.log_id = Some(entry.log_id);
        if let Some(membership) = entry.get_membership() {
            self.membership = StoredMembership::new(Some(entry.log_id), membership.clone());
        }
        Ok(match &entry.payload {
            EntryPayload::Normal(decision) if !decision.holds_at(&entry.log_id) => Outcome::Void,
            EntryPayload::Normal(_) | EntryPayload::Blank | EntryPayload::Membership(_) => {
                Outcome::Applied
            }
        })
    }

    fn to_snapshot(&self) -> StoredSnapshot {
        let last = self.log_id;
        let (term, index) = last.map_or((0, 0), |id| (id.leader_id.term, id.index));
        StoredSnapshot {
            meta: SnapshotMeta {
                last_log_id: last,
                last_membership: self.membership.clone(),
                snapshot_id: format!("{term}-{index}"),
            },
            data: rpc::batch::encode(metadata::snapshot(&self.image)),
        }
    }
}

fn decode(records: Bytes) -> Result<Vec<MetadataRecord>, String> {
    rpc::batch::decode(records).map_err(|e| e.to_string())
}

fn to_offset(index: u64) -> MetadataOffset {
    MetadataOffset::try_from(index).unwrap_or(MetadataOffset::MAX)
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), StorageError> {
        Ok((self.applied.log_id, self.applied.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Outcome>, StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut outcomes = Vec::new();
        for entry in entries {
            let outcome = self.applied.apply(&entry);
            let failed = |e: String| StorageIOError::apply(entry.log_id, AnyError::error(e));
            outcomes.push(outcome.map_err(failed)?);
            self.snapshots.backlog.add(&entry);
        }
        self.published.publish(Arc::clone(&self.applied.image));
        Ok(outcomes)
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        SnapshotBuilder {
            applied: self.applied.clone(),
            snapshots: self.snapshots.clone(),
        }
    }

    async fn begin_receiving_snapshot(&mut self) -> Result<Box<Cursor<Vec<u8>>>, StorageError> {
        Ok(Box::default())
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        snapshot: Box<Cursor<Vec<u8>>>,
    ) -> Result<(), StorageError> {
        let stored = StoredSnapshot {
            meta: meta.clone(),
            data: snapshot.into_inner().into(),
        };
        let read_error =
            |e: String| StorageIOError::read_snapshot(Some(meta.signature()), AnyError::error(e));
        let applied = Applied::from_snapshot(meta, stored.data.clone());
        let applied = applied.map_err(|error| {
            self.snapshots.covered.send_replace(Covered::Failed);
            read_error(error)
        })?;
        self.snapshots.save(stored).await?;
        self.applied = applied;
        self.published.publish(Arc::clone(&self.applied.image));
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<TypeConfig>>, StorageError> {
        Ok(self.snapshots.current.lock().clone().map(to_openraft))
    }
}

/// Writes one state as a snapshot, apart from the state machine's task.
#[derive(Debug)]
pub(crate) struct SnapshotBuilder {
    applied: Applied,
    snapshots: Snapshots,
}

impl RaftSnapshotBuilder<TypeConfig> for SnapshotBuilder {
    async fn build_snapshot(&mut self) -> Result<Snapshot<TypeConfig>, StorageError> {
        let applied = self.applied.clone();
        let built = run_blocking(move || applied.to_snapshot()).await?;
        self.snapshots.save(built.clone()).await?;
        Ok(to_openraft(built))
    }
}

impl Snapshots {
    async fn save(&self, snapshot: StoredSnapshot) -> Result<(), StorageError> {
        let (store, saved) = (Arc::clone(&self.store), snapshot.clone());
        let saving = run_blocking(move || store.save_snapshot(&saved)).await?;
        let signature = || Some(snapshot.meta.signature());
        if let Err(error) = saving {
            self.covered.send_replace(Covered::Failed);
            return Err(StorageIOError::write_snapshot(signature(), &error).into());
        }
        let mut current = self.current.lock();
        let newest = current.as_ref().and_then(|c| c.meta.last_log_id);
        if newest <= snapshot.meta.last_log_id {
            self.covered.send_replace(covered(Some(&snapshot)));
            *current = Some(snapshot);
            self.backlog.reset();
        }
        Ok(())
    }
}

fn covered(snapshot: Option<&StoredSnapshot>) -> Covered {
    let last = snapshot.and_then(|snapshot| snapshot.meta.last_log_id);
    Covered::UpTo(last.map(|id| id.index))
}

/// Off the runtime's own threads: encoding and writing a large image takes a while.
async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StorageError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|e| StorageIOError::write_snapshot(None, &e))?)
}

fn to_openraft(snapshot: StoredSnapshot) -> Snapshot<TypeConfig> {
    Snapshot {
        meta: snapshot.meta,
        snapshot: Box::new(Cursor::new(snapshot.data.into())),
    }
}
