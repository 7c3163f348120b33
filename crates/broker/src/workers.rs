//! A few threads for what may wait for the disk, so that no connection waits for another's disk.
//!
//! Threads start when there is work and none is free, up to a maximum, and stay until the broker stops.
//! The queue is bounded; what does not fit is refused at once.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;
use tracing::error;

type Job = Box<dyn FnOnce() + Send>;

/// Too much waits already, or the broker is stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy;

/// The threads and their queue. Shared; [`Workers::stop`] ends it.
pub(crate) struct Workers {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    threads_max: usize,
}

struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    jobs_max: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    idle_count: usize,
    is_stopped: bool,
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers")
            .field("queued_count", &self.queue.state.lock().jobs.len())
            .finish_non_exhaustive()
    }
}

impl Workers {
    pub(crate) fn new(threads_max: usize, jobs_max: usize) -> Self {
        Self {
            queue: Arc::new(Queue {
                state: Mutex::default(),
                ready: Condvar::new(),
                jobs_max,
            }),
            threads: Mutex::default(),
            threads_max,
        }
    }

    /// Runs the job on one of the threads. The receiver gets what it returns; dropping it does not stop
    /// the job. A job that panics ends its receiver.
    ///
    /// # Errors
    /// [`Busy`] if the queue is full or stopped.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Busy> {
        let (sender, receiver) = oneshot::channel();
        let job = Box::new(move || {
            // Whoever asked may have gone.
            drop(sender.send(job()));
        });
        if self.queue.push(job)? {
            self.start_thread();
        }
        Ok(receiver)
    }

    fn start_thread(&self) {
        let mut threads = self.threads.lock();
        if threads.len() >= self.threads_max {
            return;
        }
        let queue = Arc::clone(&self.queue);
        let name = format!("worker-{}", threads.len());
        match std::thread::Builder::new()
            .name(name)
            .spawn(move || queue.work())
        {
            Ok(thread) => threads.push(thread),
            Err(error) => error!(%error, "cannot start a worker thread"),
        }
    }

    /// Finishes what is queued and ends the threads. Blocks until they have ended.
    pub(crate) fn stop(&self) {
        self.queue.stop();
        for thread in self.threads.lock().drain(..) {
            // A panic was reported when it happened.
            drop(thread.join());
        }
    }
}

impl Drop for Workers {
    /// Without [`Workers::stop`] the threads end on their own once the queue is empty.
    fn drop(&mut self) {
        self.queue.stop();
    }
}

impl Queue {
    fn stop(&self) {
        self.state.lock().is_stopped = true;
        self.ready.notify_all();
    }

    /// Returns whether another thread would be of use.
    fn push(&self, job: Job) -> Result<bool, Busy> {
        let mut state = self.state.lock();
        if state.is_stopped || state.jobs.len() >= self.jobs_max {
            return Err(Busy);
        }
        state.jobs.push_back(job);
        let needs_thread = state.idle_count < state.jobs.len();
        drop(state);
        self.ready.notify_one();
        Ok(needs_thread)
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err() {
                error!("a job of a worker thread panicked; its request is given up");
            }
        }
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.is_stopped {
                return None;
            }
            state.idle_count += 1;
            self.ready.wait(&mut state);
            state.idle_count -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_run_beside_each_other_and_a_panic_costs_one_of_them() {
        let workers = Workers::new(2, 10);
        let (sender, receiver) = std::sync::mpsc::sync_channel::<u8>(0);
        let waits = workers
            .run(move || receiver.recv().expect("sent"))
            .expect("room");
        let sends = workers
            .run(move || sender.send(7).expect("received"))
            .expect("room");
        sends.await.expect("ran");
        assert_eq!(waits.await.expect("ran"), 7);
        let panics = workers.run(|| panic!("told to")).expect("room");
        panics.await.expect_err("panicked");
        assert_eq!(workers.run(|| 1).expect("room").await, Ok(1));
        workers.stop();
        assert_eq!(workers.run(|| 1).expect_err("stopped"), Busy);
    }

    #[test]
    fn a_full_queue_refuses() {
        let workers = Workers::new(0, 1);
        workers.run(|| 1).expect("room");
        assert_eq!(workers.run(|| 1).expect_err("full"), Busy);
    }
}
