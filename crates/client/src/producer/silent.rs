//! Leaders that keep their connection and say nothing: stopped, or cut off.
//!
//! ```text
//! request ── 1 s without an answer ─▶ who leads now? (every 250 ms)
//!                                        │ somebody else
//!                                        ▼
//!                     the connection is closed, all its batches go again in order
//! ```

use std::time::Duration;

use tokio::time::Instant;
use types::TopicPartition;

use super::sender::Sender;
use super::turn::Turn;

/// A leader that owes an answer for so long may be gone: others are asked who leads now.
const SILENT_AFTER: Duration = Duration::from_secs(1);
/// How often they are asked.
const SILENT_LOOK_EVERY: Duration = Duration::from_millis(250);

impl Sender {
    /// Asks who leads instead of a broker that owes an answer for long.
    pub(super) fn look_at_silent(&mut self, turn: &mut Turn) {
        let Some(silent_at) = self.routes.silent_at(SILENT_AFTER) else {
            return;
        };
        let look_at = silent_at.max(self.silent_look_at);
        match look_at <= turn.now {
            true => {
                self.silent_look_at = turn.now + SILENT_LOOK_EVERY;
                self.suspect_silent(turn.now);
                turn.wants_refresh = true;
            }
            false => turn.wake_at = turn.wake_at.min(look_at),
        }
    }

    /// Others shall be asked: one that is cut off answers at once, and believes that it leads.
    fn suspect_silent(&self, now: Instant) {
        let Some(moment) = now.checked_sub(SILENT_AFTER) else {
            return;
        };
        for (node_id, _) in self.routes.silent_since(moment) {
            if let Some(connection) = self.routes.connection(node_id) {
                self.shared.client.suspect(&connection.address);
            }
        }
    }

    /// Gives up waiting for silent brokers that do not lead any more what they were sent. All their
    /// batches go to the leaders of now, who know from the sequence numbers what is there already.
    /// Without such numbers what they still lead would be written twice, so all must have moved.
    pub(super) fn abandon_silent(&self, now: Instant) {
        let client = &self.shared.client;
        let cluster = client.cluster();
        let leads = |node_id: i32, partition: &TopicPartition| {
            let topic = cluster.topics.get(&partition.topic);
            let known = topic.and_then(|topic| topic.partition(partition.partition));
            known.is_none_or(|known| !known.has_leader() || known.leader == node_id)
        };
        let Some(moment) = now.checked_sub(SILENT_AFTER) else {
            return;
        };
        for (node_id, partitions) in self.routes.silent_since(moment) {
            let moved_count = partitions.iter().filter(|p| !leads(node_id, p)).count();
            let enough = match self.shared.config.is_idempotent {
                true => 1,
                false => partitions.len(),
            };
            if moved_count >= enough {
                tracing::debug!(node_id, "silent and no longer the leader: given up");
                if let Some(connection) = self.routes.connection(node_id) {
                    client.suspect(&connection.address);
                    connection.close();
                }
            }
        }
    }
}
