//! When there is nothing to look for: a leader whose followers all have what it has need not be looked at
//! until something happens.
//!
//! ```text
//!  propose ─► rest ─┬─► no: look again at the next turn
//!                   └─► yes: looks may be left out ─► wake(last look left out) ─► on_append, on_disconnect, …
//! ```
//!
//! A look that finds nothing leaves one trace all the same: the followers had caught up then, which is what
//! they are measured by once they fall behind. Waking makes up for it, so that a leader that rested proposes
//! what it would have proposed, when it would have.

use std::time::Duration;

use super::Leader;
use crate::Progress;

impl Leader {
    /// Rests if no look, however late and whoever is eligible by then, can find anything until something
    /// happens. Returns whether it rests. To be asked after [`Leader::propose`], with the same `now`.
    ///
    /// A leader that rests must be woken before it is told of anything. It may be looked at.
    pub fn rest(&mut self, now: Duration) -> bool {
        self.rests_since = self.may_rest().then_some(now);
        self.rests()
    }

    /// Whether looks may be left out.
    #[must_use]
    pub const fn rests(&self) -> bool {
        self.rests_since.is_some()
    }

    /// Something is about to happen. `last_look` is when the last look was due, whether it was made or left
    /// out. Returns whether the leader rested: it has to be looked at again from now on.
    pub fn wake(&mut self, last_look: Duration) -> bool {
        let Some(since) = self.rests_since.take() else {
            return false;
        };
        // At rest one look does for all: see the tests.
        let last_look = last_look.max(since);
        for progress in self.followers.values_mut() {
            let _look = progress.look(last_look, self.log_end_offset);
        }
        true
    }

    fn may_rest(&self) -> bool {
        let is_alone = self.followers.is_empty();
        let members = &self.registration.isr;
        let mut followers = self.followers.iter();
        let are_known = members
            .iter()
            .all(|node| *node == self.local || self.followers.contains_key(node));
        let is_settled = self.in_flight.is_none() && are_known && members.contains(&self.local);
        is_alone
            || is_settled
                && followers.all(|(node, progress)| {
                    if members.contains(node) {
                        self.stays(*progress)
                    } else {
                        !self.may_join(*progress)
                    }
                })
    }

    /// Whether an in-sync replica stays so however much time passes. It has a stream if it is at the end.
    fn stays(&self, progress: Progress) -> bool {
        let is_at_end = progress.log_end_offset() == Some(self.log_end_offset);
        is_at_end && !progress.has_lost && !progress.cannot_write
    }
}
