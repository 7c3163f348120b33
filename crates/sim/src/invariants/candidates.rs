//! Whoever may be elected has everything: each member of ISR and ELR holds what was ever exposed as
//! committed, and no replica cuts what it knew as committed.

use types::{NodeId, Offset};

use crate::message::Key;
use crate::world::World;

/// Its name in reports.
pub const NAME: &str = "candidates have everything";

impl World {
    /// Looks at all partitions of the newest image. Whoever may have lost something is passed over:
    /// that the cluster finds out is what the other invariants are about.
    pub fn check_candidates(&mut self) {
        let mut found = None;
        for topic in self.truth.newest.topics() {
            for (index, partition) in topic.partitions() {
                let key: Key = (topic.id(), index);
                let exposed = self.truth.exposed(key);
                for node in partition.isr.iter().chain(&partition.elr) {
                    let end = self.log_end(*node, key);
                    if end < exposed && !self.truth.is_suspect(key, *node) {
                        found = Some(format!(
                            "{node} may be elected for {}, ends at {end}, and {exposed} was exposed: {partition:?}",
                            self.name(key)
                        ));
                    }
                }
            }
        }
        if let Some(text) = found {
            self.violated(NAME, text);
        }
    }

    fn log_end(&self, node: NodeId, key: Key) -> Offset {
        let logs = self
            .machines
            .get(&node)
            .into_iter()
            .flat_map(|machine| &machine.logs);
        let mut ours = logs.filter(|(place, log)| place.1 == key.1 && log.topic_id() == key.0);
        ours.next().map_or(0, |(_, log)| log.end())
    }

    /// A follower cuts its log.
    pub fn check_cut(&mut self, id: NodeId, key: Key, is_below_high_watermark: bool) {
        let may = self.truth.is_suspect(key, id)
            || self.truth.is_excused(key)
            || self.truth.may_elect_uncleanly;
        if is_below_high_watermark && !may {
            let text = format!("{id} cuts {} below its own high watermark", self.name(key));
            self.violated(NAME, text);
        }
    }
}
