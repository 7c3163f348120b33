//! Threads of its own for the controller of a cluster.
//!
//! Voters judge each other by signs of life every 200 ms. On the threads that serve clients a burst of
//! work could stand in front of them; here only the operating system can, and it is fair.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;
use crate::machine;

/// A runtime apart. Its tasks end when it is dropped.
#[derive(Debug)]
pub(crate) struct Apart(Option<Runtime>);

impl Apart {
    pub(crate) fn start() -> Result<Self, Failure> {
        let started = Builder::new_multi_thread()
            .worker_threads(threads())
            .thread_name("raudal-quorum")
            .enable_all()
            .build();
        let started =
            started.map_err(|error| Failure::Other(format!("cannot start threads: {error}")))?;
        Ok(Self(Some(started)))
    }

    /// Runs the work there, and whatever it spawns.
    ///
    /// # Cancel safety
    /// The work goes on when its caller does not wait.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let Some(runtime) = &self.0 else {
            return work.await;
        };
        let done = runtime.spawn(work).await;
        done.unwrap_or_else(|error| Err(Failure::Other(format!("the controller: {error}"))))
    }
}

/// One for what takes a while, such as a decision on many partitions, and one for the rest. Where there are
/// few processors, one for both: most of the second one's work would be to be woken. A decision takes some
/// milliseconds for each thousand partitions, and others wait longer than half a second for a sign of life.
fn threads() -> usize {
    if machine::has_few_processors() { 1 } else { 2 }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // Waiting is not allowed on a thread that runs tasks, and there is nothing to wait for.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
