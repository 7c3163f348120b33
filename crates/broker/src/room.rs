//! Whether there is room on the disks.
//!
//! ```text
//!  a write fails for want of space ─► full: asks to be fenced, so that others lead; refuses to follow
//!  space is there again            ─► not full: comes back, and catches up
//! ```
//!
//! Nothing is lost by a full disk, and nothing has to be repaired afterwards. The last replica of a
//! partition goes on serving what it has.

use std::sync::atomic::{AtomicBool, Ordering};

use storage::DirectorySize;
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::state::Core;

/// Room for a few segments' indexes and a good many batches, on disks of any size.
const ROOM_BYTES_MIN: u64 = 4 << 20;
const ROOM_BYTES_MAX: u64 = 1 << 30;
/// Share of a disk that has to be free before it counts as usable again.
const ROOM_SHARE: u64 = 20;

/// Whether the broker's disks take writes. Shared; a flag, no lock.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// Stored and loaded alone: it orders nothing else.
    is_full: AtomicBool,
    news: Notify,
}

impl Room {
    /// A write failed.
    pub(crate) fn on_failed_write(&self, error: &storage::Error) {
        if error.is_disk_full() && !self.is_full.swap(true, Ordering::Relaxed) {
            warn!(%error, "no room left on the disk: leaving the work to others until there is");
            self.news.notify_one();
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// Looks whether there is room again. To be asked while the disk is full.
    pub(crate) fn look(&self, sizes: &[DirectorySize]) {
        let mut online = sizes.iter().filter(|dir| dir.status.offline.is_none());
        if online.all(has_room) {
            self.is_full.store(false, Ordering::Relaxed);
            info!("there is room on the disk again");
            self.news.notify_one();
        }
    }

    /// Resolves when the disk became full, or usable again.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(crate) async fn changed(&self) {
        self.news.notified().await;
    }
}

fn has_room(dir: &DirectorySize) -> bool {
    let (Ok(total), Ok(usable)) = (
        u64::try_from(dir.total_bytes),
        u64::try_from(dir.usable_bytes),
    ) else {
        // Nobody knows: the next write will tell.
        return true;
    };
    usable >= (total / ROOM_SHARE).clamp(ROOM_BYTES_MIN, ROOM_BYTES_MAX)
}

impl Core {
    /// Whether this broker wants others to do its work: it cannot write, and every partition that it
    /// leads has somebody else who can lead it.
    pub(crate) fn wants_relief(&self) -> bool {
        if !self.room.is_full() {
            return false;
        }
        let image = self.image();
        let local = self.node_id();
        let led = image
            .topics()
            .flat_map(|topic| topic.partitions())
            .filter(|(_, partition)| partition.leader == Some(local));
        led.map(|(_, partition)| partition).all(|partition| {
            let mut others = partition.isr.iter().filter(|node| **node != local);
            others.any(|node| image.is_replica_live(partition, *node))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::PathBuf;
    use std::sync::Arc;

    use storage::DirStatus;
    use types::{DirectoryId, Uuid};

    use super::*;

    fn failure(kind: io::ErrorKind) -> storage::Error {
        storage::Error::Io {
            path: PathBuf::from("/data"),
            source: Arc::new(kind.into()),
        }
    }

    fn size(usable_bytes: i64) -> DirectorySize {
        DirectorySize {
            status: DirStatus {
                path: PathBuf::from("/data"),
                directory_id: DirectoryId(Uuid::ONE),
                offline: None,
            },
            total_bytes: 1000 << 20,
            usable_bytes,
            partitions: Vec::new(),
        }
    }

    #[test]
    fn a_full_disk_is_full_until_there_is_more_than_a_little_room() {
        let room = Room::default();
        room.on_failed_write(&failure(io::ErrorKind::PermissionDenied));
        assert!(!room.is_full());
        room.on_failed_write(&failure(io::ErrorKind::StorageFull));
        assert!(room.is_full());
        room.look(&[size(60 << 20), size(10 << 20)]);
        assert!(room.is_full());
        room.look(&[size(60 << 20), size(50 << 20)]);
        assert!(!room.is_full());
    }
}
