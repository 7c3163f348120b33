//! The task beside the application: speaks for the member, so that heartbeats go on while records
//! are being worked on. Ends when the member has left or cannot be one, or the application is gone.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep_until};
use types::Uuid;

use super::config::{GroupConfig, GroupProtocol};
use super::exchange::exchange;
use super::lookup::{self, Found};
use super::member::{Identity, Interest, Member, Request, Response, Step, Topics, View};
use super::selection::Selection;
use crate::client::Lane;
use crate::{Client, Error, Result};

/// A rebalance may last as long as the slowest member may take; its answer takes a little more.
const JOIN_SLACK: Duration = Duration::from_secs(5);
/// How often to look again for topics that are not known yet.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Nothing is planned for so long.
const FAR: Duration = Duration::from_secs(3600);

/// What the application says to the driver. All of it is state: the newest is enough.
#[derive(Debug, Clone, Default)]
pub(super) struct Orders {
    /// The last view that was followed.
    pub(super) applied: u64,
    /// An identity that a commit was refused for.
    pub(super) disowned: Option<Identity>,
    /// Counts hints that topics have changed.
    pub(super) refresh_count: u64,
    /// Leave, with this reason.
    pub(super) leaves: Option<String>,
}

/// What both see.
#[derive(Debug)]
pub(super) struct Shared {
    /// When the application last came for records.
    pub(super) last_poll: Mutex<Instant>,
    /// What keeps the coordinator from answering, and since when.
    pub(super) trouble: Mutex<Option<(Instant, Error)>>,
}

/// See the module.
pub(super) struct Driver {
    pub(super) client: Client,
    pub(super) config: GroupConfig,
    pub(super) selection: Selection,
    pub(super) member: Member,
    pub(super) view: watch::Sender<View>,
    pub(super) orders: watch::Receiver<Orders>,
    pub(super) shared: Arc<Shared>,
    pub(super) known: Topics,
    pub(super) refresh_count: u64,
    pub(super) is_leaving: bool,
}

impl Driver {
    pub(super) async fn run(mut self) {
        let mut in_flight: Option<BoxFuture<'static, Result<Response>>> = None;
        let mut looking: Option<BoxFuture<'static, Result<Found>>> = None;
        let mut look_at = Instant::now();
        self.subscribe_to_names(Instant::now());
        while !self.member.is_over() {
            let now = Instant::now();
            let poll_until = self.check_poll(now);
            let mut wake_at = poll_until;
            match self.member.step(now) {
                Step::Send(request) => {
                    let is_busy = in_flight.is_some();
                    in_flight = Some(self.send(*request, is_busy));
                }
                Step::Wait(Some(until)) => wake_at = wake_at.min(until),
                Step::Wait(None) => {}
            }
            self.publish();
            if looking.is_none() {
                let is_due = look_at <= now;
                match is_due || self.lacks_topics() {
                    true => looking = Some(self.look_up()),
                    false => wake_at = wake_at.min(look_at),
                }
            }
            tokio::select! {
                answer = pending(&mut in_flight) => {
                    in_flight = None;
                    self.on_answer(Instant::now(), answer);
                }
                found = pending(&mut looking) => {
                    looking = None;
                    look_at = self.on_found(Instant::now(), found);
                }
                changed = self.orders.changed() => match changed {
                    Ok(()) => if self.on_orders(Instant::now()) {
                        look_at = Instant::now();
                    },
                    Err(_gone) => return,
                },
                () = sleep_until(wake_at) => {}
            }
        }
        self.publish();
    }

    /// Notices an application that has not come back. Returns when to look again.
    fn check_poll(&mut self, now: Instant) -> Instant {
        let until = *self.shared.last_poll.lock() + self.config.poll_interval_max;
        if !self.member.is_active() {
            return now + FAR;
        }
        if until <= now {
            tracing::warn!(
                group = self.config.group_id,
                "no poll within max.poll.interval.ms: leaving the group until there is one"
            );
            self.member.on_poll_expired(now);
            return now + FAR;
        }
        until
    }

    fn send(&self, request: Request, is_busy: bool) -> BoxFuture<'static, Result<Response>> {
        let (client, group) = (self.client.clone(), self.config.group_id.clone());
        let usual = client.config().request_timeout;
        let patience = match request {
            Request::Join(_) | Request::Sync(_) => {
                usual.max(self.config.poll_interval_max.saturating_add(JOIN_SLACK))
            }
            _ => usual,
        };
        // A join may be waiting for the others on the usual connection.
        let lane = if is_busy { Lane::Data } else { Lane::Group };
        Box::pin(async move {
            let answer = exchange(&client, &group, lane, patience, request).await;
            if let Err(error) = &answer
                && error.code() != Some(types::ErrorCode::CoordinatorLoadInProgress)
            {
                client.forget_coordinator(&group);
                // It may be gone for good; whether that works or not, the request is tried again.
                drop(client.refresh(&[], false).await);
            }
            answer
        })
    }

    fn on_answer(&mut self, now: Instant, answer: Result<Response>) {
        match answer {
            Ok(response) => {
                *self.shared.trouble.lock() = None;
                self.member.on_response(now, response);
                self.notice_topics(now);
            }
            Err(error) if error.is_retriable() => {
                tracing::debug!(group = self.config.group_id, %error, "will be asked again");
                let mut trouble = self.shared.trouble.lock();
                let since = trouble.take().map_or(now, |(since, _)| since);
                *trouble = Some((since, error));
                drop(trouble);
                self.member.on_trouble(now);
            }
            Err(error) => self.member.on_failure(error),
        }
    }

    /// `true` if topics are to be looked up at once.
    fn on_orders(&mut self, now: Instant) -> bool {
        let orders = self.orders.borrow_and_update().clone();
        self.member.on_applied(now, orders.applied);
        if let Some(identity) = &orders.disowned {
            self.member.on_disowned(now, identity);
        }
        if let Some(reason) = orders.leaves.filter(|_| !self.is_leaving) {
            self.is_leaving = true;
            self.member.leave(&reason);
        }
        let has_news = orders.refresh_count != self.refresh_count;
        self.refresh_count = orders.refresh_count;
        has_news
    }

    fn subscribe_to_names(&mut self, now: Instant) {
        match (&self.selection, self.config.protocol) {
            (Selection::Topics(names), _) => {
                let interest = Interest::Names(names.clone());
                self.member.on_interest(now, interest);
            }
            (Selection::Pattern { text, .. }, GroupProtocol::Consumer) => {
                let interest = Interest::Pattern(text.clone());
                self.member.on_interest(now, interest);
            }
            // The names are looked up first.
            (Selection::Pattern { .. }, GroupProtocol::Classic) => {}
        }
    }

    fn lacks_topics(&self) -> bool {
        let (names, ids) = self.member.wanted();
        !ids.is_empty() || names.iter().any(|name| !self.known.contains_key(name))
    }

    fn look_up(&self) -> BoxFuture<'static, Result<Found>> {
        let (names, ids): (BTreeSet<Arc<str>>, Vec<Uuid>) = self.member.wanted();
        let (client, selection) = (self.client.clone(), self.selection.clone());
        let has_pattern = self.config.protocol == GroupProtocol::Classic;
        Box::pin(async move {
            let pattern = has_pattern.then_some(&selection);
            lookup::find(&client, pattern, &names, &ids).await
        })
    }

    /// Takes over what was found; returns when to look again.
    fn on_found(&mut self, now: Instant, found: Result<Found>) -> Instant {
        match found {
            Ok(found) => {
                self.known.extend(found.topics);
                if let Some(matching) = found.matching {
                    self.member.on_interest(now, Interest::Names(matching));
                }
                self.member.on_topics(now, &self.known);
            }
            Err(error) => {
                tracing::debug!(group = self.config.group_id, %error, "topics will be looked up again");
                return now + LOOK_AGAIN;
            }
        }
        match self.lacks_topics() {
            true => now + LOOK_AGAIN,
            false => now + self.client.config().metadata_max_age,
        }
    }

    /// What others of this client have learned of our topics.
    fn notice_topics(&mut self, now: Instant) {
        let cluster = self.client.cluster();
        let mut has_news = false;
        for (name, facts) in &mut self.known {
            let Some(topic) = cluster.topics.get(name) else {
                continue;
            };
            let seen = lookup::facts(topic);
            has_news |= *facts != seen;
            *facts = seen;
        }
        if has_news {
            self.member.on_topics(now, &self.known);
        }
    }

    /// Shows the application how things stand, if that is news.
    fn publish(&self) {
        let now = self.member.view();
        self.view.send_if_modified(|shown| {
            let is_same = shown.revision == now.revision
                && shown.identity == now.identity
                && shown.is_stable == now.is_stable
                && shown.failure.is_some() == now.failure.is_some();
            if !is_same {
                *shown = now.clone();
            }
            !is_same
        });
    }
}

/// Waits for the future in the slot; for ever if there is none.
async fn pending<T>(slot: &mut Option<BoxFuture<'static, T>>) -> T {
    match slot {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
