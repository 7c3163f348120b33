//! What the deciding task does while this node leads: one reign per term.

use std::sync::Arc;
use std::time::Duration;

use metadata::{MetadataImage, MetadataOffset, MetadataRecord};
use rpc::batch;
use types::{BrokerEpoch, NodeId};

use super::group::{Fate, Group};
use super::message::{Message, answer};
use super::task::ActiveTask;
use super::upkeep::Upkeep;
use crate::decide;
use crate::quorum::ProposeError;

/// Most requests of one group.
const GROUP_COUNT_MAX: usize = 512;
/// A group is closed once its records have so many bytes; a single request may have more.
const GROUP_BYTES_MAX: usize = 1 << 20;
/// Pause before a reign that could not begin is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Why a reign ends, or does not begin.
enum End {
    /// Another term, another leader, or told to stop.
    Deposed,
    /// The log moved under our feet; look again.
    Retry,
    /// Raft has stopped on this node.
    Stopped,
    /// The node cannot go on.
    Fatal(String),
}

impl From<ProposeError> for End {
    fn from(error: ProposeError) -> Self {
        match error {
            ProposeError::NotLeader | ProposeError::Void => Self::Retry,
            ProposeError::Stopped(_) => Self::Stopped,
        }
    }
}

impl ActiveTask {
    /// Leads until it no longer does.
    pub(super) async fn reign(&mut self, term: u64) {
        let _checking = self.check_itself();
        let end = match self.activate(term).await {
            Ok(()) => self.decide_until_deposed(term).await,
            Err(end) => end,
        };
        match end {
            End::Deposed => tracing::info!(term, "no longer the active controller"),
            End::Retry => self.pause().await,
            End::Stopped => self.refuse_until_stopped().await,
            End::Fatal(reason) => {
                tracing::error!(term, reason, "this node must not be the active controller");
                self.failure.send_replace(Some(reason));
                self.refuse_until_stopped().await;
            }
        }
    }

    async fn pause(&mut self) {
        tokio::select! {
            () = tokio::time::sleep(RETRY_PAUSE) => {}
            () = self.leadership.changed() => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Decides nothing before everything of former leaders is applied, then says so in the log.
    async fn activate(&mut self, term: u64) -> Result<(), End> {
        let quorum = Arc::clone(&self.quorum);
        self.unless_deposed(term, quorum.catch_up()).await??;
        let base = quorum.published().image();
        let activation = decide::activate(
            &base,
            &self.config.settings,
            &mut rand::rng(),
            quorum.node_id(),
            self.config.cluster_id.as_deref(),
        );
        let activation = activation.map_err(|e| End::Fatal(e.to_string()))?;
        self.commit(term, base.offset() + 1, activation.records)
            .await?;
        let epoch = activation.response.epoch;
        tracing::info!(term, epoch, "this is the active controller");
        let image = quorum.published().image();
        let unfenced = image.brokers().filter(|b| !b.fenced);
        let unfenced: Vec<_> = unfenced.map(|b| (b.id, b.epoch)).collect();
        let now = self.clock.monotonic();
        self.sessions.begin(unfenced.iter().copied(), now);
        self.upkeep = Upkeep::begin(&self.config.settings.elections, now);
        // Who died together with the former controller does not get a whole session.
        for (broker, epoch) in unfenced {
            self.look_for(broker, epoch);
        }
        Ok(())
    }

    async fn decide_until_deposed(&mut self, term: u64) -> End {
        loop {
            let first = match self.next_message(term).await {
                Ok(first) => first,
                Err(end) => return end,
            };
            if let Err(end) = self.decide_group(term, first).await {
                return end;
            }
        }
    }

    /// The next request, or nothing when a session has ended or some upkeep is due.
    async fn next_message(&mut self, term: u64) -> Result<Option<Message>, End> {
        loop {
            let wake = self.upkeep.next();
            let wake = self.sessions.next_end().map_or(wake, |end| end.min(wake));
            let until = wake.saturating_sub(self.clock.monotonic());
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(End::Deposed),
                () = self.leadership.changed() => {
                    if !self.still_leads(term) {
                        return Err(End::Deposed);
                    }
                }
                message = self.mailbox.recv() => {
                    return message.map(Some).ok_or(End::Deposed);
                }
                () = tokio::time::sleep(until) => return Ok(None),
            }
        }
    }

    /// Before others are blamed for their silence.
    fn check_own_lag(&mut self) {
        let stall = self.self_check.take_stall();
        if !stall.is_zero() {
            tracing::warn!(
                ?stall,
                "the controller was held up itself; that time counts as nobody's silence"
            );
            self.sessions.excuse(stall, self.clock.monotonic());
        }
    }

    /// Decides a request and whatever else is waiting, and commits it all as one entry.
    async fn decide_group(&mut self, term: u64, first: Option<Message>) -> Result<(), End> {
        let offset = self.quorum.next_offset();
        let base = self.quorum.published().image();
        let refuse_first = |first: Option<Message>| {
            if let Some(message) = first {
                message.refuse(super::Refusal::NotActive);
            }
        };
        // The log holds an entry that is not applied here: somebody else's, or our own of a proposal
        // that was given up.
        if offset != base.offset() + 1 {
            refuse_first(first);
            return Err(End::Retry);
        }
        let mut group = Group::new(&base, offset).map_err(|e| End::Fatal(e.to_string()))?;
        self.check_own_lag();
        let waiting_count = self.mailbox.len() + usize::from(first.is_some());
        self.backlog.look(waiting_count, self.clock.monotonic());
        let mut next = first;
        while let Some(message) = next {
            self.backlog.on_read();
            self.decide(message, &mut group);
            let has_room =
                group.answer_count() < GROUP_COUNT_MAX && group.bytes() < GROUP_BYTES_MAX;
            if !has_room {
                break;
            }
            next = self.mailbox.try_recv().ok();
        }
        self.fence_silent(&mut group);
        self.keep_up(&mut group);
        let (registered, heard) = (group.registered().to_vec(), group.heard().to_vec());
        self.settle(term, offset, group).await?;
        self.start_sessions(&registered);
        let now = self.clock.monotonic();
        for (broker, epoch) in heard {
            self.sessions.on_answered(broker, epoch, now);
        }
        Ok(())
    }

    async fn settle(
        &mut self,
        term: u64,
        offset: MetadataOffset,
        mut group: Group,
    ) -> Result<(), End> {
        let records = group.take_records();
        let (result, offset) = if !records.is_empty() {
            (self.commit(term, offset, records).await, offset)
        } else if group.needs_confirmation() {
            let quorum = Arc::clone(&self.quorum);
            let confirmed = self.unless_deposed(term, quorum.catch_up()).await;
            (
                confirmed.and_then(|c| c.map_err(End::from)),
                group.base_offset(),
            )
        } else {
            (Ok(()), group.base_offset())
        };
        let image = self.quorum.published().image();
        self.image_check.on_image(&image);
        match &result {
            Ok(()) => group.settle(&Fate::Committed {
                image: &image,
                offset,
            }),
            Err(_) => group.settle(&Fate::Lost),
        }
        result
    }

    async fn commit(
        &mut self,
        term: u64,
        offset: MetadataOffset,
        records: Vec<MetadataRecord>,
    ) -> Result<(), End> {
        let quorum = Arc::clone(&self.quorum);
        let proposal = quorum.propose(term, offset, batch::encode(records));
        Ok(self.unless_deposed(term, proposal).await??)
    }

    /// Waits, but not beyond this reign.
    async fn unless_deposed<T>(
        &mut self,
        term: u64,
        work: impl Future<Output = T>,
    ) -> Result<T, End> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = self.stop.cancelled() => return Err(End::Deposed),
                () = self.leadership.changed() => {
                    if !self.still_leads(term) {
                        return Err(End::Deposed);
                    }
                }
            }
        }
    }

    fn still_leads(&mut self, term: u64) -> bool {
        let leadership = self.leadership.current();
        leadership.is_self && leadership.term == term
    }

    /// What nobody asks for.
    fn keep_up(&mut self, group: &mut Group) {
        let now = self.clock.monotonic();
        self.upkeep.on_offset(group.base_offset(), now);
        let due = self.upkeep.take_due(group.base_offset(), now);
        if due.follow_up {
            self.upkeep.report_offline(group.image());
            let relieved = decide::relieve_draining(group.image());
            record(group, relieved, "relieving a draining broker");
            let grown = decide::grow_internal_topics(group.image(), &mut rand::rng());
            record(group, grown, "growing an internal topic");
            let elected = decide::elect_unclean(group.image(), &self.config.settings);
            record(group, elected, "an unclean election");
        }
        if due.balance {
            let (balanced, has_more) = decide::balance_leaders(group.image());
            if !balanced.is_empty() {
                tracing::info!(
                    count = balanced.len(),
                    "leaderships go to preferred replicas"
                );
            }
            record(group, balanced, "balancing leaders");
            if has_more {
                self.upkeep.balance_again(now);
            }
        }
    }

    fn fence_silent(&mut self, group: &mut Group) {
        let now = self.clock.monotonic();
        // Heartbeats may be among the messages that are still waiting.
        let heard_up_to = match self.mailbox.is_empty() {
            true => now,
            false => self.backlog.read_up_to(),
        };
        for (broker, epoch) in self.sessions.expire(heard_up_to) {
            self.fence(group, broker, epoch, "session timed out");
        }
    }

    pub(super) fn fence(
        &mut self,
        group: &mut Group,
        broker: NodeId,
        epoch: BrokerEpoch,
        why: &'static str,
    ) {
        // A registration that was replaced or is gone needs no fencing.
        let Ok(decision) = decide::fence(group.image(), broker, epoch) else {
            return;
        };
        if decision.records.is_empty() {
            return;
        }
        let registered = group.image().broker(broker);
        let is_leaving = registered.is_some_and(|b| b.in_controlled_shutdown);
        match group.record(decision.records) {
            Ok(()) if is_leaving => tracing::info!(%broker, %epoch, "broker has left"),
            Ok(()) => tracing::warn!(%broker, %epoch, why, "broker fenced"),
            Err(error) => tracing::error!(%broker, %error, "fencing does not fit the image"),
        }
    }

    /// A session begins with the commit of its registration.
    fn start_sessions(&mut self, registered: &[NodeId]) {
        let image = self.quorum.published().image();
        let now = self.clock.monotonic();
        for broker in registered {
            if let Some(broker) = image.broker(*broker) {
                self.sessions.on_registered(broker.id, broker.epoch, now);
            }
        }
    }
}

/// Adds what nobody waits for.
fn record(group: &mut Group, records: Vec<MetadataRecord>, what: &'static str) {
    if let Err(error) = group.record(records) {
        tracing::error!(%error, what, "a decision does not fit the image it was made on");
    }
}

/// Answers once the group is committed, with whatever the committed image says then.
pub(super) fn answer_at_commit<T: Send + 'static>(
    group: &mut Group,
    reply: super::Reply<T>,
    make: impl FnOnce(&MetadataImage, MetadataOffset) -> Result<T, super::Refusal> + Send + 'static,
) {
    group.on_fate(move |fate| {
        let result = match fate {
            Fate::Committed { image, offset } => make(image, *offset),
            Fate::Lost => Err(super::Refusal::NotActive),
        };
        answer(reply, result);
    });
}
