//! The active controller, as `controller::active` is: requests that wait are decided together on the
//! image that the earlier ones of the group will have made, proposed as one entry, and answered once it
//! is committed. The decisions and the table of sessions are the real ones.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use controller::decide::{self, Sender};
use controller::session::{LastContact, SessionTable};
use metadata::{Delta, MetadataImage, MetadataRecord, PartitionRegistration, replay, replay_more};
use rpc::{HeartbeatAnswer, HeartbeatState, PartitionRefusal, PartitionUpdate, Registration};
use types::{BrokerEpoch, NodeId, Offset};

use super::raft::Role;
use crate::event::Timer;
use crate::message::{Answer, Ask, Entry, Message};
use crate::mutant::{self, Glue};
use crate::say;
use crate::world::World;

/// Most requests of one group.
const GROUP_MAX: usize = 16;

/// Who asked: node, process, and the number of the question.
type Asker = (NodeId, u32, u64);

/// The deciding part of a controller that leads.
#[derive(Debug)]
pub struct Active {
    term: u64,
    /// The entry that the term begins with.
    first: Offset,
    /// Whether it has said in the log that it decides.
    is_ready: bool,
    sessions: SessionTable,
    mailbox: VecDeque<(Asker, Ask)>,
    to_fence: Vec<(NodeId, BrokerEpoch)>,
    pending: Option<Pending>,
    looked_at: Option<Duration>,
}

/// A group whose entry is proposed.
#[derive(Debug)]
struct Pending {
    offset: Offset,
    answers: Vec<(Asker, Draft)>,
}

/// An answer that waits for the commit.
#[derive(Clone, Debug)]
enum Draft {
    Registered(decide::Registered),
    Beat(HeartbeatAnswer),
    Altered(Vec<Result<PartitionRegistration, PartitionRefusal>>),
    Other(Answer),
}

impl Draft {
    fn at(self, offset: Offset) -> Answer {
        match self {
            Self::Registered(decide::Registered::AtCommit) => {
                Answer::Registered(BrokerEpoch(offset))
            }
            Self::Registered(decide::Registered::Already(epoch)) => Answer::Registered(epoch),
            Self::Beat(answer) => Answer::Beat(answer),
            Self::Altered(answers) => Answer::Altered(answers),
            Self::Other(answer) => answer,
        }
    }
}

/// A group that is being put together.
struct Group {
    image: MetadataImage,
    records: Vec<MetadataRecord>,
    answers: Vec<(Asker, Draft)>,
    registered: BTreeSet<NodeId>,
    misfit: Option<String>,
}

impl Group {
    fn record(&mut self, records: Vec<MetadataRecord>) {
        match replay_more(&self.image, &records) {
            Ok((image, _)) => {
                self.image = image;
                self.records.extend(records);
            }
            Err(error) => self.misfit = Some(error.to_string()),
        }
    }
}

impl Active {
    /// The first entry of the term is about to be proposed at that offset.
    #[must_use]
    pub const fn new(term: u64, first: Offset) -> Self {
        Self {
            term,
            first,
            is_ready: false,
            sessions: SessionTable::new(Duration::ZERO),
            mailbox: VecDeque::new(),
            to_fence: Vec::new(),
            pending: None,
            looked_at: None,
        }
    }
}

impl World {
    fn active(&mut self, id: NodeId) -> Option<&mut Active> {
        match &mut self.controller(id).role {
            Role::Leader(leading) => Some(&mut leading.active),
            Role::Follower | Role::Candidate { .. } => None,
        }
    }

    /// A question arrived.
    pub fn on_ask(&mut self, id: NodeId, (from, process): (NodeId, u32), number: u64, ask: Ask) {
        if let Some(active) = self.active(id).filter(|active| active.is_ready) {
            active.mailbox.push_back(((from, process, number), ask));
            self.run_active(id);
        } else {
            self.send(id, from, Some(process), Message::Answer(number, None));
        }
    }

    /// Nobody is left waiting at a controller that no longer leads.
    pub fn refuse_all(&mut self, id: NodeId, active: Active) {
        let waiting = active
            .pending
            .into_iter()
            .flat_map(|pending| pending.answers);
        let askers = waiting.map(|(asker, _)| asker);
        let askers: Vec<Asker> = askers
            .chain(active.mailbox.into_iter().map(|(a, _)| a))
            .collect();
        for (from, process, number) in askers {
            self.send(id, from, Some(process), Message::Answer(number, None));
        }
    }

    /// Goes on with whatever can go on.
    pub fn run_active(&mut self, id: NodeId) {
        self.settle(id);
        self.activate(id);
        self.decide_group(id);
    }

    fn settle(&mut self, id: NodeId) {
        let committed = self.controller(id).committed;
        let Some(active) = self.active(id) else {
            return;
        };
        let Some(pending) = active.pending.take_if(|pending| pending.offset < committed) else {
            return;
        };
        let image = self.controller(id).image.clone();
        let now = self.now;
        for ((_, _, _), draft) in &pending.answers {
            if let Draft::Registered(_) = draft
                && let Some(active) = self.active(id)
            {
                for broker in image.brokers() {
                    active.sessions.on_registered(broker.id, broker.epoch, now);
                }
            }
        }
        self.answer_all(id, pending);
    }

    fn answer_all(&mut self, id: NodeId, pending: Pending) {
        // The product asks the quorum; here it is known who leads.
        let is_sure = self.truth.leads_newest_term(id);
        for ((from, process, number), mut draft) in pending.answers {
            if let Draft::Beat(answer) = &mut draft {
                answer.proven_offset = is_sure.then_some(pending.offset);
            }
            let answer = Some(draft.at(pending.offset));
            self.send(id, from, Some(process), Message::Answer(number, answer));
        }
    }

    fn activate(&mut self, id: NodeId) {
        let committed = self.controller(id).committed;
        let (now, timeout) = (self.now, self.plan.session_timeout);
        let Some(active) = self.active(id).filter(|active| !active.is_ready) else {
            return;
        };
        if committed <= active.first || active.pending.is_some() {
            return;
        }
        let term = active.term;
        let image = self.controller(id).image.clone();
        let is_activated = image.controller().is_some_and(|c| c.node_id == id)
            && committed > self.active(id).map_or(0, |active| active.first + 1);
        if is_activated {
            let unfenced = image.brokers().filter(|broker| !broker.fenced);
            let unfenced: Vec<_> = unfenced.map(|broker| (broker.id, broker.epoch)).collect();
            say!(self, id, "is the active controller of term {term}");
            if let Some(active) = self.active(id) {
                active.sessions = SessionTable::new(timeout);
                active.sessions.begin(unfenced, now);
                active.is_ready = true;
                active.looked_at = Some(now);
            }
            return;
        }
        let decision = decide::activate(
            &image,
            &self.settings,
            self.draw.random(),
            id,
            Some("J7s9e8PPTKOO47PxzI39VA"),
        );
        match decision {
            Ok(decision) => {
                let offset = self.controller(id).store.end();
                if let Some(active) = self.active(id) {
                    active.pending = Some(Pending {
                        offset,
                        answers: Vec::new(),
                    });
                }
                self.propose(id, decision.records);
            }
            Err(error) => self.violated("activation", error.to_string()),
        }
    }

    fn decide_group(&mut self, id: NodeId) {
        let now = self.now;
        let base = self.controller(id).image.clone();
        let offset = self.controller(id).store.end();
        let Some(active) = self
            .active(id)
            .filter(|a| a.is_ready && a.pending.is_none())
        else {
            return;
        };
        // Whoever was away himself blames nobody for having been silent.
        let away = active
            .looked_at
            .map_or(Duration::ZERO, |then| now.saturating_sub(then));
        active.looked_at = Some(now);
        if away > LAG_MAX {
            active.sessions.excuse(away, now);
        }
        let mut fenced = active.sessions.expire(now);
        fenced.append(&mut active.to_fence);
        let count = active.mailbox.len().min(GROUP_MAX);
        let asks: Vec<_> = active.mailbox.drain(..count).collect();
        if offset != base.offset() + 1 || (fenced.is_empty() && asks.is_empty()) {
            return self.put_back(id, fenced, asks);
        }
        let Ok((image, _)) = replay(&base, offset, &[]) else {
            return;
        };
        let mut group = Group {
            image,
            records: Vec::new(),
            answers: Vec::new(),
            registered: BTreeSet::new(),
            misfit: None,
        };
        for (broker, epoch) in fenced {
            if let Ok(decision) = decide::fence(&group.image, broker, epoch) {
                say!(self, id, "fences {broker}");
                group.record(decision.records);
            }
        }
        for (asker, ask) in asks {
            if let Some(draft) = self.decide(id, &mut group, ask) {
                group.answers.push((asker, draft));
            } else {
                let (from, process, number) = asker;
                self.send(id, from, Some(process), Message::Answer(number, None));
            }
        }
        if let Some(misfit) = group.misfit {
            return self.violated("decisions fit", misfit);
        }
        self.propose_group(id, offset, group.records, group.answers);
    }

    fn put_back(
        &mut self,
        id: NodeId,
        fenced: Vec<(NodeId, BrokerEpoch)>,
        asks: Vec<(Asker, Ask)>,
    ) {
        if let Some(active) = self.active(id) {
            active.to_fence.extend(fenced);
            for ask in asks.into_iter().rev() {
                active.mailbox.push_front(ask);
            }
        }
    }

    fn propose_group(
        &mut self,
        id: NodeId,
        offset: Offset,
        records: Vec<MetadataRecord>,
        answers: Vec<(Asker, Draft)>,
    ) {
        if records.is_empty() {
            // The product asks the quorum whether it still leads before it gives such an answer; here
            // an empty entry does.
            let harmless = answers
                .iter()
                .all(|(_, draft)| matches!(draft, Draft::Beat(_)));
            if harmless {
                return self.answer_all(
                    id,
                    Pending {
                        offset: offset - 1,
                        answers,
                    },
                );
            }
        }
        if mutant::is(Glue::AnswerBeforeCommit) {
            self.answer_all(
                id,
                Pending {
                    offset,
                    answers: answers.clone(),
                },
            );
        }
        if let Some(active) = self.active(id) {
            active.pending = Some(Pending { offset, answers });
        }
        self.propose(id, records);
    }

    fn decide(&mut self, id: NodeId, group: &mut Group, ask: Ask) -> Option<Draft> {
        match ask {
            Ask::Register(registration) => self.decide_registration(id, group, &registration),
            Ask::Heartbeat(broker, epoch, state) => {
                Some(self.decide_heartbeat(id, group, (broker, epoch), &state))
            }
            Ask::AlterPartitions(broker, epoch, updates) => {
                Some(self.decide_isr(id, group, Sender { broker, epoch }, &updates))
            }
            Ask::Admin(admin) => {
                let records = self.decide_admin(&group.image, &admin);
                group.record(records);
                Some(Draft::Other(Answer::Done))
            }
        }
    }

    fn decide_registration(
        &mut self,
        id: NodeId,
        group: &mut Group,
        registration: &Registration,
    ) -> Option<Draft> {
        let broker = registration.broker_id;
        if !group.registered.insert(broker) {
            return None;
        }
        let now = self.now;
        let is_alive = self
            .active(id)
            .is_some_and(|active| active.sessions.is_alive(broker, now));
        Some(
            match decide::register_broker(&group.image, registration, is_alive) {
                Ok(decision) => {
                    group.record(decision.records);
                    Draft::Registered(decision.response)
                }
                Err(refusal) => {
                    say!(self, id, "refuses to register {broker}: {refusal}");
                    Draft::Other(Answer::RegistrationRefused)
                }
            },
        )
    }

    fn decide_heartbeat(
        &mut self,
        id: NodeId,
        group: &mut Group,
        (broker, epoch): (NodeId, BrokerEpoch),
        state: &HeartbeatState,
    ) -> Draft {
        let Ok(decision) = decide::heartbeat(&group.image, broker, epoch, state) else {
            return Draft::Other(Answer::Unknown);
        };
        let now = self.now;
        if let Some(active) = self.active(id) {
            let contact = LastContact {
                metadata_offset: state.metadata_offset,
                wall_ms: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
            };
            active.sessions.on_heartbeat(broker, epoch, now, contact);
        }
        group.record(decision.records);
        let mut response = decision.response;
        if state.want_shutdown {
            let others = group
                .image
                .brokers()
                .filter(|b| b.is_live() && b.id != broker);
            let others: Vec<NodeId> = others.map(|other| other.id).collect();
            let offset = group.image.offset();
            response.should_shutdown &= self.active(id).is_some_and(|active| {
                active
                    .sessions
                    .have_seen_leave(broker, epoch, offset, others)
            });
        }
        Draft::Beat(response)
    }

    fn decide_isr(
        &mut self,
        id: NodeId,
        group: &mut Group,
        sender: Sender,
        updates: &[PartitionUpdate],
    ) -> Draft {
        match decide::alter_partition(&group.image, sender, updates) {
            Ok(decision) => {
                let outcomes: Vec<_> = decision.response.iter().map(|r| r.as_ref().err()).collect();
                say!(
                    self,
                    id,
                    "asked by {} for isrs: {outcomes:?}",
                    sender.broker
                );
                group.record(decision.records);
                Draft::Altered(decision.response)
            }
            Err(_) => Draft::Other(Answer::Unknown),
        }
    }

    /// A broker's session broke: is its process still there?
    pub fn on_session_broken(&mut self, id: NodeId, broker: NodeId) {
        let now = self.now;
        let is_refused =
            !self.is_up(broker) && !self.net.is_cut(id, broker) && !self.net.is_cut(broker, id);
        let epoch = self.controller(id).image.broker(broker).map(|b| b.epoch);
        if let Some(epoch) = epoch
            && let Some(active) = self.active(id)
            && active.sessions.on_broken(broker, epoch)
            && is_refused
            && active.sessions.on_refused(broker, epoch, now)
        {
            active.to_fence.push((broker, epoch));
            self.run_active(id);
        }
    }

    /// The active controllers hear that the broker's process ended or its session broke.
    pub fn break_session(&mut self, broker: NodeId) {
        for id in self.plan.controllers() {
            if self.is_up(id) {
                let delay = self.draw.duration(Duration::ZERO, crate::draw::ms(20));
                self.set_timer(id, delay, Timer::SessionBroken(broker));
            }
        }
    }

    /// An entry is committed, as one controller learns.
    pub fn on_committed(
        &mut self,
        id: NodeId,
        offset: Offset,
        entry: &Entry,
        before: &MetadataImage,
        after: &MetadataImage,
        delta: &Delta,
    ) {
        let result = self.truth.on_committed(offset, entry, before, after, delta);
        if let Some(lines) = result {
            self.check_candidates();
            for line in lines {
                say!(self, id, "committed {offset}: {line}");
            }
        }
    }
}

/// A controller that looks so late was away itself.
const LAG_MAX: Duration = crate::draw::ms(250);
