//! Compaction in the background: threads of its own, the dirtiest log first, no faster than it may.
//!
//! ```text
//!  look at all logs ─▶ compact those that are dirty enough ─▶ look again …
//!                 `─▶ none: pause for log.cleaner.backoff.ms
//! ```
//!
//! The first thread starts the others, as many as `log.cleaner.threads` says at the moment; they end by
//! themselves when there are too many. A log that cannot be compacted is reported once, by the log
//! itself, and left alone until the next start; the others go on. A full disk is tried again after the
//! pause. A thread that panics ends the broker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use config::Layers;
use config::cleaner::{self, CleanerConfig};
use metadata::ResourceKind;
use parking_lot::Mutex;
use storage::Dirty;
use storage::compact::{CleanOptions, CleanReport, Pace, Stopped};
use tracing::{debug, info, warn};

use super::housekeeping::high_watermark;
use super::pacer::Pacer;
use crate::broker::BrokerError;
use crate::state::Core;

/// More threads than this are of no use to anybody.
const THREADS_MAX: usize = 64;
/// The most that the records of a batch may inflate to; a producer's batch for a compacted topic is
/// refused beyond it.
const DECOMPRESSED_BYTES_MAX: usize = 100 * 1024 * 1024;
/// Each thread's buffers have this size at least.
const BUFFER_BYTES_MIN: u64 = 1 << 20;

/// The threads. Ended by [`Cleaner::stop`].
#[derive(Debug)]
pub(crate) struct Cleaner {
    shared: Arc<Shared>,
}

/// What the threads share.
#[derive(Debug)]
struct Shared {
    core: Arc<Core>,
    pacer: Pacer,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Threads that have not ended. Counts alone: it orders nothing else.
    thread_count: AtomicUsize,
    on_failure: Mutex<Option<OnFailure>>,
}

struct OnFailure(Box<dyn FnOnce(BrokerError) + Send>);

impl std::fmt::Debug for OnFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnFailure")
    }
}

impl Cleaner {
    /// Starts the first thread. `on_failure` is called once, when one has panicked.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub(crate) fn start(
        core: Arc<Core>,
        on_failure: impl FnOnce(BrokerError) + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::new(core));
        *shared.on_failure.lock() = Some(OnFailure(Box::new(on_failure)));
        Shared::start_thread(&shared, 0)?;
        Ok(Self { shared })
    }

    /// Ends the threads in the middle of what they are doing. Blocks until they have ended.
    pub(crate) fn stop(self) {
        self.shared.pacer.stop();
        let threads = std::mem::take(&mut *self.shared.threads.lock());
        for thread in threads {
            // A panic was reported when it happened.
            drop(thread.join());
        }
    }
}

impl Drop for Cleaner {
    /// Without [`Cleaner::stop`] the threads end on their own, some time later.
    fn drop(&mut self) {
        self.shared.pacer.stop();
    }
}

impl Shared {
    fn new(core: Arc<Core>) -> Self {
        Self {
            pacer: Pacer::new(Arc::clone(&core.clock)),
            core,
            threads: Mutex::default(),
            thread_count: AtomicUsize::new(0),
            on_failure: Mutex::new(None),
        }
    }

    fn start_thread(shared: &Arc<Self>, index: usize) -> std::io::Result<()> {
        let work = {
            let shared = Arc::clone(shared);
            move || {
                if catch_unwind(AssertUnwindSafe(|| run(&shared, index))).is_err()
                    && let Some(OnFailure(on_failure)) = shared.on_failure.lock().take()
                {
                    // Nobody else would notice that logs grow without end.
                    on_failure(BrokerError::Panicked("cleaner"));
                }
                shared.thread_count.fetch_sub(1, Ordering::Relaxed);
            }
        };
        let name = format!("cleaner-{index}");
        shared.thread_count.fetch_add(1, Ordering::Relaxed);
        let thread = std::thread::Builder::new().name(name).spawn(work);
        let thread = thread.inspect_err(|_refused| {
            shared.thread_count.fetch_sub(1, Ordering::Relaxed);
        })?;
        shared.threads.lock().push(thread);
        Ok(())
    }

    /// As many threads as there should be; the first one sees to it.
    fn adjust(shared: &Arc<Self>, wanted: usize) {
        shared.threads.lock().retain(|thread| !thread.is_finished());
        let running = shared.thread_count.load(Ordering::Relaxed);
        for index in running.max(1)..wanted.min(THREADS_MAX) {
            if let Err(error) = Self::start_thread(shared, index) {
                warn!(%error, "no thread for compaction");
                return;
            }
        }
    }

    fn config(&self) -> CleanerConfig {
        let image = self.core.image();
        let id = self.core.node_id().to_string();
        let broker = image.configs_of(ResourceKind::Broker, &id);
        let cluster = image.configs_of(ResourceKind::Broker, "");
        cleaner::effective(&Layers {
            resource: None,
            broker: Some(&|key| broker.and_then(|set| set.get(key))),
            cluster: Some(&|key| cluster.and_then(|set| set.get(key))),
            file: Some(&|key| self.core.config.properties.get(key)),
        })
    }
}

fn run(shared: &Arc<Shared>, index: usize) {
    loop {
        let config = shared.config();
        let threads = if config.enable { config.threads } else { 0 };
        if index == 0 {
            Shared::adjust(shared, threads);
        } else if index >= threads {
            return;
        }
        let has_work = threads > 0 && clean_all(shared, &config);
        let pause = if has_work {
            Duration::ZERO
        } else {
            config.backoff
        };
        if shared.pacer.wait(pause).is_break() {
            return;
        }
    }
}

/// Compacts what is dirty enough, the dirtiest first. Returns whether to look again at once.
fn clean_all(shared: &Shared, config: &CleanerConfig) -> bool {
    let core = &shared.core;
    let high_watermark = |partition: &_| high_watermark(core, partition);
    let dirty = core
        .log_dirs
        .dirty_logs(core.clock.wall_ms(), &high_watermark);
    let mut has_work = false;
    for log in &dirty {
        if shared.pacer.wait(Duration::ZERO).is_break() {
            return false;
        }
        has_work |= clean(shared, config, log);
    }
    has_work
}

/// Returns whether the log is cleaner now.
fn clean(shared: &Shared, config: &CleanerConfig, dirty: &Dirty) -> bool {
    let core = &shared.core;
    let options = options(config);
    let rate = config.io_bytes_per_second_max;
    let mut spend = |bytes: usize| shared.pacer.spend(bytes, rate);
    let started = core.clock.monotonic();
    let now_ms = core.clock.wall_ms();
    let result = core
        .log_dirs
        .clean(dirty, now_ms, &options, &mut Pace::new(&mut spend));
    let partition = &dirty.topic_partition;
    match result {
        Ok(Some(report)) => {
            let took = core.clock.monotonic().saturating_sub(started);
            tell(dirty, &report, took);
            report.clean_offset > report.first_dirty_offset
        }
        // Another thread is at it, or was.
        Ok(None) => false,
        Err(Stopped::Asked | Stopped::Changed) => {
            debug!(%partition, "compaction broken off");
            false
        }
        Err(Stopped::Storage(error)) => {
            // What cannot be compacted at all, the log has reported.
            if error.is_disk_full() {
                warn!(%partition, %error, "no room to compact in; tried again later");
            } else {
                debug!(%partition, %error, "not compacted");
            }
            false
        }
    }
}

fn tell(dirty: &Dirty, report: &CleanReport, took: Duration) {
    let CleanReport {
        first_dirty_offset,
        clean_offset,
        before_bytes,
        after_bytes,
        dropped_count,
        key_count,
        ..
    } = *report;
    let took_ms = took.as_millis();
    let partition = &dirty.topic_partition;
    info!(
        %partition, first_dirty_offset, clean_offset, before_bytes, after_bytes, dropped_count, key_count,
        took_ms, "log compacted"
    );
    if report.keyless_count > 0 {
        warn!(%partition, count = report.keyless_count, "records without a key were dropped from a compacted log");
    }
}

/// One thread's share.
fn options(config: &CleanerConfig) -> CleanOptions {
    let threads = config.threads.clamp(1, THREADS_MAX);
    CleanOptions {
        dedupe_buffer_bytes: (config.dedupe_buffer_bytes / threads as u64).max(BUFFER_BYTES_MIN),
        load_factor: config.dedupe_buffer_load_factor,
        // Half of it reads, half of it writes.
        io_buffer_bytes: config.io_buffer_bytes / threads / 2,
        decompressed_bytes_max: DECOMPRESSED_BYTES_MAX,
    }
}

/// What a thread does between two pauses. Returns whether there was something to do.
#[cfg(test)]
pub(crate) fn clean_once(core: &Arc<Core>) -> bool {
    let shared = Shared::new(Arc::clone(core));
    let config = shared.config();
    config.enable && clean_all(&shared, &config)
}
