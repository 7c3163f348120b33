//! Fetches that wait for more bytes (`fetch.min.bytes`, `fetch.max.wait.ms`).
//!
//! One [`FetchWait`] may watch many partitions. Each tells it of bytes that became readable; when
//! enough have, or when something happened that must be answered at once, the fetch goes on. It then
//! looks at its partitions again: being woken too early costs a look, being woken too late is not
//! possible, because a watch begins under the partition's lock at the offset the fetch has seen.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::timers::Expire;

/// One waiting fetch. Innermost lock.
#[derive(Debug)]
pub(crate) struct FetchWait {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    wanted_bytes: usize,
    wake: Option<oneshot::Sender<()>>,
}

impl FetchWait {
    /// Waits for that many bytes more. The receiver ends when it is time to look again.
    pub(crate) fn new(wanted_bytes: usize) -> (Arc<Self>, oneshot::Receiver<()>) {
        let (wake, receiver) = oneshot::channel();
        let inner = Inner {
            wanted_bytes,
            wake: Some(wake),
        };
        let wait = Self {
            inner: Mutex::new(inner),
        };
        (Arc::new(wait), receiver)
    }

    /// So many bytes became readable in one of the partitions.
    pub(super) fn on_bytes(&self, bytes: usize) {
        let mut inner = self.inner.lock();
        inner.wanted_bytes = inner.wanted_bytes.saturating_sub(bytes);
        if inner.wanted_bytes == 0 {
            inner.wake();
        }
    }

    /// Something happened that must be answered now.
    pub(crate) fn wake(&self) {
        self.inner.lock().wake();
    }
}

impl Inner {
    fn wake(&mut self) {
        if let Some(wake) = self.wake.take() {
            // An error says that the connection is gone.
            let _gone = wake.send(());
        }
    }
}

impl Expire for FetchWait {
    fn expire(&self) {
        self.wake();
    }
}

/// The fetches that watch one partition, under its lock.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    waits: Vec<Arc<FetchWait>>,
    /// Bytes appended that are not readable yet.
    unread_bytes: usize,
}

impl Watchers {
    pub(super) fn add(&mut self, wait: Arc<FetchWait>) {
        self.waits.push(wait);
    }

    pub(super) fn remove(&mut self, wait: &Arc<FetchWait>) {
        if let Some(at) = self.waits.iter().position(|other| Arc::ptr_eq(other, wait)) {
            self.waits.swap_remove(at);
        }
    }

    pub(super) fn on_append(&mut self, bytes: usize) {
        self.unread_bytes += bytes;
    }

    /// The high watermark moved, to the log's end or not. Which of the bytes became readable is not known
    /// in between, so they all count, and count again: too early is better than too late.
    pub(super) fn on_readable(&mut self, is_everything: bool) {
        let bytes = self.unread_bytes.max(1);
        if is_everything {
            self.unread_bytes = 0;
        }
        for wait in &self.waits {
            wait.on_bytes(bytes);
        }
    }

    pub(super) fn wake_all(&self) {
        for wait in &self.waits {
            wait.wake();
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.waits.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_several_partitions_add_up() {
        let (wait, mut woken) = FetchWait::new(100);
        let mut partitions = [Watchers::default(), Watchers::default()];
        for partition in &mut partitions {
            partition.add(Arc::clone(&wait));
        }
        partitions[0].on_append(60);
        partitions[0].on_readable(true);
        assert!(woken.try_recv().is_err());
        partitions[1].on_append(40);
        assert!(woken.try_recv().is_err(), "appended is not yet readable");
        partitions[1].on_readable(true);
        woken.try_recv().expect("woken");
    }

    #[test]
    fn a_watcher_that_left_is_not_told() {
        let (wait, mut woken) = FetchWait::new(1);
        let mut watchers = Watchers::default();
        watchers.add(Arc::clone(&wait));
        watchers.remove(&wait);
        watchers.wake_all();
        assert!(woken.try_recv().is_err());
        assert_eq!(watchers.len(), 0);
    }
}
