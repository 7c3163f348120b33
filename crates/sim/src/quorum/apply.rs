//! What follows from a commit: entries are replayed, snapshots taken and installed, brokers fed.

use std::sync::Arc;

use metadata::{replay, snapshot};
use types::{NodeId, Offset};

use super::raft::{ENTRIES_MAX, image_of};
use super::store::Snapshot;
use crate::message::Message;
use crate::say;
use crate::world::World;

/// Entries after which a snapshot is taken.
const SNAPSHOT_ENTRIES: i64 = 40;

impl World {
    /// Everything below `end` is committed.
    pub(super) fn commit(&mut self, id: NodeId, end: Offset) {
        while self.controller(id).committed < end {
            let controller = self.controller(id);
            let offset = controller.committed;
            let Some(entry) = controller.store.get(offset).cloned() else {
                return;
            };
            let before = controller.image.clone();
            let replayed = replay(&before, offset, &entry.records);
            let Ok((image, delta)) = replayed else {
                let error = format!("committed entry {offset} does not fit: {replayed:?}");
                return self.violated("replay", error);
            };
            let controller = self.controller(id);
            controller.committed = offset + 1;
            controller.image = image.clone();
            self.truth.on_image(id, &image);
            self.on_committed(id, offset, &entry, &before, &image, &delta);
        }
        self.maybe_snapshot(id);
        self.feed_tails(id);
        self.run_active(id);
    }

    /// Takes another controller's snapshot, if it is ahead.
    pub(super) fn install(&mut self, id: NodeId, snapshot: Snapshot) {
        let controller = self.controller(id);
        if snapshot.end <= controller.committed {
            return;
        }
        controller.committed = snapshot.end;
        controller.image = image_of(&snapshot);
        controller.store.install(snapshot);
        say!(
            self,
            id,
            "installed a snapshot up to {}",
            self.controllers[&id].committed
        );
        let image = self.controller(id).image.clone();
        self.truth.on_image(id, &image);
        self.feed_tails(id);
    }

    fn maybe_snapshot(&mut self, id: NodeId) {
        let controller = self.controller(id);
        let end = controller.committed;
        if end - controller.store.start < SNAPSHOT_ENTRIES {
            return;
        }
        let last_term = controller.store.term_at(end - 1).unwrap_or(0);
        let records = Arc::from(snapshot(&controller.image));
        controller.store.take_snapshot(Snapshot {
            end,
            last_term,
            records,
        });
    }

    /// A broker wants what follows.
    pub(super) fn on_tail(&mut self, id: NodeId, broker: (NodeId, u32), offset: Offset) {
        self.controller(id).tails.insert(broker, offset);
        self.feed_tails(id);
    }

    /// Tells waiting brokers what they do not have.
    fn feed_tails(&mut self, id: NodeId) {
        let controller = self.controller(id);
        let committed = controller.committed;
        let mut fed = Vec::new();
        for (broker, offset) in &controller.tails {
            if *offset >= committed {
                continue;
            }
            let store = &controller.store;
            let message = if *offset >= store.start {
                let count = usize::try_from(committed - offset).unwrap_or(0);
                Message::Entries(*offset, store.from(*offset, count.min(ENTRIES_MAX)))
            } else {
                let records = Arc::from(snapshot(&controller.image));
                Message::Snapshot(committed - 1, records)
            };
            fed.push((*broker, message));
        }
        for ((broker, process), message) in fed {
            self.controller(id).tails.remove(&(broker, process));
            self.send(id, broker, Some(process), message);
        }
    }
}
