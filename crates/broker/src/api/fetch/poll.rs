//! Rounds until there is enough, or the time is over.

use std::sync::Arc;
use std::time::Duration;

use net::server::Reply;
use protocol::messages::fetch::{FetchResponse, NodeEndpoint};
use protocol::wire::Segments;
use tokio::time::Instant;
use tracing::warn;

use super::answer;
use super::round::{Cold, Reading, Round, Seen, Terms};
use crate::api::Responder;
use crate::api::hints::Hints;
use crate::fetch_session::Plan;
use crate::partition::FetchWait;
use crate::state::Core;
use crate::timers::Patience;

/// Less time than this is not worth another wait: the timer is no finer.
const TIMER_GRAIN: Duration = Duration::from_millis(5);

/// One fetch request under way. Owned by its reply.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) core: Arc<Core>,
    pub(super) plan: Plan,
    pub(super) terms: Terms,
    pub(super) listener: Arc<str>,
    pub(super) responder: Responder,
    /// When the answer is due, however little there is.
    pub(super) due: Instant,
    pub(super) min_bytes: usize,
    /// Which of the partitions were led here when the wait began, in the order of the plan: whoever
    /// waits at a leader is told when that is over, instead of waiting on at a follower.
    pub(super) led: Vec<bool>,
}

/// A round's answers with the addresses of the leaders they name.
type Found = (Round, Vec<NodeEndpoint>);

impl Fetch {
    /// Answers at once if the first round, in memory alone, finds enough.
    pub(super) fn start(self) -> Reply {
        match self.round(Reading::Cached) {
            Ok(found) if self.is_enough(&found.0) => match self.finish(found) {
                Some(segments) => Reply::Now(segments),
                None => Reply::Close("response cannot be encoded"),
            },
            Ok((round, _)) => Reply::Later(Box::pin(self.wait(round.seen, round.record_bytes))),
            Err(Cold) => {
                // Under way before anybody polls for the reply.
                let reading = self.read_on_worker();
                Reply::Later(Box::pin(async move {
                    let (fetch, found) = reading?.await.ok()?;
                    fetch.go_on(found).await
                }))
            }
        }
    }

    fn round(&self, reading: Reading) -> Result<Found, Cold> {
        let image = self.core.image();
        let mut hints = Hints::new(&image, &self.listener);
        let interests = &self.plan.interests;
        let round = Round::run(
            &self.core,
            &mut hints,
            interests,
            &self.led,
            &self.terms,
            reading,
        )?;
        Ok((round, answer::endpoints(&hints)))
    }

    fn is_enough(&self, round: &Round) -> bool {
        round.is_urgent
            || round.record_bytes >= self.min_bytes
            || self.plan.interests.is_empty()
            || Instant::now() + TIMER_GRAIN > self.due
    }

    /// A round where waiting for the disk is allowed. `None` if too many wait already.
    fn read_on_worker(self) -> Option<tokio::sync::oneshot::Receiver<(Self, Found)>> {
        let core = Arc::clone(&self.core);
        let queued = core.workers.run(move || {
            let found = self.round(Reading::Blocking);
            (
                self,
                found.unwrap_or_else(|Cold| unreachable!("a blocking read is never cold")),
            )
        });
        queued
            .inspect_err(|_| warn!("too many reads wait for the disk; a fetch is given up"))
            .ok()
    }

    async fn go_on(self, found: Found) -> Option<Segments> {
        if self.is_enough(&found.0) {
            return self.finish(found);
        }
        self.wait(found.0.seen, found.0.record_bytes).await
    }

    /// Waits for more, looks again, and so on.
    async fn wait(mut self, mut seen: Vec<Seen>, mut record_bytes: usize) -> Option<Segments> {
        // Errors do not wait, so there is one for each of the plan's interests.
        self.led = seen.iter().map(|one| one.is_leader).collect();
        loop {
            let missing_bytes = self.min_bytes.saturating_sub(record_bytes);
            let (wait, woken) = FetchWait::new(missing_bytes);
            let watching = Watching::begin(seen, wait);
            let left = self.due.saturating_duration_since(Instant::now());
            let patience = Patience::new(&self.core, left, watching.wait.clone());
            // The sender lives as long as `watching`.
            woken.await.ok()?;
            drop(patience);
            drop(watching);
            let found = match self.round(Reading::Cached) {
                Ok(found) => found,
                Err(Cold) => {
                    let found;
                    (self, found) = self.read_on_worker()?.await.ok()?;
                    found
                }
            };
            if self.is_enough(&found.0) {
                return self.finish(found);
            }
            (seen, record_bytes) = (found.0.seen, found.0.record_bytes);
        }
    }

    fn finish(self, (round, node_endpoints): Found) -> Option<Segments> {
        let now = self.core.clock.monotonic();
        let sessions = &self.core.fetch_sessions;
        let (session_id, answers) = sessions.finish(self.plan, round.answers, now, rand::random);
        let response = FetchResponse {
            session_id,
            responses: answer::by_topic(answers),
            node_endpoints: answer::if_allowed(node_endpoints, self.terms.version),
            ..FetchResponse::default()
        };
        self.responder.encode(&response)
    }
}

/// Watches partitions for as long as it lives.
struct Watching {
    wait: Arc<FetchWait>,
    seen: Vec<Seen>,
}

impl Watching {
    /// Begins where the round left off; a partition that has moved on since wakes the wait at once.
    fn begin(mut seen: Vec<Seen>, wait: Arc<FetchWait>) -> Self {
        seen.retain(|one| {
            let is_watched = one
                .partition
                .watch(&wait, one.leader_epoch, one.high_watermark);
            if !is_watched {
                wait.wake();
            }
            is_watched
        });
        Self { wait, seen }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        for one in &self.seen {
            one.partition.unwatch(&self.wait);
        }
    }
}
