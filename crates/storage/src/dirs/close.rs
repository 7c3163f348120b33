//! Closing everything, so that the next start need not look at it.

use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;
use types::{Offset, TopicPartition};

use super::dir::Dir;
use super::{LogDirs, SharedLog};
use crate::Error;

impl LogDirs {
    /// Closes every log, writes the checkpoints and the clean-shutdown markers with the broker epoch.
    /// Logs refuse appends afterwards.
    ///
    /// # Errors
    /// If a directory could not be closed cleanly; it gets no marker. The others are closed all the
    /// same.
    pub fn close(
        &self,
        broker_epoch: i64,
        high_watermark: &dyn Fn(&TopicPartition) -> Option<Offset>,
    ) -> Result<(), Error> {
        let mut first_error = None;
        for dir in &self.dirs {
            if let Err(error) = self.close_dir(dir, broker_epoch, high_watermark) {
                tracing::warn!(path = %dir.path().display(), %error, "not closed cleanly");
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    fn close_dir(
        &self,
        dir: &Arc<Dir>,
        broker_epoch: i64,
        high_watermark: &dyn Fn(&TopicPartition) -> Option<Offset>,
    ) -> Result<(), Error> {
        dir.state().check()?;
        let logs = self.logs_in(dir);
        let closed = self.close_logs(&logs);
        self.checkpoint(dir)?;
        self.checkpoint_high_watermarks(dir, high_watermark)?;
        closed?;
        if dir.has_failed_logs() {
            let reason = "a log in it could not be opened, so it is not marked as clean".to_owned();
            return Err(Error::Invalid(format!(
                "{}: {reason}",
                dir.path().display()
            )));
        }
        dir.mark_clean(broker_epoch)
    }

    /// Closes the logs, several at a time: each waits for the disk.
    fn close_logs(&self, logs: &[(TopicPartition, SharedLog)]) -> Result<(), Error> {
        let next = Mutex::new(logs.iter());
        let first_error = Mutex::new(None);
        thread::scope(|scope| {
            for _ in 0..self.recovery_threads_per_dir.min(logs.len()) {
                scope.spawn(|| {
                    loop {
                        // The guard must not outlive the statement.
                        let next = next.lock().next();
                        let Some((tp, log)) = next else { break };
                        if let Err(error) = log.lock().close() {
                            tracing::warn!(partition = %tp, %error, "log not closed cleanly");
                            first_error.lock().get_or_insert(error);
                        }
                    }
                });
            }
        });
        first_error.into_inner().map_or(Ok(()), Err)
    }
}
