//! Tells the controller in which log directories this broker keeps its replicas, where the metadata say
//! something else: it has to know what is gone when a disk fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rpc::assign_directories::ASSIGNMENTS_MAX;
use rpc::{DirectoryAssignment, Error};
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use types::{DirectoryId, PartitionIndex, TopicId};

use crate::broker::BrokerError;
use crate::state::Core;

/// How long a request may look for a controller before it is made again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// Before a request that failed is made again.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// What the controller is to be told. Bounded by the number of replicas.
#[derive(Debug, Default)]
pub(crate) struct DirectoryQueue {
    directories: Mutex<BTreeMap<(TopicId, PartitionIndex), DirectoryId>>,
    news: Notify,
}

impl DirectoryQueue {
    /// The replica lives in that directory, and the metadata do not say so.
    pub(crate) fn add(&self, topic_id: TopicId, index: PartitionIndex, directory: DirectoryId) {
        let mut directories = self.directories.lock();
        directories.insert((topic_id, index), directory);
        drop(directories);
        self.news.notify_one();
    }

    fn take(&self) -> Vec<DirectoryAssignment> {
        let directories = std::mem::take(&mut *self.directories.lock());
        let assignments = directories.into_iter();
        assignments
            .map(|((topic_id, index), directory)| DirectoryAssignment {
                topic_id,
                index,
                directory,
            })
            .collect()
    }
}

/// Tells the controller of all replicas, until `stop`.
///
/// # Errors
/// None: what fails is tried again.
pub(crate) async fn assign_directories(
    core: Arc<Core>,
    stop: CancellationToken,
) -> Result<(), BrokerError> {
    loop {
        let assignments = core.replication.directories.take();
        for some in assignments.chunks(ASSIGNMENTS_MAX) {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = assign(&core, some) => {}
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = core.replication.directories.news.notified() => {}
        }
    }
}

async fn assign(core: &Core, assignments: &[DirectoryAssignment]) {
    loop {
        let (node, epoch) = (core.node_id(), core.broker_epoch());
        let answers = core
            .controllers
            .assign_directories(node, epoch, assignments, REQUEST_TIMEOUT)
            .await;
        match answers {
            Ok(answers) => {
                for refusal in answers.into_iter().filter_map(Result::err) {
                    // The partition is gone, or has gone elsewhere.
                    debug!(%refusal, "a directory is not assigned");
                }
                return;
            }
            Err(error @ Error::Rejected { .. }) => {
                return warn!(%error, "directories are not assigned");
            }
            Err(error) => {
                warn!(%error, count = assignments.len(), "directories are not assigned yet");
                sleep(RETRY_PAUSE).await;
            }
        }
    }
}
