//! The open connections of one listener: those that have a task and those at rest.

use std::collections::HashMap;
use std::net::IpAddr;

use tokio::task::{Id, JoinSet};

use super::resting::{Resting, RestingSet};

/// Maps that are smaller than this are left as they are.
const SHRINK_ABOVE: usize = 64;

/// Open connections, and how many each address has. Owned by the listener's task.
pub(super) struct Connections {
    /// Each ends with what is left of its connection.
    pub(super) tasks: JoinSet<Option<Resting>>,
    pub(super) resting: RestingSet,
    /// Of those that have a task.
    addresses: HashMap<Id, IpAddr>,
    counts: HashMap<IpAddr, usize>,
}

impl Connections {
    pub(super) fn new() -> Self {
        Self {
            tasks: JoinSet::new(),
            resting: RestingSet::new(),
            addresses: HashMap::new(),
            counts: HashMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.tasks.len() + self.resting.len()
    }

    pub(super) fn count_of(&self, ip: IpAddr) -> usize {
        self.counts.get(&ip).copied().unwrap_or(0)
    }

    /// One more connection of that address.
    pub(super) fn on_opened(&mut self, ip: IpAddr) {
        *self.counts.entry(ip).or_default() += 1;
    }

    /// One less.
    pub(super) fn on_closed(&mut self, ip: IpAddr) {
        if let Some(count) = self.counts.get_mut(&ip) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&ip);
            }
        }
    }

    /// Gives a connection that is open a task.
    pub(super) fn spawn(
        &mut self,
        ip: IpAddr,
        task: impl Future<Output = Option<Resting>> + Send + 'static,
    ) {
        let id = self.tasks.spawn(task).id();
        self.addresses.insert(id, ip);
    }

    /// The task is gone; the connection may be at rest. Returns its address.
    pub(super) fn on_task_ended(&mut self, id: Id) -> Option<IpAddr> {
        let ip = self.addresses.remove(&id);
        let len = self.addresses.len();
        if self.addresses.capacity() > SHRINK_ABOVE.max(4 * len) {
            self.addresses.shrink_to(2 * len);
        }
        ip
    }
}
