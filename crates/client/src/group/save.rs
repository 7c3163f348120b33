//! Saving how far a member has read: from time to time, when it gives something up, and at the end.
//! One commit at a time, so that an older one never comes after a newer one.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout_at};
use types::TopicPartition;

use super::commit::{Failed, Offsets};
use super::consumer::{Done, GroupConsumer};
use crate::admin::NewOffset;
use crate::{Error, Result};

impl GroupConsumer {
    pub(super) fn maybe_commit(&mut self, now: Instant) {
        if !self.config.is_auto_commit || self.commit_at > now {
            return;
        }
        self.commit_at = now + self.config.auto_commit_interval;
        let is_member = self.view.borrow().identity.generation >= 0;
        if self.is_committing || self.giving_up.is_some() || !is_member {
            return;
        }
        let offsets = self.unsaved(&self.assigned.clone());
        if !offsets.is_empty() {
            self.begin_commit(offsets);
        }
    }

    pub(super) fn begin_commit(&mut self, offsets: Offsets) {
        self.is_committing = true;
        let committer = self.committer.clone();
        let deadline = Instant::now() + self.commit_patience();
        self.work.push(Box::pin(async move {
            let result = committer.commit(&offsets, deadline).await;
            Done::Committed(offsets, result)
        }));
    }

    /// The others wait for a member that gives something up, and expel it in the end.
    pub(super) fn commit_patience(&self) -> Duration {
        let api_timeout = self.client.config().api_timeout;
        api_timeout.min(self.config.poll_interval_max / 2)
    }

    pub(super) fn on_committed(
        &mut self,
        offsets: Offsets,
        result: std::result::Result<(), Failed>,
    ) {
        self.is_committing = false;
        match result {
            Ok(()) => {
                let kept = offsets.into_iter();
                let kept = kept.filter(|(partition, _)| self.assigned.contains(partition));
                self.committed.extend(kept);
            }
            Err(failed) => {
                let group = &self.config.group_id;
                tracing::warn!(group, error = %failed.error, "the commit failed");
                self.disown(&failed);
            }
        }
        self.maybe_give_up();
    }

    pub(super) fn disown(&self, failed: &Failed) {
        if let Some(identity) = &failed.disowned {
            let identity = Some(identity.clone());
            self.orders.send_modify(|orders| orders.disowned = identity);
        }
    }

    pub(super) async fn commit_now(&mut self, offsets: Offsets, deadline: Instant) -> Result<()> {
        if offsets.is_empty() {
            return Ok(());
        }
        match self.committer.commit(&offsets, deadline).await {
            Ok(()) => {
                self.on_committed(offsets, Ok(()));
                Ok(())
            }
            Err(failed) => {
                self.disown(&failed);
                Err(failed.error)
            }
        }
    }

    /// Waits for a commit that is under way: a later one must not be overtaken by it.
    pub(super) async fn finish_commits(&mut self, deadline: Instant) -> Result<()> {
        while self.is_committing {
            match timeout_at(deadline, self.work.next()).await {
                Ok(Some(done)) => self.on_done(done)?,
                Ok(None) => return Ok(()),
                Err(_elapsed) => {
                    return Err(Error::TimedOut {
                        what: format!("commit of group {}", self.config.group_id),
                        after: self.client.config().api_timeout,
                        last: None,
                    });
                }
            }
        }
        Ok(())
    }

    pub(super) fn positions(&self) -> Offsets {
        let read = self.assigned.iter().filter_map(|partition| {
            let (offset, leader_epoch) = self.consumer.position_after(partition)?;
            let new = NewOffset {
                leader_epoch,
                ..NewOffset::from(offset)
            };
            Some((partition.clone(), new))
        });
        read.collect()
    }

    /// Positions that are not what was last committed.
    pub(super) fn unsaved(&self, partitions: &BTreeSet<TopicPartition>) -> Offsets {
        let mut positions = self.positions();
        positions.retain(|partition, position| {
            partitions.contains(partition) && self.committed.get(partition) != Some(position)
        });
        positions
    }
}
