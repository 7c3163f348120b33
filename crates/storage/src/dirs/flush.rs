//! Making durable what was appended to a directory's logs.
//!
//! ```text
//!   log by log:  begin (its lock) ─▶ sync ─▶ finish (its lock)
//!   many that nobody has synced yet:  begin each ─▶ one sync of the file system ─▶ finish each
//! ```
//!
//! A log's first sync takes three files and a folder. After a thousand partitions got their first record that
//! keeps a disk busy for seconds, where one sync of the file system is done at once. It also waits for the bytes
//! of everybody else, and its errors name nobody: so it is for many first syncs only.

use types::TopicPartition;

use super::SharedLog;
use super::dir::Dir;
use crate::disk::{is_device_failure, is_short_of_resources};
use crate::log::FlushJob;
use crate::{Error, Log};

/// So many first syncs are done with one call.
const TOGETHER_MIN: usize = 64;

/// A log whose sync has begun.
struct Begun<'a> {
    tp: &'a TopicPartition,
    log: &'a SharedLog,
    job: FlushJob,
}

/// Makes new bytes durable, each log's without its lock. Returns how many logs had some.
pub(super) fn flush(dir: &Dir, logs: &[(TopicPartition, SharedLog)]) -> usize {
    let mut count = 0;
    let mut first = Vec::new();
    for (tp, log) in logs {
        let Some(job) = begin(&mut log.lock()) else {
            continue;
        };
        let begun = Begun { tp, log, job };
        if begun.job.is_first() {
            first.push(begun);
        } else {
            count += usize::from(begun.sync());
        }
    }
    let are_synced = first.len() >= TOGETHER_MIN && dir.sync_all();
    for begun in first {
        let is_done = match dir.state().check() {
            Ok(()) if are_synced => begun.finish(Ok(())),
            Ok(()) => begun.sync(),
            // Said once is enough.
            error => begun.log.lock().finish_flush(begun.job, error).is_ok(),
        };
        count += usize::from(is_done);
    }
    count
}

/// `None` if there is nothing to do, or the log is offline: whoever took it offline has said so.
fn begin(log: &mut Log) -> Option<FlushJob> {
    log.begin_chores();
    log.begin_flush().ok().flatten()
}

impl Begun<'_> {
    fn sync(self) -> bool {
        let result = self.job.run();
        self.finish(result)
    }

    /// Returns whether the sync went well.
    fn finish(self, result: Result<(), Error>) -> bool {
        let partition = self.tp;
        match self.log.lock().finish_flush(self.job, result) {
            Ok(()) => true,
            Err(error) if error.is_offline() => {
                tracing::error!(%partition, %error, "flush failed");
                false
            }
            Err(error) => {
                tracing::warn!(%partition, %error, "flush failed, will be tried again");
                false
            }
        }
    }
}

impl Dir {
    /// Makes everything in here durable with one call. If not, nothing is known to be, and the directory is
    /// offline unless each file can still tell what became of it.
    fn sync_all(&self) -> bool {
        let Some((disk, lock)) = self.disk.as_ref().zip(self.lock.as_ref()) else {
            return false;
        };
        let path = self.path().display();
        match lock.sync_file_system() {
            Ok(()) => {}
            // Names and sizes may be lost with it, and no file would tell.
            Err(error) if is_device_failure(&error) => {
                self.state().fail(format!("syncfs failed: {error}"));
                return false;
            }
            Err(error) => {
                tracing::debug!(%path, %error, "logs are synced one by one");
                return false;
            }
        }
        // The call above may leave the last names in the device's cache: behind this one they are not.
        match disk.sync_dir(self.path()) {
            Ok(()) => true,
            Err(error) if is_short_of_resources(&error) => false,
            Err(error) => {
                self.state()
                    .fail(format!("fsync of {path} failed: {error}"));
                false
            }
        }
    }
}
