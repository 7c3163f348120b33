//! What a leader knows of those that follow it: signs of life, and how far they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::local::is_majority;
use super::raft_types::Membership;

/// Followers remembered at most. A quorum has a handful.
const FOLLOWERS_MAX: usize = 256;

/// Shared by those who hear and those who ask. Cheap to clone. The lock guards a small map and is
/// never held across a wait.
#[derive(Debug, Clone, Default)]
pub(crate) struct Followers(Arc<Mutex<BTreeMap<u64, Follower>>>);

/// When things happened last.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Follower {
    /// It answered a beat.
    pub(crate) beat_at: Option<Instant>,
    /// The newest beat that it answered was sent.
    pub(crate) answered_sent_at: Option<Instant>,
    /// It answered a request for entries.
    pub(crate) fetch_at: Option<Instant>,
    /// It had everything that there was when the request was sent.
    pub(crate) caught_up_at: Option<Instant>,
}

impl Followers {
    /// A follower has answered a beat.
    pub(crate) fn on_beat(&self, id: u64) {
        self.update(id, |follower| follower.beat_at = Some(Instant::now()));
    }

    /// A follower has answered the beat that was sent then. Answers may have waited somewhere for long:
    /// what counts is that the follower heard of this leader after that.
    pub(crate) fn on_answer(&self, id: u64, sent_at: Instant) {
        self.update(id, |follower| {
            follower.answered_sent_at = follower.answered_sent_at.max(Some(sent_at));
        });
    }

    /// A follower has stored what was sent then.
    pub(crate) fn on_stored(&self, id: u64, sent_at: Instant, was_everything: bool) {
        self.update(id, |follower| {
            follower.fetch_at = follower.fetch_at.max(Some(sent_at));
            if was_everything {
                follower.caught_up_at = follower.caught_up_at.max(Some(sent_at));
            }
        });
    }

    pub(crate) fn get(&self, id: u64) -> Follower {
        self.0.lock().get(&id).copied().unwrap_or_default()
    }

    /// Whether a majority, this node included, has answered a beat within that time.
    pub(crate) fn has_majority(&self, membership: &Membership, own: u64, within: Duration) -> bool {
        self.is_majority_since(membership, own, within, |follower| follower.beat_at)
    }

    /// Whether a majority, this node included, has answered beats that were sent within that time.
    pub(crate) fn has_proof(&self, membership: &Membership, own: u64, within: Duration) -> bool {
        self.is_majority_since(membership, own, within, |follower| {
            follower.answered_sent_at
        })
    }

    fn is_majority_since(
        &self,
        membership: &Membership,
        own: u64,
        within: Duration,
        time: impl Fn(&Follower) -> Option<Instant>,
    ) -> bool {
        let followers = self.0.lock();
        let is_alive = |id: &u64| {
            let at = followers.get(id).and_then(&time);
            *id == own || at.is_some_and(|at| at.elapsed() < within)
        };
        let alive: BTreeSet<u64> = membership.voter_ids().filter(is_alive).collect();
        is_majority(membership, &alive)
    }

    fn update(&self, id: u64, change: impl FnOnce(&mut Follower)) {
        let mut followers = self.0.lock();
        if followers.len() >= FOLLOWERS_MAX && !followers.contains_key(&id) {
            followers.clear();
        }
        change(followers.entry(id).or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quorum::testing::membership;

    #[tokio::test(start_paused = true)]
    async fn a_majority_is_counted_with_the_leader_and_without_the_silent() {
        let (followers, within) = (Followers::default(), Duration::from_secs(1));
        let three = membership(&[1, 2, 3]);
        assert!(!followers.has_majority(&three, 1, within));
        followers.on_beat(2);
        assert!(followers.has_majority(&three, 1, within));
        tokio::time::advance(within).await;
        assert!(!followers.has_majority(&three, 1, within));
        assert!(followers.has_majority(&membership(&[1]), 1, within));
        // A leader that is no voter any more does not count itself.
        assert!(!followers.has_majority(&membership(&[2]), 1, within));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_was_long_under_way_proves_nothing() {
        let (followers, within) = (Followers::default(), Duration::from_secs(1));
        let three = membership(&[1, 2, 3]);
        let sent_at = Instant::now();
        tokio::time::advance(within).await;
        followers.on_beat(2);
        followers.on_answer(2, sent_at);
        assert!(followers.has_majority(&three, 1, within));
        assert!(!followers.has_proof(&three, 1, within));
        followers.on_answer(2, Instant::now());
        followers.on_answer(2, sent_at);
        assert!(followers.has_proof(&three, 1, within));
        assert!(followers.has_proof(&membership(&[1]), 1, within));
    }
}
