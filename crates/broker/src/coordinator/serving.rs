//! A shard that has read its log, and who waits for its answers.

use std::collections::HashMap;
use std::time::Duration;

use ::coordinator::{Answer, Shard, Surroundings, Token};
use metadata::Delta;
use tokio::sync::oneshot;
use types::Offset;

use crate::partition::MayNot;

/// How soon it is looked again whether a partition that took no writes takes them.
const RETRY_AFTER: Duration = Duration::from_millis(200);
/// Members that could not be served are given so long to be heard again before they are given up.
const GRACE: Duration = Duration::from_secs(5);

/// A shard that has read its log.
pub(super) struct Serving {
    pub(super) shard: Shard,
    pub(super) waiting: Waiting,
    /// News of topics that could not be acted on yet.
    pub(super) postponed: Option<Delta>,
    /// Nothing can be written, or could not until a moment ago.
    pause: Option<Pause>,
}

/// Deadlines wait. Times are monotonic.
#[derive(Clone, Copy, Debug)]
struct Pause {
    /// When deadlines count again, if writes are taken from now on.
    until: Duration,
    /// When to look whether they are.
    look_at: Duration,
}

impl Serving {
    pub(super) fn new(shard: Shard) -> Self {
        Self {
            shard,
            waiting: Waiting::default(),
            postponed: None,
            pause: None,
        }
    }

    /// Answers leave. Returns when to look again.
    pub(super) fn finish(
        &mut self,
        at: &Surroundings<'_>,
        high_watermark: Offset,
    ) -> Option<Duration> {
        self.shard.on_high_watermark(at, high_watermark);
        for (token, answer) in self.shard.take_ready() {
            self.waiting.answer(token, answer);
        }
        match self.pause {
            Some(pause) => Some(pause.look_at),
            None => self.shard.next_deadline(),
        }
    }

    /// Whether deadlines have to wait. Whoever could not be served is not to blame for its silence.
    pub(super) fn is_paused(&mut self, may_write: Result<(), MayNot>, now: Duration) -> bool {
        let until = match (may_write, self.pause) {
            (Ok(()), None) => return false,
            (Ok(()), Some(pause)) if pause.until <= now => {
                self.pause = None;
                return false;
            }
            (Ok(()), Some(pause)) => pause.until,
            (Err(_), _) => now + GRACE,
        };
        self.pause = Some(Pause {
            until,
            look_at: now + RETRY_AFTER,
        });
        true
    }

    pub(super) fn postpone(&mut self, delta: &Delta, now: Duration) {
        match &mut self.postponed {
            Some(postponed) => postponed.merge(delta.clone()),
            None => self.postponed = Some(delta.clone()),
        }
        self.pause.get_or_insert(Pause {
            until: now,
            look_at: now,
        });
    }
}

/// Who waits for an answer.
#[derive(Default)]
pub(super) struct Waiting {
    senders: HashMap<Token, oneshot::Sender<Answer>>,
    /// Length at which those whose connection is gone are looked for and dropped.
    purge_at: usize,
}

/// Fewer are not worth looking through.
const PURGE_MIN: usize = 1024;

impl Waiting {
    pub(super) fn insert(&mut self, token: Token, sender: oneshot::Sender<Answer>) {
        if self.senders.len() >= self.purge_at.max(PURGE_MIN) {
            self.senders.retain(|_, sender| !sender.is_closed());
            self.purge_at = self.senders.len() * 2;
        }
        self.senders.insert(token, sender);
    }

    fn answer(&mut self, token: Token, answer: Answer) {
        if let Some(sender) = self.senders.remove(&token) {
            // The connection may be gone.
            drop(sender.send(answer));
        }
    }
}
