//! The store without a disk, for tests and simulation.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::{Done, DurableStore, Operation, Recovered, StoredSnapshot};

/// Holds everything in memory; every operation is "durable" at once. Survives the node that uses
/// it, as a disk does: see [`MemoryStore::recover`].
#[derive(Debug, Default)]
pub(crate) struct MemoryStore {
    held: Mutex<Recovered>,
    has_failed: AtomicBool,
    /// How long each operation takes to become durable, in milliseconds of the runtime.
    delay_ms: AtomicU64,
    /// Whoever stores a snapshot waits.
    holds_snapshots: AtomicBool,
}

impl MemoryStore {
    /// What a node finds that starts on this store.
    pub(crate) fn recover(&self) -> Recovered {
        self.held.lock().clone()
    }

    /// From here on every operation takes so long, as on a disk that is busy.
    pub(crate) fn slow_down(&self, delay: Duration) {
        let delay_ms = u64::try_from(delay.as_millis()).expect("short");
        self.delay_ms.store(delay_ms, Ordering::Relaxed);
    }

    /// While this holds, whoever stores a snapshot waits.
    pub(crate) fn hold_snapshots(&self, hold: bool) {
        self.holds_snapshots.store(hold, Ordering::Relaxed);
    }

    /// From here on every operation fails, as on a disk that could not flush.
    pub(crate) fn fail(&self) {
        self.has_failed.store(true, Ordering::Relaxed);
    }
}

impl DurableStore for MemoryStore {
    fn submit(&self, operation: Operation, done: Done) {
        if self.has_failed.load(Ordering::Relaxed) {
            return done(Err(io::Error::other("the disk failed")));
        }
        apply(&mut self.held.lock(), operation);
        match self.delay_ms.load(Ordering::Relaxed) {
            0 => done(Ok(())),
            delay_ms => {
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                    done(Ok(()));
                });
            }
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "called on a thread that may block, as a disk makes it"
    )]
    fn save_snapshot(&self, snapshot: &StoredSnapshot) -> io::Result<()> {
        while self.holds_snapshots.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.held.lock().snapshot = Some(snapshot.clone());
        Ok(())
    }
}

fn apply(held: &mut Recovered, operation: Operation) {
    match operation {
        Operation::SaveVote(vote) => held.vote = Some(vote),
        Operation::SaveCommitted(committed) => held.committed = committed,
        Operation::Append(entries) => held.entries.extend(entries),
        Operation::Truncate { from, .. } => held.entries.retain(|e| e.log_id.index < from),
        Operation::PurgeUpTo(log_id) => {
            held.entries.retain(|e| e.log_id.index > log_id.index);
            held.purged = Some(log_id);
        }
    }
}
