//! openraft's log, over memory for reading and the durable store for keeping.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{LogState, OptionalSend, RaftLogReader};
use parking_lot::RwLock;
use tokio::sync::{oneshot, watch};

use super::durable::{Done, DurableStore, Operation, Recovered};
use super::memory_log::MemoryLog;
use super::raft_types::{Entry, LogId, StorageError, StorageIOError, TypeConfig, Vote};

/// Most bytes of entries in one replication request, beyond the first entry.
const READ_BYTES_MAX: usize = 1 << 20;

/// The log as readers see it. The lock is held only for short memory copies.
pub(crate) type SharedLog = Arc<RwLock<MemoryLog>>;

/// Owned by openraft, which calls one method at a time.
#[derive(Debug)]
pub(crate) struct LogStore {
    log: SharedLog,
    vote: Option<Vote>,
    committed: Option<LogId>,
    store: Arc<dyn DurableStore>,
    /// How far snapshots reach that are durable, if purges have to wait for them.
    covered: Option<watch::Receiver<Covered>>,
}

/// How far the log is covered by a durable snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Covered {
    /// Up to the entry of this index, inclusive; `None` for not at all.
    UpTo(Option<u64>),
    /// A snapshot could not be stored: nothing more will be covered.
    Failed,
}

impl LogStore {
    pub(crate) fn new(recovered: &Recovered, store: Arc<dyn DurableStore>) -> Self {
        Self {
            log: Arc::new(RwLock::new(MemoryLog::of(recovered))),
            vote: recovered.vote,
            committed: recovered.committed,
            store,
            covered: None,
        }
    }

    /// Makes purges wait for the snapshot that covers them. While a snapshot is being installed,
    /// openraft asks for the purge before the snapshot is stored; a crash in between would leave
    /// neither the entries nor what replaces them.
    pub(crate) fn purge_only_covered(&mut self, covered: watch::Receiver<Covered>) {
        self.covered = Some(covered);
    }

    async fn until_covered(&mut self, index: u64) -> io::Result<()> {
        let Some(covered) = &mut self.covered else {
            return Ok(());
        };
        let is_decided = |covered: &Covered| match covered {
            Covered::UpTo(upto) => upto.is_some_and(|upto| upto >= index),
            Covered::Failed => true,
        };
        let failed = || io::Error::other("the snapshot that covers the entries was not stored");
        match covered.wait_for(is_decided).await.map(|covered| *covered) {
            Ok(Covered::UpTo(_)) => Ok(()),
            Ok(Covered::Failed) | Err(_) => Err(failed()),
        }
    }

    /// The log for readers outside of Raft.
    pub(crate) fn shared(&self) -> SharedLog {
        Arc::clone(&self.log)
    }

    async fn submit(&self, operation: Operation) -> io::Result<()> {
        let (done, finished) = oneshot::channel();
        self.store.submit(operation, report(done));
        let died = |_| Err(io::Error::other("the thread of the store died"));
        finished.await.unwrap_or_else(died)
    }
}

fn report(done: oneshot::Sender<io::Result<()>>) -> Done {
    Box::new(move |result| {
        // Whoever asked may have been cancelled; the operation stands all the same.
        let _asker_is_there = done.send(result).is_ok();
    })
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = LogReader;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, StorageError> {
        let log = self.log.read();
        Ok(LogState {
            last_purged_log_id: log.purged(),
            last_log_id: log.last_log_id(),
        })
    }

    async fn get_log_reader(&mut self) -> LogReader {
        LogReader(self.shared())
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), StorageError> {
        let saved = self.submit(Operation::SaveVote(*vote)).await;
        saved.map_err(|e| StorageIOError::write_vote(&e))?;
        self.vote = Some(*vote);
        Ok(())
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, StorageError> {
        Ok(self.vote)
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), StorageError> {
        self.committed = committed;
        let ignore: Done = Box::new(|_lost_hint_only_slows_the_next_start| {});
        self.store
            .submit(Operation::SaveCommitted(committed), ignore);
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, StorageError> {
        Ok(self.committed)
    }

    async fn append<I>(
        &mut self,
        entries: I,
        callback: LogFlushed<TypeConfig>,
    ) -> Result<(), StorageError>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        {
            let mut log = self.log.write();
            for entry in &entries {
                log.append(entry.clone());
            }
        }
        let done: Done = Box::new(move |result| callback.log_io_completed(result));
        self.store.submit(Operation::Append(entries), done);
        Ok(())
    }

    async fn truncate(&mut self, log_id: LogId) -> Result<(), StorageError> {
        let last_log_id = {
            let mut log = self.log.write();
            log.truncate(log_id.index);
            log.last_log_id()
        };
        let operation = Operation::Truncate {
            from: log_id.index,
            last_log_id,
        };
        let truncated = self.submit(operation).await;
        Ok(truncated.map_err(|e| StorageIOError::write_logs(&e))?)
    }

    async fn purge(&mut self, log_id: LogId) -> Result<(), StorageError> {
        let covered = self.until_covered(log_id.index).await;
        covered.map_err(|e| StorageIOError::write_logs(&e))?;
        self.log.write().purge(log_id);
        let purged = self.submit(Operation::PurgeUpTo(log_id)).await;
        Ok(purged.map_err(|e| StorageIOError::write_logs(&e))?)
    }
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<R>(&mut self, range: R) -> Result<Vec<Entry>, StorageError>
    where
        R: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        Ok(read(&self.log, &range, usize::MAX))
    }
}

/// Reads for replication to one follower.
#[derive(Debug, Clone)]
pub(crate) struct LogReader(SharedLog);

impl RaftLogReader<TypeConfig> for LogReader {
    async fn try_get_log_entries<R>(&mut self, range: R) -> Result<Vec<Entry>, StorageError>
    where
        R: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        Ok(read(&self.0, &range, usize::MAX))
    }

    async fn limited_get_log_entries(
        &mut self,
        start: u64,
        end: u64,
    ) -> Result<Vec<Entry>, StorageError> {
        Ok(read(&self.0, &(start..end), READ_BYTES_MAX))
    }
}

fn read(log: &SharedLog, range: &impl RangeBounds<u64>, bytes_max: usize) -> Vec<Entry> {
    let from = match range.start_bound() {
        Bound::Included(index) => *index,
        Bound::Excluded(index) => index + 1,
        Bound::Unbounded => 0,
    };
    let until = match range.end_bound() {
        Bound::Included(index) => index + 1,
        Bound::Excluded(index) => *index,
        Bound::Unbounded => u64::MAX,
    };
    log.read().read(from, until, bytes_max)
}
