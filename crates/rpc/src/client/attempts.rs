//! Trying again: which controller next, after how long, until when.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::{Code, Status};
use types::ErrorCode;

use super::pool::{Peer, Pool};
use crate::Error;
use crate::status;

/// The tries of one call. Asks the controller believed to be active; a hint is followed at once,
/// anything else goes round the known controllers with growing, jittered pauses.
#[derive(Debug)]
pub(super) struct Attempts<'a> {
    pool: &'a Pool,
    peer: Arc<Peer>,
    started: Instant,
    deadline: Option<Instant>,
    /// For one try.
    patience: Duration,
    failures: u32,
}

impl<'a> Attempts<'a> {
    pub(super) fn within(pool: &'a Pool, timeout: Duration) -> Self {
        let started = Instant::now();
        Self::new(pool, started, started.checked_add(timeout))
    }

    pub(super) fn forever(pool: &'a Pool) -> Self {
        Self::new(pool, Instant::now(), None)
    }

    fn new(pool: &'a Pool, started: Instant, deadline: Option<Instant>) -> Self {
        Self {
            pool,
            peer: pool.active(),
            started,
            deadline,
            patience: pool.config().try_timeout,
            failures: 0,
        }
    }

    /// With less patience for each try.
    pub(super) const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub(super) fn peer(&self) -> &Peer {
        &self.peer
    }

    /// How long the next try may take.
    pub(super) fn try_timeout(&self) -> Duration {
        let patience = self.patience;
        match self.deadline {
            Some(deadline) => patience.min(deadline.saturating_duration_since(Instant::now())),
            None => patience,
        }
    }

    /// Runs one try within its time.
    pub(super) async fn bound<T>(
        &self,
        ask: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Status> {
        let until = Instant::now() + self.try_timeout();
        timeout_at(until, ask)
            .await
            .unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer in time")))
    }

    /// Chooses the next controller and waits for its turn, or says why there is no next try.
    pub(super) async fn on_failure(&mut self, status: &Status) -> Result<(), Error> {
        // Who has all the time there is has nowhere else to go: a refusal is a reason to ask again.
        if let Some(error) = refusal(status)
            && self.deadline.is_some()
        {
            return Err(error);
        }
        self.failures = self.failures.saturating_add(1);
        let followed =
            status::leader_hint(status).is_some_and(|hint| self.pool.follow(&self.peer, &hint));
        if !followed {
            self.pool.leave(&self.peer);
        }
        // Two controllers that each name the other must not be asked in a busy loop.
        let pause = match (followed, self.failures) {
            (true, 1) => Duration::ZERO,
            (_, failures) => self.backoff(failures),
        };
        let resume = Instant::now() + pause;
        if self.deadline.is_some_and(|deadline| resume >= deadline) {
            return Err(Error::NoController {
                waited: self.started.elapsed(),
                last: status.message().to_owned(),
            });
        }
        sleep_until(resume).await;
        self.peer = self.pool.active();
        Ok(())
    }

    fn backoff(&self, failures: u32) -> Duration {
        let config = self.pool.config();
        let doubled = config.backoff_min.saturating_mul(1 << failures.min(16));
        doubled
            .min(config.backoff_max)
            .mul_f64(rand::rng().random_range(0.5..1.0))
    }
}

/// The error for a status that no other controller would answer differently.
fn refusal(status: &Status) -> Option<Error> {
    let message = || status.message().to_owned();
    match (status::error_code(status), status.code()) {
        (Some(code), _) if has_moved(code) => None,
        (Some(code), _) => Some(Error::Rejected {
            code,
            message: message(),
        }),
        (None, Code::InvalidArgument | Code::Unimplemented | Code::DataLoss) => {
            Some(Error::Malformed(message()))
        }
        (None, _) => None,
    }
}

/// Refusals that only say "not here" or "not now".
const fn has_moved(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::NotController | ErrorCode::RequestTimedOut)
}
