//! Durable topics: what is written is synced a while later, and counts from then on.

use types::NodeId;

use super::Role;
use crate::draw::ms;
use crate::event::Timer;
use crate::message::Key;
use crate::world::World;

impl World {
    /// The partition has more to sync, if its topic is durable.
    pub fn ask_sync(&mut self, id: NodeId, key: Key) {
        if !self.plan.is_durable {
            return;
        }
        let Some((replica, log)) = self.replica(id, key) else {
            return;
        };
        if log.durable_end() < log.end() && !replica.is_syncing {
            replica.is_syncing = true;
            self.set_timer(id, ms(4), Timer::Sync(key));
        }
    }

    /// A sync returns: what was written meanwhile is the next one's.
    pub fn on_sync(&mut self, id: NodeId, key: Key) {
        self.wake_leader(id, key);
        let Some((replica, log)) = self.replica(id, key) else {
            return;
        };
        replica.is_syncing = false;
        log.sync();
        let durable = log.durable_end();
        match &mut replica.role {
            Role::Leader(leader) => {
                let moved = leader.on_durable(durable);
                self.on_moved(id, key, moved);
            }
            Role::Follower(_) => self.acknowledge(id, key),
        }
    }
}
