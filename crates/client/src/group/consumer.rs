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
const CHANGES_MAX: usize = 64;
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
    client: Client,
    config: GroupConfig,
    consumer: Consumer,
    starter: Starter,
    committer: Committer,
    view: watch::Receiver<View>,
    orders: watch::Sender<Orders>,
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
    /// What it reads, positions known or not.
    assigned: BTreeSet<TopicPartition>,
    /// Those of them whose positions are being looked up, and since which view.
    starting: BTreeMap<TopicPartition, u64>,
    /// The last view that was followed.
    applied: u64,
    loss_count: u64,
    /// Partitions that are being given up, and the view that wants it.
    giving_up: Option<GivingUp>,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    is_committing: bool,
    committed: Offsets,
    commit_at: Instant,
    changes: VecDeque<Change>,
}

/// Partitions that are no longer handed out, and not yet committed.
#[derive(Debug)]
struct GivingUp {
    view: View,
    offsets: Offsets,
    is_committing: bool,
}

enum Done {
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

    /// Takes in what the group says this member may read.
    fn follow_view(&mut self) -> Result<()> {
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
    fn maybe_give_up(&mut self) {
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
    fn apply(&mut self, view: &View) {
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

    fn stop(&mut self, partition: &TopicPartition) {
        self.consumer.unassign(partition);
        self.starting.remove(partition);
        self.committed.remove(partition);
    }

    fn remember(&mut self, change: Change) {
        if self.changes.len() >= CHANGES_MAX {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
    }

    fn on_done(&mut self, done: Done) -> Result<()> {
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

    fn begin(&mut self, partition: TopicPartition, start: Start) {
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

    fn maybe_commit(&mut self, now: Instant) {
        if !self.config.is_auto_commit || self.commit_at > now {
            return;
        }
        self.commit_at = now + self.config.auto_commit_interval;
        let is_member = self.view.borrow().identity.generation >= 0;
        if self.is_committing || self.giving_up.is_some() || !is_member {
            return;
        }
        let offsets = self.unsaved(&self.assigned.clone());
        if !offsets.is_empty() {
            self.begin_commit(offsets);
        }
    }

    fn begin_commit(&mut self, offsets: Offsets) {
        self.is_committing = true;
        let committer = self.committer.clone();
        let deadline = Instant::now() + self.commit_patience();
        self.work.push(Box::pin(async move {
            let result = committer.commit(&offsets, deadline).await;
            Done::Committed(offsets, result)
        }));
    }

    /// The others wait for a member that gives something up, and expel it in the end.
    fn commit_patience(&self) -> Duration {
        let api_timeout = self.client.config().api_timeout;
        api_timeout.min(self.config.poll_interval_max / 2)
    }

    fn on_committed(&mut self, offsets: Offsets, result: std::result::Result<(), Failed>) {
        self.is_committing = false;
        match result {
            Ok(()) => {
                let kept = offsets.into_iter();
                let kept = kept.filter(|(partition, _)| self.assigned.contains(partition));
                self.committed.extend(kept);
            }
            Err(failed) => {
                let group = &self.config.group_id;
                tracing::warn!(group, error = %failed.error, "the commit failed");
                self.disown(&failed);
            }
        }
        self.maybe_give_up();
    }

    fn disown(&self, failed: &Failed) {
        if let Some(identity) = &failed.disowned {
            let identity = Some(identity.clone());
            self.orders.send_modify(|orders| orders.disowned = identity);
        }
    }

    async fn commit_now(&mut self, offsets: Offsets, deadline: Instant) -> Result<()> {
        if offsets.is_empty() {
            return Ok(());
        }
        match self.committer.commit(&offsets, deadline).await {
            Ok(()) => {
                self.on_committed(offsets, Ok(()));
                Ok(())
            }
            Err(failed) => {
                self.disown(&failed);
                Err(failed.error)
            }
        }
    }

    /// Waits for a commit that is under way: a later one must not be overtaken by it.
    async fn finish_commits(&mut self, deadline: Instant) -> Result<()> {
        while self.is_committing {
            match timeout_at(deadline, self.work.next()).await {
                Ok(Some(done)) => self.on_done(done)?,
                Ok(None) => return Ok(()),
                Err(_elapsed) => {
                    return Err(Error::TimedOut {
                        what: format!("commit of group {}", self.config.group_id),
                        after: self.client.config().api_timeout,
                        last: None,
                    });
                }
            }
        }
        Ok(())
    }

    fn positions(&self) -> Offsets {
        let read = self.assigned.iter().filter_map(|partition| {
            let (offset, leader_epoch) = self.consumer.position_after(partition)?;
            let new = NewOffset {
                leader_epoch,
                ..NewOffset::from(offset)
            };
            Some((partition.clone(), new))
        });
        read.collect()
    }

    /// Positions that are not what was last committed.
    fn unsaved(&self, partitions: &BTreeSet<TopicPartition>) -> Offsets {
        let mut positions = self.positions();
        positions.retain(|partition, position| {
            partitions.contains(partition) && self.committed.get(partition) != Some(position)
        });
        positions
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
