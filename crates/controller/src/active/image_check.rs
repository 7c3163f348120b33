//! Whether brokers hold the same metadata as the controller: every node replays the same records into
//! the same image, and if one does not, somebody has to know.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use metadata::{MetadataImage, content_hash};
use rpc::ImageHash;
use tokio_util::task::TaskTracker;
use types::NodeId;

/// Images kept for comparison; they share nearly everything. A broker that is further behind is
/// compared another time.
const RECENT_MAX: usize = 64;
/// A comparison walks over the whole image, so a broker gets no more than one in this time.
const PAUSE: Duration = Duration::from_secs(1);

/// The newest images. Owned by the deciding task.
#[derive(Debug, Default)]
pub(super) struct ImageCheck {
    recent: VecDeque<Arc<MetadataImage>>,
    compared_at: BTreeMap<NodeId, Duration>,
}

impl ImageCheck {
    /// Notes the newest committed image.
    pub(super) fn on_image(&mut self, image: &Arc<MetadataImage>) {
        if self
            .recent
            .back()
            .is_some_and(|last| last.offset() >= image.offset())
        {
            return;
        }
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(Arc::clone(image));
    }

    /// Compares what a broker says of its image, in the background.
    pub(super) fn compare(
        &mut self,
        broker: NodeId,
        theirs: ImageHash,
        now: Duration,
        tasks: &TaskTracker,
    ) {
        let is_soon = |last: &Duration| now.saturating_sub(*last) < PAUSE;
        if self.compared_at.get(&broker).is_some_and(is_soon) {
            return;
        }
        let Some(image) = self.at(theirs.offset) else {
            return;
        };
        self.compared_at.insert(broker, now);
        tasks.spawn_blocking(move || {
            let ours = content_hash(&image);
            let (offset, theirs) = (theirs.offset, theirs.hash);
            if ours == theirs {
                tracing::debug!(%broker, offset, "a broker's metadata are the controller's");
            } else {
                tracing::error!(
                    %broker, offset, ours, theirs,
                    "a broker's metadata differ from the controller's: it may follow other leaders \
                     than the rest of the cluster; restart it, and report this as a bug"
                );
            }
        });
    }

    fn at(&self, offset: metadata::MetadataOffset) -> Option<Arc<MetadataImage>> {
        let found = self
            .recent
            .iter()
            .rev()
            .find(|image| image.offset() == offset);
        found.map(Arc::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::testing::Cluster;

    #[test]
    fn only_the_newest_images_are_kept() {
        let mut check = ImageCheck::default();
        let mut cluster = Cluster::of(1);
        let first = cluster.image.offset();
        for _ in 0..RECENT_MAX + 5 {
            check.on_image(&Arc::new(cluster.image.clone()));
            check.on_image(&Arc::new(cluster.image.clone()));
            cluster.commit(&[]);
        }
        assert!(check.at(first).is_none());
        let last = cluster.image.offset() - 1;
        assert_eq!(check.at(last).map(|image| image.offset()), Some(last));
        assert_eq!(check.recent.len(), RECENT_MAX);
    }
}
