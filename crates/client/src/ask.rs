//! Requests with retries: asked of the right broker, again while that may help, until
//! `default.api.timeout.ms` is over.

use std::sync::Arc;

use protocol::Request;
use tokio::time::{Instant, timeout_at};

use crate::backoff::Backoff;
use crate::connection::BrokerConnection;
use crate::{Client, Error, Result};

/// Looks at the brokers before one that is not among them is believed to be away.
const UNKNOWN_MAX: u32 = 2;

/// Whom to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whom<'a> {
    /// Any broker.
    Any,
    /// The controller; in KRaft any broker passes it on.
    Controller,
    /// This broker.
    Node(i32),
    /// The coordinator of this group.
    Coordinator(&'a str),
}

impl Whom<'_> {
    /// This broker, or any.
    pub(crate) fn node_or_any(node_id: Option<i32>) -> Self {
        node_id.map_or(Self::Any, Self::Node)
    }
}

impl Client {
    /// Asks, and asks again. `make` makes the request for the version that will be spoken; `check`
    /// finds an error in the answer that another try may mend. Returns that version, too.
    pub(crate) async fn ask<R: Request>(
        &self,
        whom: Whom<'_>,
        make: impl Fn(i16) -> R,
        check: impl Fn(&R::Response) -> Result<()>,
    ) -> Result<(i16, R::Response)> {
        self.ask_up_to(i16::MAX, whom, make, check).await
    }

    /// As [`Client::ask`], in a version that is not above `cap`.
    pub(crate) async fn ask_up_to<R: Request>(
        &self,
        cap: i16,
        whom: Whom<'_>,
        make: impl Fn(i16) -> R,
        check: impl Fn(&R::Response) -> Result<()>,
    ) -> Result<(i16, R::Response)> {
        let mut retry = Retry::new(self, R::KEY.name());
        let mut unknown_count = 0;
        loop {
            let attempt = timeout_at(retry.deadline, self.ask_once(cap, whom, &make)).await;
            let error = match attempt {
                Err(_elapsed) => return Err(retry.timed_out()),
                Ok(Err(error)) => error,
                Ok(Ok((version, response))) => match check(&response) {
                    Err(error) if error.is_retriable() => error,
                    _ => return Ok((version, response)),
                },
            };
            // The brokers have been asked anew since: this one is not there.
            if matches!((whom, &error), (Whom::Node(_), Error::UnknownBroker { .. })) {
                unknown_count += 1;
                if unknown_count > UNKNOWN_MAX {
                    return Err(error);
                }
            }
            if let Whom::Coordinator(group) = whom {
                self.forget_coordinator(group);
            }
            retry.on_error(error).await?;
        }
    }

    async fn ask_once<R: Request>(
        &self,
        cap: i16,
        whom: Whom<'_>,
        make: &impl Fn(i16) -> R,
    ) -> Result<(i16, R::Response)> {
        let connection = self.connection(whom).await?;
        let address = &connection.address;
        let version = connection.versions.choose_up_to(R::KEY, cap, address)?;
        let response = connection.request_version(&make(version), version).await?;
        Ok((version, response))
    }

    pub(crate) async fn connection(&self, whom: Whom<'_>) -> Result<Arc<BrokerConnection>> {
        match whom {
            Whom::Any => self.any_broker().await,
            Whom::Controller => self.controller().await,
            Whom::Node(id) => self.broker(id).await,
            Whom::Coordinator(group) => self.coordinator(group).await,
        }
    }
}

/// The time and the pauses of one call.
#[derive(Debug)]
pub(crate) struct Retry<'a> {
    client: &'a Client,
    what: String,
    pub(crate) deadline: Instant,
    backoff: Backoff,
    last: Option<Error>,
}

impl<'a> Retry<'a> {
    pub(crate) fn new(client: &'a Client, what: &str) -> Self {
        let config = client.config();
        Self {
            client,
            what: what.to_owned(),
            deadline: Instant::now() + config.api_timeout,
            backoff: Backoff::new(config.retry_backoff, config.retry_backoff_max),
            last: None,
        }
    }

    /// Waits before another try and looks the brokers up anew.
    ///
    /// # Errors
    /// The error itself if another try would not help, or that time is over.
    pub(crate) async fn on_error(&mut self, error: Error) -> Result<()> {
        if !error.is_retriable() {
            return Err(error);
        }
        tracing::debug!(what = self.what, %error, "will be tried again");
        self.last = Some(error);
        let pause = self.backoff.next_pause();
        if Instant::now() + pause >= self.deadline {
            return Err(self.timed_out());
        }
        tokio::time::sleep(pause).await;
        if let Ok(Err(error)) = timeout_at(self.deadline, self.client.refresh(&[], false)).await {
            self.last = Some(error);
        }
        Ok(())
    }

    /// Time is over.
    pub(crate) fn timed_out(&mut self) -> Error {
        Error::TimedOut {
            what: self.what.clone(),
            after: self.client.config().api_timeout,
            last: self.last.take().map(Arc::new),
        }
    }
}
