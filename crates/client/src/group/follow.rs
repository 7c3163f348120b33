//! Following what the group says: giving up, committing what was given up, and taking over.

use std::collections::BTreeSet;

use types::TopicPartition;

use super::commit::Offsets;
use super::consumer::{CHANGES_MAX, Change, Done, GivingUp, GroupConsumer};
use super::member::View;
use super::start::Start;
use crate::Result;
use crate::admin::NewOffset;

impl GroupConsumer {
    /// Takes in what the group says this member may read.
    pub(super) fn follow_view(&mut self) -> Result<()> {
        if self.giving_up.is_some() {
            self.maybe_give_up();
            return Ok(());
        }
        let view = self.view.borrow_and_update().clone();
        if let Some(failure) = view.failure {
            return Err(failure);
        }
        if view.loss_count != self.loss_count {
            self.loss_count = view.loss_count;
            let lost = std::mem::take(&mut self.assigned);
            lost.iter().for_each(|partition| self.stop(partition));
            self.remember(Change::Lost(lost.into_iter().collect()));
        }
        if view.revision == self.applied {
            return Ok(());
        }
        let revoked: Vec<_> = self
            .assigned
            .difference(&view.partitions)
            .cloned()
            .collect();
        if revoked.is_empty() {
            self.apply(&view);
            return Ok(());
        }
        let revoked_set: BTreeSet<_> = revoked.iter().cloned().collect();
        let offsets = match self.config.is_auto_commit {
            true => self.unsaved(&revoked_set),
            false => Offsets::new(),
        };
        for partition in &revoked {
            self.assigned.remove(partition);
            self.stop(partition);
        }
        self.remember(Change::Revoked(revoked));
        self.giving_up = Some(GivingUp {
            view,
            offsets,
            is_committing: false,
        });
        self.maybe_give_up();
        Ok(())
    }

    /// Commits what is being given up, as soon as no other commit is under way; then the view is
    /// followed.
    pub(super) fn maybe_give_up(&mut self) {
        if self.is_committing {
            return;
        }
        let Some(giving_up) = &mut self.giving_up else {
            return;
        };
        if !giving_up.offsets.is_empty() && !giving_up.is_committing {
            giving_up.is_committing = true;
            let offsets = giving_up.offsets.clone();
            self.begin_commit(offsets);
            return;
        }
        if let Some(giving_up) = self.giving_up.take() {
            self.apply(&giving_up.view);
        }
    }

    /// Nothing of what the view lacks is read any more; reads what it adds.
    pub(super) fn apply(&mut self, view: &View) {
        let added = view.partitions.difference(&self.assigned).cloned();
        let added: Vec<TopicPartition> = added.collect();
        self.applied = view.revision;
        if !added.is_empty() {
            self.assigned.extend(added.iter().cloned());
            let revision = view.revision;
            self.starting
                .extend(added.iter().map(|key| (key.clone(), revision)));
            let (starter, asked) = (self.starter.clone(), added.clone());
            self.work.push(Box::pin(async move {
                Done::Started(revision, starter.starts(&asked).await)
            }));
            self.remember(Change::Assigned(added));
        }
        let applied = self.applied;
        self.orders.send_modify(|orders| orders.applied = applied);
    }

    pub(super) fn stop(&mut self, partition: &TopicPartition) {
        self.consumer.unassign(partition);
        self.starting.remove(partition);
        self.committed.remove(partition);
    }

    pub(super) fn remember(&mut self, change: Change) {
        if self.changes.len() >= CHANGES_MAX {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
    }

    pub(super) fn on_done(&mut self, done: Done) -> Result<()> {
        match done {
            Done::Started(revision, starts) => {
                for (partition, start) in starts? {
                    // It may have been given up since, and even given back: others have read on.
                    if self.starting.get(&partition) == Some(&revision) {
                        self.starting.remove(&partition);
                        self.begin(partition, start);
                    }
                }
            }
            Done::Committed(offsets, result) => self.on_committed(offsets, result),
        }
        Ok(())
    }

    pub(super) fn begin(&mut self, partition: TopicPartition, start: Start) {
        let (offset, leader_epoch) = (start.offset, start.leader_epoch);
        self.consumer
            .assign_after(partition.clone(), offset, leader_epoch);
        if start.is_committed {
            let committed = NewOffset {
                leader_epoch,
                ..NewOffset::from(offset)
            };
            self.committed.insert(partition, committed);
        }
    }
}
