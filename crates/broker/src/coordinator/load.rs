//! Reading a shard's log on a worker thread.
//!
//! How fast this goes is how long groups wait after their coordinator has died, so the log is read in large
//! pieces; and only a few are read at once, so that the first ones serve soon.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use ::coordinator::{Record, Shard};
use bytes::Bytes;
use parking_lot::Mutex;
use protocol::records::{Batch, BatchError, split_batches};
use storage::ReadError;
use tracing::{debug, error, info, warn};
use types::Offset;

use super::Groups;
use super::hosted::Hosted;
use crate::partition::{Denied, Observer};
use crate::state::Core;

/// Logs read at once.
const LOADS_MAX: usize = 2;
/// The most that a batch may inflate to. Ours are not compressed; Kafka's may be.
const BATCH_BYTES_MAX: usize = 100 * 1024 * 1024;
/// How soon a log that could not be read is read again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Shards whose logs are to be read, in turn. Shared; locked for a moment.
#[derive(Debug, Default)]
pub(super) struct Loads {
    queue: Mutex<Queue>,
    /// Those that failed, and when to try once more. Monotonic.
    later: Mutex<Vec<(Duration, Arc<Hosted>)>>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Arc<Hosted>>,
    under_way: usize,
}

/// Why a log was not read to its end.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    /// This broker does not lead in that epoch any more, which is no mistake.
    #[error("not the leader any more")]
    Resigned,
    #[error("a panic")]
    Panicked,
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl From<Denied> for LoadError {
    fn from(_denied: Denied) -> Self {
        Self::Resigned
    }
}

impl Groups {
    /// The shard's log is read as soon as a thread is free.
    pub(super) fn load_soon(&self, hosted: Option<Arc<Hosted>>) {
        {
            let mut queue = self.loads.queue.lock();
            queue.waiting.extend(hosted);
            if queue.under_way >= LOADS_MAX {
                return;
            }
            queue.under_way += 1;
        }
        self.start_thread();
    }

    /// Reading failed: the broker's one task tries once more when it is time.
    pub(super) fn load_later(&self, core: &Core, hosted: impl IntoIterator<Item = Arc<Hosted>>) {
        let due = core.clock.monotonic() + RETRY_AFTER;
        let hosted = hosted.into_iter().map(|hosted| (due, hosted));
        self.loads.later.lock().extend(hosted);
        self.alarm.set(due);
    }

    /// Tries those that failed and are due. Returns when to look again.
    pub(super) fn retry_loads(&self, now: Duration) -> Option<Duration> {
        let due: Vec<_> = {
            let mut later = self.loads.later.lock();
            later.retain(|(_, hosted)| !hosted.is_over());
            later.extract_if(.., |(due, _)| *due <= now).collect()
        };
        for (_, hosted) in due {
            self.load_soon(Some(hosted));
        }
        let later = self.loads.later.lock();
        later.iter().map(|(due, _)| *due).min()
    }

    fn start_thread(&self) {
        let Some(core) = self.core.upgrade() else {
            return;
        };
        let strong = Arc::clone(&core);
        if core
            .workers
            .run(move || strong.groups.load_all(&strong))
            .is_err()
        {
            // The broker stops, or its threads have more to do than they manage: once more later, unless
            // another thread is at it.
            let left = {
                let mut queue = self.loads.queue.lock();
                queue.under_way -= 1;
                match queue.under_way {
                    0 => std::mem::take(&mut queue.waiting),
                    _ => VecDeque::new(),
                }
            };
            self.load_later(&core, left);
        }
    }

    fn load_all(&self, core: &Arc<Core>) {
        loop {
            let next = {
                let mut queue = self.loads.queue.lock();
                let next = queue.waiting.pop_front();
                if next.is_none() {
                    queue.under_way -= 1;
                }
                next
            };
            let Some(hosted) = next else {
                return;
            };
            load(core, &hosted);
        }
    }
}

fn load(core: &Arc<Core>, hosted: &Arc<Hosted>) {
    let partition = hosted.partition.topic_partition();
    let started = core.clock.monotonic();
    // One log that nobody foresaw must not keep all others from being read.
    let read = catch_unwind(AssertUnwindSafe(|| read(core, hosted)));
    match read.unwrap_or(Err(LoadError::Panicked)) {
        Ok((shard, end_offset)) => {
            hosted.on_loaded(core, shard, end_offset);
            let took_ms = core.clock.monotonic().saturating_sub(started).as_millis();
            debug!(%partition, leader_epoch = %hosted.leader_epoch, end_offset, took_ms, "groups loaded");
        }
        Err(LoadError::Resigned) => {
            // Nobody told it if it did not look on yet: it would be "loading" for ever.
            hosted.on_resigned();
            info!(%partition, leader_epoch = %hosted.leader_epoch, "groups are not loaded: another broker leads");
        }
        Err(failure) => {
            error!(%partition, %failure, "groups cannot be loaded; once more in a few seconds");
            core.groups.load_later(core, [Arc::clone(hosted)]);
        }
    }
}

/// Replays the log from its start to where it ends now: nobody but the shard itself appends to it.
fn read(core: &Core, hosted: &Arc<Hosted>) -> Result<(Shard, Offset), LoadError> {
    let partition = &hosted.partition;
    let observer: Arc<dyn Observer> = Arc::clone(hosted) as _;
    let observed = partition.observe(hosted.leader_epoch, observer)?;
    hosted.on_high_watermark(observed.high_watermark);
    let end_offset = observed.log_end_offset;
    let chunk_bytes = usize::try_from(core.config.offsets.offsets_load_buffer_size).unwrap_or(1);

    let mut shard = Shard::loading();
    let mut reader = partition.log().lock().reader();
    let mut offset = reader.log_start_offset();
    while offset < end_offset {
        if hosted.is_over() {
            return Err(LoadError::Resigned);
        }
        let read = match reader.read(offset, chunk_bytes, end_offset, true) {
            Ok(read) => read,
            // Compaction or retention was at work: the same offsets, in other files.
            Err(ReadError::Changed) => {
                reader = partition.log().lock().reader();
                offset = offset.max(reader.log_start_offset());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if read.next_offset <= offset {
            // What is left was compacted away.
            break;
        }
        replay(&mut shard, read.bytes, offset)?;
        offset = read.next_offset;
    }
    Ok((shard, end_offset))
}

/// Replays what was read, from `offset` on.
fn replay(shard: &mut Shard, bytes: Bytes, offset: Offset) -> Result<(), LoadError> {
    for batch in split_batches(bytes) {
        let batch = batch?;
        batch.check_crc()?;
        if !batch.header.is_control() {
            replay_batch(shard, &batch, offset)?;
        }
    }
    Ok(())
}

fn replay_batch(shard: &mut Shard, batch: &Batch, offset: Offset) -> Result<(), LoadError> {
    for record in batch.records(BATCH_BYTES_MAX)? {
        let record = record?;
        let at = batch.header.base_offset + Offset::from(record.offset_delta);
        let Some(key) = record.key.as_ref().filter(|_| at >= offset) else {
            continue;
        };
        // A slice would keep everything that was read with it in memory.
        let value = record.value.map(|value| Bytes::copy_from_slice(&value));
        match Record::decode(key, value.as_ref()) {
            Ok(Some(record)) => shard.replay(&record),
            Ok(None) => {}
            Err(error) => warn!(offset = at, %error, "a record of a group is not understood"),
        }
    }
    Ok(())
}
