//! Terms, votes and the log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use metadata::{MetadataImage, MetadataRecord, replay};
use types::{NodeId, Offset};

use super::active::Active;
use super::store::{Snapshot, Store};
use crate::draw::ms;
use crate::event::{Envelope, Timer};
use crate::message::{Entry, Message, Raft};
use crate::say;
use crate::world::World;

/// Most entries of one message.
pub(super) const ENTRIES_MAX: usize = 64;
/// How often a leader speaks.
const BEAT: Duration = ms(60);

/// A controller's process.
#[derive(Debug)]
pub struct Controller {
    /// Its disk.
    pub store: Store,
    /// What it believes to be.
    pub role: Role,
    /// Exclusive end of what it knows to be committed.
    pub committed: Offset,
    /// What is committed and applied.
    pub image: MetadataImage,
    /// When it stands for election, if it hears nothing.
    pub election_at: Duration,
    /// Brokers that wait for entries from an offset on.
    pub tails: BTreeMap<(NodeId, u32), Offset>,
}

/// What a controller believes to be.
#[derive(Debug)]
pub enum Role {
    /// Neither of the others.
    Follower,
    /// Wants to lead.
    Candidate {
        /// Who voted for it.
        votes: BTreeSet<NodeId>,
    },
    /// Leads.
    Leader(Box<Leading>),
}

/// What a Raft leader knows.
#[derive(Debug)]
pub struct Leading {
    next: BTreeMap<NodeId, Offset>,
    matched: BTreeMap<NodeId, Offset>,
    beat_at: Duration,
    /// The deciding part.
    pub active: Active,
}

impl Controller {
    /// A start on that disk.
    #[must_use]
    pub fn start(store: Store, election_at: Duration) -> Self {
        let committed = store.snapshot.end;
        let image = image_of(&store.snapshot);
        Self {
            store,
            role: Role::Follower,
            committed,
            image,
            election_at,
            tails: BTreeMap::new(),
        }
    }
}

pub(super) fn image_of(snapshot: &Snapshot) -> MetadataImage {
    if snapshot.end == 0 {
        return MetadataImage::empty();
    }
    let replayed = replay(&MetadataImage::empty(), snapshot.end - 1, &snapshot.records);
    replayed.expect("a snapshot fits an empty image").0
}

impl World {
    /// The controller of that id.
    pub fn controller(&mut self, id: NodeId) -> &mut Controller {
        self.controllers
            .get_mut(&id)
            .expect("a controller of the plan")
    }

    /// A controller starts.
    pub fn start_controller(&mut self, id: NodeId) {
        let election_at = self.election_time();
        let store = std::mem::take(&mut self.controller(id).store);
        *self.controller(id) = Controller::start(store, election_at);
        self.set_timer(id, ms(5), Timer::Tick);
    }

    fn election_time(&mut self) -> Duration {
        self.now + self.draw.duration(ms(250), ms(600))
    }

    /// Something arrived at a controller.
    pub fn on_controller_message(&mut self, envelope: Envelope) {
        let Envelope {
            from,
            from_process,
            to,
            message,
            ..
        } = envelope;
        match message {
            Message::Raft(raft) => self.on_raft(to, from, raft),
            Message::Ask(id, ask) => self.on_ask(to, (from, from_process), id, ask),
            Message::Tail(offset) => self.on_tail(to, (from, from_process), offset),
            _ => {}
        }
    }

    /// A controller looks around.
    pub fn on_tick(&mut self, id: NodeId) {
        self.set_timer(id, ms(10), Timer::Tick);
        let now = self.now;
        match &mut self.controller(id).role {
            Role::Leader(leading) if now >= leading.beat_at => {
                leading.beat_at = now + BEAT;
                self.replicate(id);
            }
            Role::Leader(_) => {}
            Role::Follower | Role::Candidate { .. } => {
                if now >= self.controller(id).election_at {
                    self.stand(id);
                }
            }
        }
        self.run_active(id);
    }

    fn stand(&mut self, id: NodeId) {
        let election_at = self.election_time();
        let controller = self.controller(id);
        controller.election_at = election_at;
        let term = controller.store.vote.0 + 1;
        controller.store.vote = (term, Some(id));
        controller.store.sync_vote();
        controller.role = Role::Candidate {
            votes: BTreeSet::from([id]),
        };
        let end = controller.store.end();
        let last_term = controller.store.term_at(end - 1).unwrap_or(0);
        say!(
            self,
            id,
            "stands for election in term {term}, log end {end}"
        );
        for peer in self.peers(id) {
            let vote = Raft::Vote {
                term,
                end,
                last_term,
            };
            self.send(id, peer, None, Message::Raft(vote));
        }
        self.count_votes(id);
    }

    fn peers(&self, id: NodeId) -> Vec<NodeId> {
        self.plan.controllers().filter(|peer| *peer != id).collect()
    }

    fn majority(&self) -> usize {
        self.controllers.len() / 2 + 1
    }

    fn on_raft(&mut self, id: NodeId, from: NodeId, raft: Raft) {
        let (Raft::Vote { term, .. }
        | Raft::Voted { term, .. }
        | Raft::Append { term, .. }
        | Raft::Install { term, .. }
        | Raft::Appended { term, .. }) = raft;
        if term > self.controller(id).store.vote.0 {
            self.step_down(id, term);
        }
        let current = self.controller(id).store.vote.0;
        match raft {
            Raft::Vote { end, last_term, .. } => {
                let granted = term == current && self.may_vote(id, from, end, last_term);
                let voted = Raft::Voted {
                    term: current,
                    granted,
                };
                self.send(id, from, None, Message::Raft(voted));
            }
            Raft::Voted { granted, .. } => {
                if granted
                    && term == current
                    && let Role::Candidate { votes } = &mut self.controller(id).role
                {
                    votes.insert(from);
                    self.count_votes(id);
                }
            }
            Raft::Append {
                from: at,
                previous_term,
                entries,
                committed,
                ..
            } => {
                let is_current = term == current;
                let (ok, end) = if is_current {
                    self.follow(id);
                    self.take_entries(id, at, previous_term, entries)
                } else {
                    (false, 0)
                };
                if ok {
                    self.commit(id, committed.min(end));
                }
                let appended = Raft::Appended {
                    term: current,
                    end,
                    ok,
                };
                self.send(id, from, None, Message::Raft(appended));
            }
            Raft::Install {
                end,
                last_term,
                records,
                ..
            } => {
                if term == current {
                    self.follow(id);
                    self.install(
                        id,
                        Snapshot {
                            end,
                            last_term,
                            records,
                        },
                    );
                    let end = self.controller(id).committed;
                    let appended = Raft::Appended {
                        term,
                        end,
                        ok: true,
                    };
                    self.send(id, from, None, Message::Raft(appended));
                }
            }
            Raft::Appended { end, ok, .. } => {
                if term == current {
                    self.on_appended(id, from, end, ok);
                }
            }
        }
    }

    fn step_down(&mut self, id: NodeId, term: u64) {
        let controller = self.controller(id);
        controller.store.vote = (term, None);
        controller.store.sync_vote();
        self.follow(id);
    }

    fn follow(&mut self, id: NodeId) {
        let election_at = self.election_time();
        let controller = self.controller(id);
        controller.election_at = election_at;
        if matches!(controller.role, Role::Leader(_)) {
            say!(self, id, "no longer leads the quorum");
        }
        let former = std::mem::replace(&mut self.controller(id).role, Role::Follower);
        if let Role::Leader(leading) = former {
            self.refuse_all(id, leading.active);
        }
    }

    fn may_vote(&mut self, id: NodeId, candidate: NodeId, end: Offset, last_term: u64) -> bool {
        let election_at = self.election_time();
        let controller = self.controller(id);
        let own_end = controller.store.end();
        let own_term = controller.store.term_at(own_end - 1).unwrap_or(0);
        let is_free = controller
            .store
            .vote
            .1
            .is_none_or(|voted| voted == candidate);
        if !is_free || (last_term, end) < (own_term, own_end) {
            return false;
        }
        controller.store.vote.1 = Some(candidate);
        controller.store.sync_vote();
        controller.election_at = election_at;
        true
    }

    fn count_votes(&mut self, id: NodeId) {
        let majority = self.majority();
        let now = self.now;
        let peers = self.peers(id);
        let controller = self.controller(id);
        let Role::Candidate { votes } = &controller.role else {
            return;
        };
        if votes.len() < majority {
            return;
        }
        let end = controller.store.end();
        let term = controller.store.vote.0;
        controller.role = Role::Leader(Box::new(Leading {
            next: peers.iter().map(|peer| (*peer, end)).collect(),
            matched: BTreeMap::new(),
            beat_at: now,
            active: Active::new(term, end),
        }));
        say!(self, id, "leads the quorum in term {term}");
        self.truth.on_term_leader(term, id);
        self.propose(id, Vec::new());
    }

    /// Appends an entry as leader, and returns its offset.
    pub fn propose(&mut self, id: NodeId, records: Vec<MetadataRecord>) -> Offset {
        let controller = self.controller(id);
        let offset = controller.store.end();
        let term = controller.store.vote.0;
        controller.store.entries.push(Entry {
            term,
            records: records.into(),
        });
        controller.store.sync_log();
        self.replicate(id);
        self.advance_commit(id);
        offset
    }

    fn replicate(&mut self, id: NodeId) {
        for peer in self.peers(id) {
            self.replicate_to(id, peer);
        }
    }

    fn replicate_to(&mut self, id: NodeId, peer: NodeId) {
        let controller = self.controller(id);
        let Role::Leader(leading) = &mut controller.role else {
            return;
        };
        let next = leading.next.get(&peer).copied().unwrap_or(0);
        let store = &controller.store;
        let term = store.vote.0;
        let raft = match store.term_at(next - 1) {
            Some(previous_term) if next >= store.start => Raft::Append {
                term,
                from: next,
                previous_term,
                entries: store.from(next, ENTRIES_MAX),
                committed: controller.committed,
            },
            Some(_) | None => Raft::Install {
                term,
                end: store.snapshot.end,
                last_term: store.snapshot.last_term,
                records: Arc::clone(&store.snapshot.records),
            },
        };
        self.send(id, peer, None, Message::Raft(raft));
    }

    /// Returns whether the logs agree, and up to where, or where to try next.
    fn take_entries(
        &mut self,
        id: NodeId,
        from: Offset,
        previous_term: u64,
        entries: Vec<Entry>,
    ) -> (bool, Offset) {
        let controller = self.controller(id);
        let committed = controller.committed;
        let store = &mut controller.store;
        if from < store.start {
            return (false, committed);
        }
        if from > store.end() || store.term_at(from - 1) != Some(previous_term) {
            return (false, committed.min(from - 1).max(0));
        }
        for (offset, entry) in (from..).zip(entries.iter()) {
            if store.term_at(offset) == Some(entry.term) {
                continue;
            }
            if offset < store.end() {
                store.truncate(offset);
            }
            store.entries.push(entry.clone());
        }
        store.sync_log();
        let agreed = from + i64::try_from(entries.len()).unwrap_or(0);
        (true, agreed)
    }

    fn on_appended(&mut self, id: NodeId, from: NodeId, end: Offset, ok: bool) {
        let Role::Leader(leading) = &mut self.controller(id).role else {
            return;
        };
        if !ok {
            let next = leading.next.entry(from).or_insert(0);
            *next = end.min((*next - 1).max(0));
            return self.replicate_to(id, from);
        }
        let matched = leading.matched.entry(from).or_insert(0);
        *matched = end.max(*matched);
        let matched = *matched;
        leading.next.insert(from, matched);
        self.advance_commit(id);
        if matched < self.controller(id).store.end() {
            self.replicate_to(id, from);
        }
    }

    fn advance_commit(&mut self, id: NodeId) {
        let majority = self.majority();
        let controller = self.controller(id);
        let Role::Leader(leading) = &controller.role else {
            return;
        };
        let mut ends: Vec<Offset> = leading.matched.values().copied().collect();
        ends.push(controller.store.end());
        ends.sort_unstable_by(|a, b| b.cmp(a));
        let Some(end) = ends.get(majority - 1).copied() else {
            return;
        };
        // Only an entry of the own term commits what is before it.
        if controller.store.term_at(end - 1) == Some(controller.store.vote.0) {
            self.commit(id, end);
        }
    }
}
