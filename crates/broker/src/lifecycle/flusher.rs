//! Group commit: a few threads for each log directory sync the partitions that asked for it.
//!
//! ```text
//!  partition ─► queue of its directory ─► thread: fdatasync, count, tell ─► the next one in the queue
//!            (once, however much it has)    thread: fdatasync …              several at once share the
//!                                           thread: fdatasync …              file system's commits
//! ```
//!
//! There is no timer and no target: a sync begins as soon as a thread is free, and all that is appended
//! until the partition's turn comes goes with it. So an idle topic waits for one sync, and a busy one
//! syncs as often as its disk can. One thread waits while nothing is durable; others are started when
//! partitions queue up, and stay.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use storage::LogDirs;
use tracing::warn;
use types::{Clock, DirectoryId, PartitionIndex, TopicId};

use crate::broker::BrokerError;
use crate::partition::Synced;
use crate::state::Core;

/// Syncs of one directory at once for each processor. A sync is work before it waits: with more of them at
/// once than this, each has fewer records to make durable, and all of them together get less done.
const THREADS_PER_PROCESSOR: usize = 3;
const THREADS_MAX: usize = 32;

/// Asks the system, which reads files for it: once for each pool, not for each sync.
fn threads_max() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    (processors * THREADS_PER_PROCESSOR).clamp(4, THREADS_MAX)
}

/// Which partition.
pub(crate) type Key = (TopicId, PartitionIndex);

/// The partitions of one log directory that wait for a sync: each once at most, for as long as it says
/// itself. Innermost lock.
pub(crate) struct SyncQueue {
    clock: Arc<dyn Clock>,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    now: VecDeque<Key>,
    /// By the monotonic time when they are due.
    later: BinaryHeap<Reverse<(Duration, Key)>>,
    /// The system had no descriptors or no memory for them.
    failed: Vec<Key>,
    idle_count: usize,
    is_stopped: bool,
}

impl std::fmt::Debug for SyncQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SyncQueue").finish_non_exhaustive()
    }
}

impl SyncQueue {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            waiting: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// As soon as a thread is free.
    pub(crate) fn push(&self, key: Key) {
        self.waiting.lock().now.push_back(key);
        self.changed.notify_one();
    }

    /// Once the delay is over.
    pub(crate) fn push_later(&self, key: Key, delay: Duration) {
        let due = self.clock.monotonic() + delay;
        self.waiting.lock().later.push(Reverse((due, key)));
        self.changed.notify_one();
    }

    /// The next one, and whether others wait and no thread is free. `None` once it is stopped.
    fn next(&self) -> Option<(Key, bool)> {
        let mut waiting = self.waiting.lock();
        while !waiting.is_stopped {
            let next_due = waiting.take_due(|| self.clock.monotonic());
            if let Some(key) = waiting.now.pop_front() {
                let needs_help = !waiting.now.is_empty() && waiting.idle_count == 0;
                return Some((key, needs_help));
            }
            waiting.idle_count += 1;
            match next_due {
                Some(delay) => drop(self.changed.wait_for(&mut waiting, delay)),
                None => self.changed.wait(&mut waiting),
            }
            waiting.idle_count -= 1;
        }
        None
    }

    fn stop(&self) {
        self.waiting.lock().is_stopped = true;
        self.changed.notify_all();
    }

    /// Takes whatever waits, due or not.
    #[cfg(test)]
    pub(crate) fn take_all(&self) -> Vec<Key> {
        let mut waiting = self.waiting.lock();
        let later = std::mem::take(&mut waiting.later);
        let mut keys: Vec<_> = waiting.now.drain(..).collect();
        keys.extend(later.into_iter().map(|Reverse((_, key))| key));
        keys
    }
}

impl Waiting {
    /// Moves what is due to the others. Returns how long it is until something will be.
    fn take_due(&mut self, now: impl Fn() -> Duration) -> Option<Duration> {
        while let Some(Reverse((due, key))) = self.later.peek().copied() {
            let delay = due.saturating_sub(now());
            if !delay.is_zero() {
                return Some(delay);
            }
            self.later.pop();
            self.now.push_back(key);
        }
        None
    }
}

/// The queues of all log directories.
#[derive(Debug)]
pub(crate) struct SyncQueues {
    queues: Vec<(DirectoryId, Arc<SyncQueue>)>,
}

impl SyncQueues {
    pub(crate) fn new(dirs: &LogDirs, clock: &Arc<dyn Clock>) -> Self {
        let queue = |dir: storage::DirStatus| {
            let queue = SyncQueue::new(Arc::clone(clock));
            (dir.directory_id, queue)
        };
        Self {
            queues: dirs.status().into_iter().map(queue).collect(),
        }
    }

    /// The queue for partitions of that directory; any, if it is not one of them.
    pub(crate) fn of(&self, directory: Option<DirectoryId>) -> Option<Arc<SyncQueue>> {
        let mut queues = self.queues.iter();
        let found = queues.find(|(id, _)| Some(*id) == directory);
        let found = found.or(self.queues.first());
        found.map(|(_, queue)| Arc::clone(queue))
    }

    /// Another turn for partitions that could not be synced for want of descriptors or memory.
    pub(crate) fn try_again(&self) {
        for (_, queue) in &self.queues {
            let mut waiting = queue.waiting.lock();
            let failed = std::mem::take(&mut waiting.failed);
            if !failed.is_empty() {
                waiting.now.extend(failed);
                queue.changed.notify_one();
            }
        }
    }
}

type OnFailure = Box<dyn FnOnce(BrokerError) + Send>;

/// The threads. Ended by [`Flusher::stop`].
pub(crate) struct Flusher {
    pools: Vec<Arc<Pool>>,
}

/// Those of one directory.
struct Pool {
    core: Arc<Core>,
    queue: Arc<SyncQueue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    threads_max: usize,
    on_failure: Arc<Mutex<Option<OnFailure>>>,
}

impl std::fmt::Debug for Flusher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flusher").finish_non_exhaustive()
    }
}

impl Flusher {
    /// Starts one thread for each directory. `on_failure` is called once, when one has panicked.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub(crate) fn start(
        core: &Arc<Core>,
        on_failure: impl FnOnce(BrokerError) + Send + 'static,
    ) -> std::io::Result<Self> {
        let on_failure: OnFailure = Box::new(on_failure);
        let on_failure = Arc::new(Mutex::new(Some(on_failure)));
        let mut flusher = Self { pools: Vec::new() };
        for (_, queue) in &core.sync_queues.queues {
            let pool = Arc::new(Pool {
                core: Arc::clone(core),
                queue: Arc::clone(queue),
                threads: Mutex::default(),
                threads_max: threads_max(),
                on_failure: Arc::clone(&on_failure),
            });
            flusher.pools.push(Arc::clone(&pool));
            pool.start_thread()?;
        }
        Ok(flusher)
    }

    /// Ends the threads after what they are doing; what still waits is not synced. Blocks until they have
    /// ended.
    pub(crate) fn stop(self) {
        for pool in &self.pools {
            pool.queue.stop();
        }
        for pool in &self.pools {
            let threads = std::mem::take(&mut *pool.threads.lock());
            for thread in threads {
                // A panic was reported when it happened.
                drop(thread.join());
            }
        }
    }
}

impl Drop for Flusher {
    /// Without [`Flusher::stop`] the threads end on their own, some time later.
    fn drop(&mut self) {
        for pool in &self.pools {
            pool.queue.stop();
        }
    }
}

impl Pool {
    /// Another thread, unless there are enough.
    fn start_thread(self: &Arc<Self>) -> std::io::Result<()> {
        let mut threads = self.threads.lock();
        if threads.len() >= self.threads_max {
            return Ok(());
        }
        let pool = Arc::clone(self);
        let work = move || {
            if catch_unwind(AssertUnwindSafe(|| pool.work())).is_err()
                && let Some(on_failure) = pool.on_failure.lock().take()
            {
                // Whoever waits for that sync would wait for ever.
                on_failure(BrokerError::Panicked("flusher"));
            }
        };
        let name = format!("flusher-{}", threads.len());
        threads.push(std::thread::Builder::new().name(name).spawn(work)?);
        Ok(())
    }

    fn work(self: &Arc<Self>) {
        while let Some((key, needs_help)) = self.queue.next() {
            if needs_help && let Err(error) = self.start_thread() {
                warn!(%error, "cannot start another thread that syncs");
            }
            self.sync(key);
        }
    }

    fn sync(&self, key: Key) {
        let (topic, index) = key;
        // One that was removed meanwhile is missed by nobody.
        let partition = self.core.partitions.get(topic, index);
        if partition.is_some_and(|partition| partition.sync() == Synced::TryAgain) {
            self.queue.waiting.lock().failed.push(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use types::{ManualClock, Uuid};

    use super::*;

    const A: Key = (TopicId(Uuid::ONE), 0);
    const B: Key = (TopicId(Uuid::ONE), 1);

    fn queue() -> Arc<SyncQueue> {
        SyncQueue::new(Arc::new(ManualClock::at(0)))
    }

    #[test]
    fn help_is_wanted_while_more_waits_than_this_thread_takes() {
        let queue = queue();
        queue.push(A);
        queue.push(B);
        assert_eq!(queue.next(), Some((A, true)));
        assert_eq!(queue.next(), Some((B, false)));
        queue.stop();
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn what_is_due_later_comes_when_it_is_due_and_does_not_hold_others_up() {
        let queue = queue();
        queue.push_later(B, Duration::from_hours(1));
        queue.push(A);
        assert_eq!(queue.next(), Some((A, false)));
        queue.push_later(A, Duration::ZERO);
        assert_eq!(queue.next(), Some((A, false)));
        assert_eq!(queue.take_all(), [B]);
    }
}
