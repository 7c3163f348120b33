//! What this node has heard of its leader lately.
//!
//! ```text
//!   beats, entries ──▶ heard ──┐
//!   broken stream + refused ──▶ gone ──┼──▶ Contact ──▶ may others be elected? is it time to stand?
//!   its last beat ──▶ resigned ──┘
//! ```
//!
//! openraft 0.9 would refuse votes for a fixed time after each message of a leader, dead or not, and
//! would raise its term whenever it hears nothing. Both are decided here instead.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use types::NodeId;

use super::raft_types::Vote;

/// A leader: its term, and its node within the term.
pub(crate) type LeaderKey = (u64, u64);

/// Shared by those who hear and those who decide. Cheap to clone. The lock guards a few words and is
/// never held across a wait.
#[derive(Debug, Clone)]
pub(crate) struct Contact(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Wakes the one task that stands for election.
    news: Notify,
}

#[derive(Debug)]
struct State {
    leader: Option<LeaderKey>,
    heard_at: Instant,
    /// When this node last voted for another one.
    voted_at: Option<Instant>,
    /// When it last stood itself.
    stood_at: Option<Instant>,
    /// Requests of the leader that this node is working on.
    in_progress: u32,
    loss: Loss,
}

/// Whether silence is the only sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Nothing speaks against the leader but its silence.
    None,
    /// Its process is gone: nobody listens where it did.
    Gone,
    /// It has stepped down, and thinks that this node had better stand next.
    Resigned { successor: Option<NodeId> },
}

impl Contact {
    pub(crate) fn new() -> Self {
        let state = State {
            leader: None,
            heard_at: Instant::now(),
            voted_at: None,
            stood_at: None,
            in_progress: 0,
            loss: Loss::None,
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            news: Notify::new(),
        }))
    }

    /// A leader has shown that it lives. Older leaders count for nothing.
    pub(crate) fn heard(&self, vote: &Vote) {
        let key = key(vote);
        let mut state = self.0.state.lock();
        let resigned = matches!(state.loss, Loss::Resigned { .. }) && state.leader == Some(key);
        if resigned || state.leader.is_some_and(|known| known > key) {
            return;
        }
        state.leader = Some(key);
        state.heard_at = Instant::now();
        state.loss = Loss::None;
    }

    /// As [`Contact::heard`], and until the guard is dropped the leader counts as heard: it waits for
    /// us, not we for it.
    pub(crate) fn working_for(&self, vote: &Vote) -> Working {
        self.heard(vote);
        self.0.state.lock().in_progress += 1;
        Working {
            contact: self.clone(),
            leader: key(vote),
        }
    }

    /// This node has voted for somebody, who gets time to win.
    pub(crate) fn voted(&self) {
        self.0.state.lock().voted_at = Some(Instant::now());
    }

    /// This node stands for election.
    pub(crate) fn stands(&self) {
        self.0.state.lock().stood_at = Some(Instant::now());
    }

    /// Whether an election that this node takes part in began within that time.
    pub(crate) fn is_electing(&self, within: Duration) -> bool {
        let state = self.0.state.lock();
        let last = state.voted_at.max(state.stood_at);
        last.is_some_and(|at| at.elapsed() < within)
    }

    /// This node was not looking, so the silence of others proves nothing.
    pub(crate) fn forgive(&self) {
        self.0.state.lock().heard_at = Instant::now();
    }

    /// The leader is lost, for a better reason than silence. Says whether that is news.
    pub(crate) fn lost(&self, leader: LeaderKey, loss: Loss) -> bool {
        let mut state = self.0.state.lock();
        let is_news = state.leader.is_none_or(|known| known <= leader) && state.loss != loss;
        if is_news {
            state.leader = Some(leader);
            state.loss = loss;
            drop(state);
            self.0.news.notify_one();
        }
        is_news
    }

    /// Whether a leader was heard within that time, and nothing else speaks against it.
    pub(crate) fn is_fresh(&self, within: Duration) -> bool {
        let state = self.0.state.lock();
        let is_silent = state.in_progress == 0 && state.heard_at.elapsed() >= within;
        state.leader.is_some() && state.loss == Loss::None && !is_silent
    }

    /// What speaks against the leader, when it was last heard, and when this node last voted.
    pub(crate) fn state(&self) -> (Loss, Instant, Option<Instant>) {
        let state = self.0.state.lock();
        let heard_at = match state.in_progress {
            0 => state.heard_at,
            _ => Instant::now(),
        };
        (state.loss, heard_at, state.voted_at)
    }

    /// Resolves when a leader was lost since the last call.
    ///
    /// # Cancel safety
    /// Cancel-safe. For one task only.
    pub(crate) async fn news(&self) {
        self.0.news.notified().await;
    }
}

/// This node works on a request of its leader.
#[derive(Debug)]
pub(crate) struct Working {
    contact: Contact,
    leader: LeaderKey,
}

impl Drop for Working {
    fn drop(&mut self) {
        let mut state = self.contact.0.state.lock();
        state.in_progress = state.in_progress.saturating_sub(1);
        // That a piece of work is done is no sign that a leader which is gone has come back.
        if state.leader == Some(self.leader) {
            state.heard_at = Instant::now();
        }
    }
}

pub(crate) const fn key(vote: &Vote) -> LeaderKey {
    (vote.leader_id.term, vote.leader_id.node_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(500);

    fn leader(term: u64, node: u64) -> Vote {
        Vote::new_committed(term, node)
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_is_fresh_until_it_has_been_silent_for_long() {
        let contact = Contact::new();
        assert!(!contact.is_fresh(SHORT), "there is none yet");
        contact.heard(&leader(1, 1));
        tokio::time::advance(SHORT / 2).await;
        assert!(contact.is_fresh(SHORT));
        tokio::time::advance(SHORT / 2).await;
        assert!(!contact.is_fresh(SHORT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_waits_for_us_is_not_silent() {
        let contact = Contact::new();
        let working = contact.working_for(&leader(1, 1));
        tokio::time::advance(SHORT * 10).await;
        assert!(contact.is_fresh(SHORT));
        drop(working);
        assert!(contact.is_fresh(SHORT));
        tokio::time::advance(SHORT).await;
        assert!(!contact.is_fresh(SHORT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_whose_process_is_gone_is_lost_until_it_or_another_is_heard() {
        let contact = Contact::new();
        contact.heard(&leader(2, 1));
        assert!(!contact.lost((1, 3), Loss::Gone), "an older one");
        assert!(contact.is_fresh(SHORT));
        assert!(contact.lost((2, 1), Loss::Gone));
        assert!(!contact.lost((2, 1), Loss::Gone), "known already");
        assert!(!contact.is_fresh(SHORT));
        contact.heard(&leader(1, 2));
        assert!(!contact.is_fresh(SHORT), "an older one");
        contact.heard(&leader(3, 2));
        assert!(contact.is_fresh(SHORT));
    }
}
