//! The high watermark: never ahead of anybody who counts, never back, never alone.

use types::{NodeId, Offset};

use super::Truth;
use crate::broker::Role;
use crate::message::Key;
use crate::world::World;

/// Its name in reports.
pub const NAME: &str = "high watermark";

impl Truth {
    fn on_exposed(&mut self, key: Key, high_watermark: Offset) {
        let truth = self.partition(key);
        if !truth.is_excused {
            truth.exposed = truth.exposed.max(high_watermark);
        }
    }
}

impl World {
    /// A leader's high watermark moved: whoever is in its ISR and follows it now must have all below.
    pub fn check_moved(&mut self, id: NodeId, key: Key, high_watermark: Offset) {
        self.truth.on_exposed(key, high_watermark);
        let Some((replica, log)) = self.replica(id, key) else {
            return;
        };
        let (start, end) = (log.start(), log.end());
        let last = log.get(high_watermark - 1).copied();
        let Role::Leader(leader) = &replica.role else {
            return;
        };
        let epoch = leader.leader_epoch();
        let members = leader.registration().isr.clone();
        if high_watermark > end {
            let text = format!("{id}: {high_watermark} beyond the log's {start}..{end}");
            return self.violated(NAME, text);
        }
        for member in members.into_iter().filter(|member| *member != id) {
            if !self.is_up(member) || self.truth.is_suspect(key, member) {
                continue;
            }
            let Some((theirs, log)) = self.replica(member, key) else {
                continue;
            };
            if theirs.leader_epoch() != epoch || log.start() >= high_watermark {
                continue;
            }
            let found = log.get(high_watermark - 1).copied();
            if last.is_some() && found != last {
                let text = format!(
                    "{id} commits below {high_watermark} in epoch {epoch}, where it has {last:?} and {member} of its isr {found:?}"
                );
                return self.violated(NAME, text);
            }
        }
    }

    /// A leader that answers "latest" must not answer less than any leader before.
    pub fn check_watermarks(&mut self, id: NodeId) {
        let Some(broker) = self.brokers.get(&id) else {
            return;
        };
        let mut found = None;
        for (key, replica) in &broker.replicas {
            let Role::Leader(leader) = &replica.role else {
                continue;
            };
            let newest = self
                .truth
                .newest
                .partition(key.0, key.1)
                .map(|p| p.leader_epoch);
            let exposed = self.truth.exposed(*key);
            let high_watermark = leader.high_watermark();
            if newest == Some(leader.leader_epoch())
                && leader.may_answer_latest()
                && high_watermark < exposed
            {
                found = Some(format!(
                    "{id} answers {high_watermark} as latest, and {exposed} was exposed before"
                ));
            }
        }
        if let Some(text) = found {
            self.violated(NAME, text);
        }
    }
}
