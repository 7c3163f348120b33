//! A member of a group: asks one thing at a time, commits and fetches what it owns, and now and then hangs,
//! dies or leaves.
//!
//! What it believes to own is its own matter; whether it may, the invariants know.

use std::collections::BTreeSet;
use std::time::Duration;

use coordinator::{Answer, Request};
use types::{ErrorCode, LeaderEpoch, NodeId, Offset, PartitionIndex};

use super::hosted::Question;
use super::plan::MemberPlan;
use super::{FIRST_MEMBER, READ, READ_PARTITIONS, coordinator};
use crate::client::node_of;
use crate::draw::ms;
use crate::event::Event;
use crate::message::{Key, Message};
use crate::plan::FAULTS_END;
use crate::say;
use crate::world::{World, topic_name};

/// How long an answer is waited for, unless the group may make it wait.
pub(super) const PATIENCE: Duration = ms(600);
/// Between two heartbeats.
const BEAT: Duration = ms(200);

/// A member.
#[derive(Debug)]
pub struct Member {
    /// What it was meant to be.
    pub plan: MemberPlan,
    /// Its member id; empty if it has none.
    pub id: String,
    /// Generation, or member epoch.
    pub epoch: i32,
    /// Where it stands.
    pub phase: Phase,
    /// The partitions it believes to own.
    pub owned: BTreeSet<PartitionIndex>,
    /// Whether it committed something as a member since the faults ended.
    pub has_committed_after: bool,
    /// How many processes it has been.
    pub life: u32,
    asked: Option<Asked>,
    /// Its newest question: older ones went over connections that it has closed since.
    pub newest_question: u64,
    /// It says nothing until then.
    silent_until: Duration,
    pub(super) beat_at: Duration,
    /// Whom it asks, until that one sends it away or is silent.
    coordinator: Option<(Key, NodeId)>,
    /// The newest leader epoch of its coordinator that it was told of.
    coordinator_epoch: LeaderEpoch,
}

/// Where a member stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is to join.
    Out,
    /// Classic: it joined, and is to fetch its assignment; the leader has assigned.
    Joined(Vec<(String, Vec<PartitionIndex>)>),
    /// It has an assignment.
    In,
}

/// What it waits for.
#[derive(Clone, Debug)]
struct Asked {
    number: u64,
    sent_at: Duration,
    patience: Duration,
    what: What,
}

/// What a question was about, as far as its answer needs it.
#[derive(Clone, Debug)]
pub enum What {
    /// To be in the group, or to stay.
    Membership,
    /// An offset.
    Commit {
        /// Of that partition.
        partition: PartitionIndex,
        /// What was committed.
        offset: Offset,
        /// As whom.
        epoch: i32,
    },
    /// What is committed.
    Fetch {
        /// Of that partition.
        partition: PartitionIndex,
        /// Where the newest commit that was acknowledged before stands in the log; -1 for none.
        floor: Offset,
    },
}

impl Member {
    fn new(plan: MemberPlan) -> Self {
        Self {
            plan,
            id: String::new(),
            epoch: 0,
            phase: Phase::Out,
            owned: BTreeSet::new(),
            has_committed_after: false,
            life: 0,
            asked: None,
            newest_question: 0,
            silent_until: Duration::ZERO,
            beat_at: Duration::ZERO,
            coordinator: None,
            coordinator_epoch: LeaderEpoch::NONE,
        }
    }

    /// The static member's name.
    #[must_use]
    pub fn instance(&self, number: u32) -> Option<String> {
        self.plan.is_static.then(|| format!("instance-{number}"))
    }

    /// It is no member any more, as far as it knows.
    pub fn fall_out(&mut self) {
        self.phase = Phase::Out;
        self.owned.clear();
    }
}

impl World {
    /// All members begin.
    pub fn start_members(&mut self) {
        let plans = self.plan.groups.as_ref().map(|it| it.members.clone());
        for (number, plan) in (FIRST_MEMBER..).zip(plans.unwrap_or_default()) {
            self.groups.members.insert(number, Member::new(plan));
            self.queue.push(ms(1700), Event::Client(number));
        }
    }

    /// The member of that number.
    pub fn member(&mut self, number: u32) -> &mut Member {
        self.groups
            .members
            .get_mut(&number)
            .expect("a member of the plan")
    }

    /// A member looks around.
    pub fn on_member(&mut self, number: u32) {
        let pause = self.draw.duration(ms(10), ms(100));
        self.queue.push(self.now + pause, Event::Client(number));
        self.trouble(number);
        let now = self.now;
        let member = self.member(number);
        if now < member.silent_until {
            return;
        }
        if let Some(asked) = &member.asked {
            if now.saturating_sub(asked.sent_at) < asked.patience {
                return;
            }
            member.asked = None;
            member.coordinator = None;
        }
        if std::mem::take(&mut member.silent_until) > Duration::ZERO {
            // It hung with work in its hands, and knows nothing of it: it commits what it did.
            let owned = member.owned.first().copied();
            if let Some(partition) = owned.filter(|_| member.phase == Phase::In) {
                return self.commit_offset(number, partition);
            }
        }
        let member = self.member(number);
        let is_late = now.saturating_sub(member.beat_at) >= BEAT;
        let is_in = member.phase == Phase::In;
        let is_due = !is_in || is_late;
        if is_due {
            member.beat_at = now;
            return if member.plan.is_modern {
                self.beat(number);
            } else {
                self.go_on_classic(number);
            };
        }
        self.use_offsets(number);
    }

    /// Members hang, die and leave as long as there are faults.
    fn trouble(&mut self, number: u32) {
        let once_in = self
            .plan
            .groups
            .as_ref()
            .map_or(1000, |groups| groups.trouble);
        if self.now > FAULTS_END || !self.draw.one_in(once_in) {
            return;
        }
        let silence = *self.draw.of(&[ms(200), ms(1000), ms(3000)]);
        let kind = self.draw.below(3);
        let now = self.now;
        let member = self.member(number);
        if now < member.silent_until {
            return;
        }
        member.silent_until = now + silence;
        say!(self, node_of(number), "trouble {kind} for {silence:?}");
        match kind {
            // It hangs, and knows nothing of it.
            0 => {}
            // It dies, and another process takes its place.
            1 => self.restart(number),
            _ => {
                self.say_goodbye(number);
                self.restart(number);
            }
        }
    }

    fn restart(&mut self, number: u32) {
        let member = self.member(number);
        let (silent_until, life) = (member.silent_until, member.life + 1);
        *member = Member {
            silent_until,
            life,
            newest_question: member.newest_question,
            ..Member::new(member.plan)
        };
        self.truth.owners.on_dropped(number);
    }

    /// It has no place in the group any more.
    pub(super) fn fall_out(&mut self, number: u32) {
        self.member(number).fall_out();
        self.truth.owners.on_dropped(number);
    }

    /// Its answer is not waited for.
    pub(super) fn tell_group(&mut self, number: u32, version: i16, request: Request) {
        self.ask_group(number, version, request, What::Membership, PATIENCE);
        self.member(number).asked = None;
    }

    /// Sends a question to the coordinator, if it is known.
    pub(super) fn ask_group(
        &mut self,
        number: u32,
        version: i16,
        request: Request,
        what: What,
        patience: Duration,
    ) {
        let Some((key, leader)) = self.find_coordinator(number) else {
            return;
        };
        let question = self.groups.question();
        let asked = Asked {
            number: question,
            sent_at: self.now,
            patience,
            what,
        };
        let member = self.member(number);
        member.asked = Some(asked);
        member.newest_question = question;
        let question = Question {
            number: question,
            key,
            client_id: format!("c{number}"),
            version,
            request: Box::new(request),
        };
        self.send(node_of(number), leader, None, Message::AskGroup(question));
    }

    /// As some broker says; never back to an older leader.
    fn find_coordinator(&mut self, number: u32) -> Option<(Key, NodeId)> {
        if let Some(known) = self.member(number).coordinator {
            return Some(known);
        }
        let serving = self.serving_brokers();
        let broker = *self.draw.maybe_of(&serving)?;
        let group = self.member(number).plan.group;
        let image = &self.broker(broker).image;
        let (key, leader) = coordinator(image, group)?;
        let epoch = image.partition(key.0, key.1)?.leader_epoch;
        let member = self.member(number);
        if epoch < member.coordinator_epoch {
            return None;
        }
        member.coordinator_epoch = epoch;
        member.coordinator = Some((key, leader?));
        member.coordinator
    }

    /// The partition of the log that a member's group belongs to.
    #[must_use]
    pub fn key_of(&self, group: u8) -> Option<Key> {
        coordinator(&self.truth.newest, group).map(|(key, _)| key)
    }

    /// An answer of a group arrived at a member, which may have given it up.
    pub fn on_group_answer(&mut self, client: NodeId, number: u64, answer: Answer) {
        let member_number = crate::client::client_of(client);
        let now = self.now;
        let Some(member) = self.groups.members.get_mut(&member_number) else {
            return;
        };
        let is_heard = now >= member.silent_until;
        let asked = member
            .asked
            .take_if(|asked| asked.number == number && is_heard);
        let Some(asked) = asked else {
            return;
        };
        if is_elsewhere(&answer) {
            self.member(member_number).coordinator = None;
        }
        match (asked.what, answer) {
            (
                What::Commit {
                    partition,
                    offset,
                    epoch,
                },
                Answer::OffsetCommit(answer),
            ) => {
                let code = answer
                    .topics
                    .first()
                    .and_then(|topic| topic.partitions.first());
                let code = code.map_or(-1, |partition| partition.error_code);
                self.on_commit_answer(member_number, partition, offset, epoch, asked.sent_at, code);
            }
            (What::Fetch { partition, floor }, Answer::OffsetFetch(answer)) => {
                let topic = answer.topics.first();
                let found = topic.and_then(|topic| topic.partitions.first());
                if let Some(found) = found.filter(|_| answer.error_code == 0) {
                    let group = self.member(member_number).plan.group;
                    let offset = found.committed_offset;
                    self.check_fetched(group, partition, offset, floor);
                }
            }
            (What::Membership, Answer::ConsumerHeartbeat(answer)) => {
                self.on_beaten(member_number, &answer);
            }
            (What::Membership, answer) => self.on_classic_answer(member_number, answer),
            (What::Commit { .. } | What::Fetch { .. }, _) => {}
        }
    }

    /// Which member has nothing to do with the group although everything is well.
    #[must_use]
    pub fn unwell_members(&self) -> Option<String> {
        for group in 0..2 {
            let members = || {
                let all = self.groups.members.iter();
                all.filter(move |(_, member)| member.plan.group == group)
            };
            let Some((key, _)) = coordinator(&self.truth.newest, group) else {
                continue;
            };
            let is_empty = members().next().is_none();
            let has_topic = self.truth.newest.topic(&topic_name(READ)).is_some();
            if is_empty || !has_topic || self.truth.is_excused(key) {
                continue;
            }
            if let Some((number, member)) = members().find(|(_, it)| it.phase != Phase::In) {
                return Some(format!("member {number} is not in its group: {member:?}"));
            }
            let mut owned: Vec<PartitionIndex> = members()
                .flat_map(|(_, member)| member.owned.iter().copied())
                .collect();
            owned.sort_unstable();
            if !owned.iter().copied().eq(0..READ_PARTITIONS) {
                return Some(format!("group {group}: {owned:?} are owned"));
            }
            let idle = |(_, member): &(&u32, &Member)| {
                !member.owned.is_empty() && !member.has_committed_after
            };
            if let Some((number, member)) = members().find(idle) {
                return Some(format!("member {number} cannot commit: {member:?}"));
            }
        }
        None
    }
}

/// Whether the answer says to look for another coordinator.
fn is_elsewhere(answer: &Answer) -> bool {
    let code = match answer {
        Answer::Join(answer) => answer.error_code,
        Answer::Sync(answer) => answer.error_code,
        Answer::Heartbeat(answer) => answer.error_code,
        Answer::ConsumerHeartbeat(answer) => answer.error_code,
        Answer::OffsetFetch(answer) => answer.error_code,
        Answer::OffsetCommit(answer) => {
            let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
            partitions
                .map(|partition| partition.error_code)
                .max()
                .unwrap_or(0)
        }
        _ => 0,
    };
    matches!(
        ErrorCode::from_wire(code),
        Some(ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable)
    )
}
