//! The one background thread of the data plane: retention, flushing, checkpoints, failed disks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use config::server::ServerConfig;
use parking_lot::{Condvar, Mutex};
use storage::{DirStatus, Intervals};
use tracing::error;
use types::{DirectoryId, Offset, TopicPartition};

use super::heartbeat::Pulse;
use crate::broker::BrokerError;
use crate::state::Core;

/// How often the logs are looked after.
const INTERVAL: Duration = Duration::from_secs(1);

/// The thread. Ended by [`Housekeeping::stop`].
#[derive(Debug)]
pub(crate) struct Housekeeping {
    signal: Arc<Signal>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Signal {
    is_stopped: Mutex<bool>,
    changed: Condvar,
}

impl Housekeeping {
    /// Starts the thread. `on_failure` is called once, when the thread cannot go on.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub(crate) fn start(
        core: Arc<Core>,
        pulse: Arc<Pulse>,
        on_failure: impl FnOnce(BrokerError) + Send + 'static,
    ) -> std::io::Result<Self> {
        core.log_dirs.set_intervals(intervals(&core.config));
        let signal = Arc::new(Signal::default());
        let work = {
            let signal = Arc::clone(&signal);
            move || {
                let work = AssertUnwindSafe(|| keep_house(&core, &pulse, &signal));
                // Nobody else flushes, or notices that a disk has failed.
                let panicked = |_panic| Err(BrokerError::Panicked("housekeeping"));
                if let Err(error) = catch_unwind(work).unwrap_or_else(panicked) {
                    on_failure(error);
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("housekeeping".to_owned())
            .spawn(work)?;
        Ok(Self {
            signal,
            thread: Some(thread),
        })
    }

    /// Ends the thread after what it is doing. Blocks until it has ended.
    pub(crate) fn stop(mut self) {
        self.signal.stop();
        if let Some(thread) = self.thread.take() {
            // A panic was reported when it happened.
            drop(thread.join());
        }
    }
}

impl Drop for Housekeeping {
    /// Without [`Housekeeping::stop`] the thread ends on its own, some time later.
    fn drop(&mut self) {
        self.signal.stop();
    }
}

impl Signal {
    fn stop(&self) {
        *self.is_stopped.lock() = true;
        self.changed.notify_all();
    }

    /// Returns whether to go on.
    fn wait(&self) -> bool {
        let mut is_stopped = self.is_stopped.lock();
        if !*is_stopped {
            self.changed.wait_for(&mut is_stopped, INTERVAL);
        }
        !*is_stopped
    }
}

fn intervals(config: &ServerConfig) -> Intervals {
    let ms = |interval: Duration| i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
    Intervals {
        retention_check_ms: ms(config.logs.log_retention_check_interval),
        checkpoint_ms: ms(config.logs.log_flush_offset_checkpoint_interval),
        high_watermark_checkpoint_ms: ms(config
            .replication
            .replica_high_watermark_checkpoint_interval),
        producer_expiration_check_ms: ms(config.producers.producer_id_expiration_check_interval),
    }
}

fn keep_house(core: &Core, pulse: &Pulse, signal: &Signal) -> Result<(), BrokerError> {
    let high_watermark = |partition: &TopicPartition| high_watermark(core, partition);
    while signal.wait() {
        if core.room.is_full() {
            core.room.look(&core.log_dirs.sizes());
            core.try_to_lead();
        }
        core.sync_queues.try_again();
        let report = core
            .log_dirs
            .housekeep(core.clock.wall_ms(), &high_watermark);
        if report.newly_offline.is_empty() {
            continue;
        }
        on_offline(core, pulse, &report.newly_offline);
        if core
            .log_dirs
            .status()
            .iter()
            .all(|dir| dir.offline.is_some())
        {
            return Err(BrokerError::NoLogDir);
        }
    }
    Ok(())
}

/// For checkpoints.
pub(crate) fn high_watermark(core: &Core, partition: &TopicPartition) -> Option<Offset> {
    let partition = core
        .partitions
        .get_by_name(&partition.topic, partition.partition)?;
    Some(partition.high_watermark())
}

/// The replicas in a failed directory serve nothing until the next start.
fn on_offline(core: &Core, pulse: &Pulse, failed: &[DirStatus]) {
    for dir in failed {
        error!(path = %dir.path.display(), reason = ?dir.offline, "log directory is offline");
    }
    for partition in core.partitions.all() {
        let directory = core.log_dirs.directory_of(partition.topic_partition());
        if failed.iter().any(|dir| Some(dir.directory_id) == directory) {
            partition.stop();
        }
    }
    // Whose name cannot be read was not registered.
    let known = failed
        .iter()
        .filter(|dir| dir.directory_id != DirectoryId::ZERO);
    pulse.on_offline(known.map(|dir| dir.directory_id));
}
