//! The first image: which logs on disk are this broker's.

use metadata::{Delta, MetadataImage};
use storage::LoadDecision;
use tracing::{error, info, warn};
use types::{NodeId, TopicId, TopicPartition};

use crate::broker::BrokerError;
use crate::state::Core;

/// Opens the logs that the image assigns to this broker, creates those that are missing, sets aside
/// those that are nobody's, and shows the image to requests.
pub(super) fn load(core: &Core, image: MetadataImage) -> Result<(), BrokerError> {
    let report = core.log_dirs.load(&|topic_partition, topic_id| {
        if is_assigned(&image, core.node_id(), topic_partition, topic_id) {
            LoadDecision::Open(
                core.topic_settings(&image, &topic_partition.topic)
                    .log
                    .clone(),
            )
        } else {
            LoadDecision::Stray
        }
    });
    for (partition, recovery) in &report.opened {
        if recovery.cut_bytes > 0 {
            warn!(%partition, ?recovery, "unfinished records at the end of the log were cut off");
        }
    }
    for (partition, error) in &report.failed {
        error!(%partition, %error, "log cannot be opened; the partition is offline here");
    }
    for path in &report.strays {
        warn!(path = %path.display(), "no partition of this broker; set aside");
    }
    info!(
        logs = report.opened.len(),
        metadata_offset = image.offset(),
        "logs are open"
    );
    let delta = Delta::between(&MetadataImage::empty(), &image);
    core.apply(image, &delta);
    if core
        .log_dirs
        .status()
        .iter()
        .all(|dir| dir.offline.is_some())
    {
        return Err(BrokerError::NoLogDir);
    }
    Ok(())
}

/// Whether the replica is this broker's. A log without an id is as old as its folder's name.
fn is_assigned(
    image: &MetadataImage,
    local: NodeId,
    topic_partition: &TopicPartition,
    topic_id: Option<TopicId>,
) -> bool {
    let Some(topic) = image.topic(&topic_partition.topic) else {
        return false;
    };
    let is_same = topic_id.is_none_or(|id| id == topic.id());
    let partition = topic.partition(topic_partition.partition);
    is_same && partition.is_some_and(|partition| partition.replicas.contains(&local))
}
