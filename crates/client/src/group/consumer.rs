//! The consumer that an application holds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use parking_lot::Mutex;
use rand::RngExt as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};
use types::{ErrorCode, Offset, TopicPartition, Uuid};

use super::commit::{Committer, Failed, Offsets};
use super::config::{GroupConfig, GroupProtocol};
use super::driver::{Driver, Orders, Shared};
use super::member::{Classic, Member, Modern, Patience, Topics, View};
use super::selection::Selection;
use super::start::{Start, Starter};
use crate::admin::NewOffset;
use crate::consumer::ConsumerRecord;
use crate::{Client, Consumer, ConsumerConfig, Error, Result};

/// Changes that are kept for an application that does not ask for them.
pub(super) const CHANGES_MAX: usize = 64;
/// A poll looks up so often, even if nothing happens.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long `close` takes at most.
const CLOSE_WITHIN: Duration = Duration::from_secs(30);

/// What has happened to a member's partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// They are read from now on.
    Assigned(Vec<TopicPartition>),
    /// They were given up, after a last commit if commits are automatic.
    Revoked(Vec<TopicPartition>),
    /// The group has taken the member for dead and given them to others; nothing could be committed.
    Lost(Vec<TopicPartition>),
}

/// A member of a group. One application task holds it; another task speaks with the coordinator
/// until it is closed or dropped. Dropped without [`GroupConsumer::close`] it leaves the group only
/// when its session times out.
pub struct GroupConsumer {
    pub(super) client: Client,
    pub(super) config: GroupConfig,
    pub(super) consumer: Consumer,
    pub(super) starter: Starter,
    pub(super) committer: Committer,
    pub(super) view: watch::Receiver<View>,
    pub(super) orders: watch::Sender<Orders>,
    pub(super) shared: Arc<Shared>,
    pub(super) task: Option<JoinHandle<()>>,
    /// What it reads, positions known or not.
    pub(super) assigned: BTreeSet<TopicPartition>,
    /// Those of them whose positions are being looked up, and since which view.
    pub(super) starting: BTreeMap<TopicPartition, u64>,
    /// The last view that was followed.
    pub(super) applied: u64,
    pub(super) loss_count: u64,
    /// Partitions that are being given up, and the view that wants it.
    pub(super) giving_up: Option<GivingUp>,
    pub(super) work: FuturesUnordered<BoxFuture<'static, Done>>,
    pub(super) is_committing: bool,
    pub(super) committed: Offsets,
    pub(super) commit_at: Instant,
    pub(super) changes: VecDeque<Change>,
}

/// Partitions that are no longer handed out, and not yet committed.
#[derive(Debug)]
pub(super) struct GivingUp {
    pub(super) view: View,
    pub(super) offsets: Offsets,
    pub(super) is_committing: bool,
}

pub(super) enum Done {
    Started(u64, Result<BTreeMap<TopicPartition, Start>>),
    Committed(Offsets, std::result::Result<(), Failed>),
}

impl std::fmt::Debug for GroupConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupConsumer")
            .field("group_id", &self.config.group_id)
            .field("assigned", &self.assigned)
            .finish_non_exhaustive()
    }
}

impl GroupConsumer {
    /// Joins the group in the background. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// A configuration that makes no sense.
    pub fn new(
        client: Client,
        consumer: ConsumerConfig,
        config: GroupConfig,
        selection: Selection,
    ) -> Result<Self> {
        check(&config)?;
        let member = new_member(&client, &config, &consumer);
        let (view_sender, view) = watch::channel(member.view().clone());
        let (orders, orders_receiver) = watch::channel(Orders::default());
        let shared = Arc::new(Shared {
            last_poll: Mutex::new(Instant::now()),
            trouble: Mutex::new(None),
        });
        let driver = Driver {
            client: client.clone(),
            config: config.clone(),
            selection,
            member,
            view: view_sender,
            orders: orders_receiver,
            shared: Arc::clone(&shared),
            known: Topics::new(),
            refresh_count: 0,
            is_leaving: false,
        };
        let starter = Starter {
            client: client.clone(),
            group_id: config.group_id.clone(),
            protocol: config.protocol,
            view: view.clone(),
            reset: consumer.reset,
            isolation_level: consumer.isolation_level,
        };
        let committer = Committer {
            client: client.clone(),
            group_id: config.group_id.clone(),
            instance_id: config.instance_id.clone(),
            view: view.clone(),
        };
        Ok(Self {
            consumer: Consumer::new(client.clone(), consumer),
            starter,
            committer,
            view,
            orders,
            shared,
            task: Some(tokio::spawn(driver.run())),
            assigned: BTreeSet::new(),
            starting: BTreeMap::new(),
            applied: 0,
            loss_count: 0,
            giving_up: None,
            work: FuturesUnordered::new(),
            is_committing: false,
            committed: Offsets::new(),
            commit_at: Instant::now() + config.auto_commit_interval,
            changes: VecDeque::new(),
            client,
            config,
        })
    }

    /// The partitions it reads.
    #[must_use]
    pub fn assignment(&self) -> &BTreeSet<TopicPartition> {
        &self.assigned
    }

    /// Whether it takes part in the group and reads what it has been given.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let is_stable = self.view.borrow().is_stable;
        is_stable && self.starting.is_empty() && self.giving_up.is_none()
    }

    /// What has happened to its partitions since it was last asked; the newest 64 are kept.
    pub fn take_changes(&mut self) -> impl Iterator<Item = Change> {
        std::mem::take(&mut self.changes).into_iter()
    }

    /// Offset of the next record that `poll` will hand out. `None` for partitions it does not read,
    /// or whose position is still being looked up.
    #[must_use]
    pub fn position(&self, partition: &TopicPartition) -> Option<Offset> {
        self.consumer.position(partition)
    }

    /// High watermark as of the last fetch.
    #[must_use]
    pub fn high_watermark(&self, partition: &TopicPartition) -> Option<Offset> {
        self.consumer.high_watermark(partition)
    }

    /// Goes back, or on, in a partition that it reads; nothing happens if it does not. What has been
    /// handed out from this offset on counts as not done.
    pub fn seek(&mut self, partition: &TopicPartition, offset: Offset) {
        if self.consumer.position(partition).is_some() {
            self.consumer.assign(partition.clone(), offset);
        }
    }

    /// What has kept going wrong, and for how long. It is being tried again.
    #[must_use]
    pub fn trouble(&self) -> Option<(Duration, Error)> {
        let of_group = self.shared.trouble.lock().clone();
        let of_group = of_group.map(|(since, error)| (since.elapsed(), error));
        let of_fetches = self.consumer.trouble();
        of_group.or_else(|| of_fetches.map(|(age, error)| (age, error.clone())))
    }

    /// Waits for records, at most so long; none is no error. What earlier calls returned counts as
    /// done and is committed in time. Must be called again within `max.poll.interval.ms`, or the
    /// member leaves the group until it is.
    ///
    /// # Errors
    /// The group does not take this member, a partition cannot be read, or nothing is committed and
    /// `auto.offset.reset` is `none`.
    ///
    /// # Cancel safety
    /// Nothing is lost; what was begun is taken up by the next call.
    pub async fn poll(&mut self, wait: Duration) -> Result<Vec<ConsumerRecord>> {
        let deadline = Instant::now() + wait;
        loop {
            let now = Instant::now();
            *self.shared.last_poll.lock() = now;
            self.follow_view()?;
            self.maybe_commit(now);
            let until = deadline.min(now + LOOK_EVERY);
            tokio::select! {
                polled = self.consumer.poll(until - now) => match polled {
                    Ok(records) if !records.is_empty() => {
                        *self.shared.last_poll.lock() = Instant::now();
                        return Ok(records);
                    }
                    Ok(_) => {}
                    // The group will hear that the topic has gone.
                    Err(error) if is_gone(&error) => {
                        tracing::debug!(%error, "topics are looked up anew");
                        self.orders.send_modify(|orders| orders.refresh_count += 1);
                        sleep_until(until.min(now + self.client.config().retry_backoff)).await;
                    }
                    Err(error) => return Err(error),
                },
                changed = self.view.changed() => changed.map_err(|_over| Error::Closed)?,
                Some(done) = self.work.next() => self.on_done(done)?,
                () = sleep_until(self.commit_at), if self.config.is_auto_commit => {}
            }
            if Instant::now() >= deadline {
                return Ok(Vec::new());
            }
        }
    }

    /// Commits what has been handed out so far, and waits until that is safe.
    ///
    /// # Errors
    /// The group has given the partitions to others (`UNKNOWN_MEMBER_ID`, `ILLEGAL_GENERATION`,
    /// `REBALANCE_IN_PROGRESS`): what was read since the last commit will be read again, there. Or
    /// the coordinator did not answer within `default.api.timeout.ms`.
    pub async fn commit(&mut self) -> Result<()> {
        let deadline = Instant::now() + self.client.config().api_timeout;
        self.finish_commits(deadline).await?;
        let offsets = self.positions();
        self.commit_now(offsets, deadline).await
    }

    /// Commits these offsets, with metadata if the application has any. Otherwise as
    /// [`GroupConsumer::commit`].
    ///
    /// # Errors
    /// As [`GroupConsumer::commit`].
    pub async fn commit_offsets(&mut self, offsets: &[(TopicPartition, NewOffset)]) -> Result<()> {
        let deadline = Instant::now() + self.client.config().api_timeout;
        self.finish_commits(deadline).await?;
        self.commit_now(offsets.iter().cloned().collect(), deadline)
            .await
    }

    /// Commits, if commits are automatic, and leaves the group: the others get the partitions at once.
    /// A static member does not leave; it is expected back. Takes half a minute at most.
    ///
    /// # Errors
    /// The last commit failed. It has left all the same.
    pub async fn close(mut self) -> Result<()> {
        let deadline = Instant::now() + CLOSE_WITHIN.min(self.client.config().api_timeout);
        let mut committed = self.finish_commits(deadline).await;
        if self.config.is_auto_commit && self.view.borrow().failure.is_none() {
            if let Some(giving_up) = self.giving_up.take().filter(|it| !it.is_committing) {
                committed = self.commit_now(giving_up.offsets, deadline).await;
            }
            let offsets = self.unsaved(&self.assigned.clone());
            if !offsets.is_empty() {
                committed = committed.and(self.commit_now(offsets, deadline).await);
            }
        }
        self.orders
            .send_modify(|orders| orders.leaves = Some("the consumer is being closed".to_owned()));
        if let Some(mut task) = self.task.take()
            && timeout_at(deadline, &mut task).await.is_err()
        {
            task.abort();
        }
        committed
    }
}

fn check(config: &GroupConfig) -> Result<()> {
    let refuse = |reason: &str| {
        Err(Error::InvalidConfig {
            reason: reason.to_owned(),
        })
    };
    if config.group_id.is_empty() {
        return refuse("group.id is empty");
    }
    if config.protocol == GroupProtocol::Consumer {
        return Ok(());
    }
    if config.assignors.is_empty() {
        return refuse("partition.assignment.strategy is empty");
    }
    if config.heartbeat_interval >= config.session_timeout {
        return refuse("heartbeat.interval.ms must be less than session.timeout.ms");
    }
    Ok(())
}

fn new_member(client: &Client, config: &GroupConfig, consumer: &ConsumerConfig) -> Member {
    let shared = client.config();
    let patience = Patience::new(shared.retry_backoff, shared.retry_backoff_max);
    let rack = consumer.rack.clone();
    match config.protocol {
        GroupProtocol::Classic => Member::Classic(Classic::new(config.clone(), rack, patience)),
        GroupProtocol::Consumer => {
            let random = std::iter::repeat_with(|| rand::rng().random::<[u8; 16]>());
            let member_id = random.filter_map(Uuid::from_random).next();
            let member_id = member_id.unwrap_or(Uuid::ZERO).to_string();
            Member::Modern(Modern::new(config.clone(), rack, member_id, patience))
        }
    }
}

fn is_gone(error: &Error) -> bool {
    matches!(
        error.code(),
        Some(ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId)
    )
}
