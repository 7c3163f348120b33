//! `ConsumerGroupHeartbeat`: a member joins, goes on, or leaves.
//!
//! ```text
//! check the request ─▶ find the group, or make it (from a classic one) ─▶ find the member, or make it
//!   ─▶ what it said of itself ─▶ group epoch ─▶ target ─▶ one step towards the target ─▶ answer
//! ```
//!
//! Everything that can be refused is refused before the first record is written.

use std::sync::Arc;
use std::time::Duration;

use protocol::messages::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, TopicPartitions,
};
use types::ErrorCode;

use super::member::{About, LEFT, LEFT_FOR_NOW, Member, State, word};
use super::refusal::Refusal;
use super::state::Group;
use super::upgrade::Upgrade;
use super::work::Work;
use super::{assign, chosen, leave, regex, request as said};
use crate::env::Env;
use crate::group::{Call, Group as Slot};
use crate::record::ConsumerPart;

/// How soon a member comes back that waits for a target, or for partitions others have still to give
/// up. Kafka lets it wait for a whole heartbeat interval.
const UNSETTLED_INTERVAL: Duration = Duration::from_secs(1);

/// How the member of a request stands to the group.
pub(crate) enum Place {
    /// It is there.
    Member(Arc<str>),
    /// It joins.
    Newcomer(Arc<str>),
    /// It joins as the static member that another one was until now.
    Successor { of: Arc<str>, id: Arc<str> },
}

impl Place {
    pub(crate) const fn id(&self) -> &Arc<str> {
        match self {
            Self::Member(id) | Self::Newcomer(id) | Self::Successor { id, .. } => id,
        }
    }
}

/// Decides a heartbeat.
pub(crate) fn decide(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &ConsumerGroupHeartbeatRequest,
) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
    said::check(request, call.caller.version, env.settings)?;
    if matches!(request.member_epoch, LEFT | LEFT_FOR_NOW) {
        return leave::decide(slot, call, env, request);
    }
    let is_joining = request.member_epoch == 0;
    let mut upgrade = match slot {
        Slot::Consumer(_) => None,
        Slot::Absent if is_joining => Some(Upgrade::from_nothing()),
        Slot::Classic(classic) if is_joining => {
            Some(Upgrade::of(classic, call.id, env.image, env.settings)?)
        }
        Slot::Absent | Slot::Classic(_) => return Err(Refusal::no_group(call.id)),
    };
    let group = match (&*slot, &upgrade) {
        (_, Some(upgrade)) => &upgrade.group,
        (Slot::Consumer(group), None) => group,
        _ => return Err(Refusal::no_group(call.id)),
    };
    check_size(group, request, env.settings.consumer_max_size)?;
    let place = place(group, call, request)?;
    let before = group.members.get(match &place {
        Place::Successor { of, .. } => of,
        Place::Member(id) | Place::Newcomer(id) => id,
    });
    let before = before
        .map(|member| Arc::clone(&member.about))
        .unwrap_or_default();
    let news = said::merge(&before, request, call.caller);
    if let Some(news) = &news {
        check_regex(group, &before, news)?;
    }

    if let Some(upgrade) = upgrade.take() {
        upgrade.carry_out(slot, call.id, env);
    }
    let Slot::Consumer(group) = slot else {
        return Err(Refusal::no_group(call.id));
    };
    let id = call.id;
    Work { id, group, env }.member_said(&place, &before, news, request)
}

impl Work<'_, '_> {
    fn member_said(
        &mut self,
        place: &Place,
        before: &Arc<About>,
        news: Option<About>,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        let id = place.id();
        let claimed = request.topic_partitions.as_deref();
        let had = self
            .group
            .members
            .get(id)
            .map(|member| member.current.assigned.clone());
        let after = news.map_or_else(|| Arc::clone(before), Arc::new);
        let has_new_subscription = self.take_in(place, before, &after);
        self.raise_epoch_if(has_new_subscription);
        self.assign_when_due();
        self.reconcile(id, claimed, has_new_subscription);
        self.restart_session(id);

        let Some(member) = self.group.members.get(id) else {
            return Err(Refusal::unknown_member(id));
        };
        let assigned = &member.current.assigned;
        let is_news = had.as_ref() != Some(assigned);
        Ok(ConsumerGroupHeartbeatResponse {
            member_id: Some(word(id)),
            member_epoch: member.current.epoch,
            heartbeat_interval_ms: self.next_heartbeat_ms(member),
            assignment: (is_news || said::is_full(request)).then(|| assigned.to_answer()),
            ..ConsumerGroupHeartbeatResponse::default()
        })
    }

    /// Writes what the member is now. Returns whether it subscribes something else than before.
    pub(crate) fn take_in(
        &mut self,
        place: &Place,
        before: &Arc<About>,
        after: &Arc<About>,
    ) -> bool {
        let id = place.id();
        if let Place::Successor { of, id } = place {
            self.succeed(of, id, after);
        } else if before != after || !self.group.members.contains_key(id) {
            let value = after.to_record();
            self.write(ConsumerPart::Member(Arc::clone(id), Some(value)));
        }
        if before.regex() != after.regex() {
            if let Some(expression) = before.regex() {
                self.forget_expression(Arc::clone(expression));
            }
            if let Some(expression) = after.regex()
                && !self.group.matched.contains_key(expression)
            {
                self.match_topics(expression);
            }
            self.keep_matching();
        }
        before.topic_names != after.topic_names || before.regex() != after.regex()
    }

    /// A static member comes back under another id: it gets what the old one had.
    fn succeed(&mut self, old: &Arc<str>, new: &Arc<str>, about: &About) {
        let Some(member) = self.group.members.get(old).cloned() else {
            return;
        };
        let target = self.group.target_of(old);
        self.bury(old);
        for kind in super::work::MEMBER_TIMERS {
            self.disarm(old, kind);
        }
        let mut current = member.current;
        current.epoch = 0;
        current.previous_epoch = 0;
        let target = assign::to_record(&target);
        self.write(ConsumerPart::Member(
            Arc::clone(new),
            Some(about.to_record()),
        ));
        self.write(ConsumerPart::Target(Arc::clone(new), Some(target)));
        self.write(ConsumerPart::Current(
            Arc::clone(new),
            Some(current.to_record()),
        ));
    }

    pub(crate) fn raise_epoch_if(&mut self, has_new_subscription: bool) {
        // Topics that changed raise the epoch when they do; nothing to look for in every heartbeat.
        if has_new_subscription {
            self.raise_epoch(true);
        }
    }

    fn next_heartbeat_ms(&self, member: &Member) -> i32 {
        let interval = chosen::heartbeat_interval(self.id, self.env);
        let current = &member.current;
        let waits_for_target = self.group.target_epoch < self.group.epoch;
        // One that has to give up partitions says so as soon as it did.
        let interval = if waits_for_target || current.state == State::Unreleased {
            interval.min(UNSETTLED_INTERVAL)
        } else {
            interval
        };
        i32::try_from(interval.as_millis()).unwrap_or(i32::MAX)
    }
}

fn check_size(
    group: &Group,
    request: &ConsumerGroupHeartbeatRequest,
    max: usize,
) -> Result<(), Refusal> {
    let is_static = request.instance_id.as_ref();
    let is_known = group.members.contains_key(&*request.member_id)
        || is_static.is_some_and(|instance| group.static_members.contains_key(&**instance));
    if is_known || group.members.len() < max {
        return Ok(());
    }
    let message = format!("The consumer group has reached its maximum capacity of {max} members.");
    Err(Refusal::new(ErrorCode::GroupMaxSizeReached, message))
}

fn place(
    group: &Group,
    call: &Call<'_>,
    request: &ConsumerGroupHeartbeatRequest,
) -> Result<Place, Refusal> {
    let is_joining = request.member_epoch == 0;
    let id: Arc<str> = match request.member_id.is_empty() {
        true => Arc::from(call.caller.fresh_id.to_string()),
        false => Arc::from(&*request.member_id),
    };
    let Some(instance) = &request.instance_id else {
        return match group.members.get(&id) {
            Some(member) => {
                check_epoch(member, request)?;
                Ok(Place::Member(id))
            }
            None if is_joining => Ok(Place::Newcomer(id)),
            None => Err(Refusal::unknown_member(&id)),
        };
    };
    let Some((owner, member)) = static_member(group, instance) else {
        if !is_joining {
            return Err(Refusal::unknown_member(instance));
        }
        return Ok(match group.members.contains_key(&id) {
            true => Place::Member(id),
            false => Place::Newcomer(id),
        });
    };
    if is_joining {
        if member.current.epoch != LEFT_FOR_NOW && !member.about.is_classic() {
            let message = format!("The instance id {instance} is owned by member {owner}.");
            return Err(Refusal::new(ErrorCode::UnreleasedInstanceId, message));
        }
        let of = Arc::clone(owner);
        return Ok(Place::Successor { of, id });
    }
    if *owner != id {
        let message = format!("The instance id {instance} is owned by member {owner}.");
        return Err(Refusal::new(ErrorCode::FencedInstanceId, message));
    }
    check_epoch(member, request)?;
    Ok(Place::Member(id))
}

/// The static member of that instance id.
pub(crate) fn static_member<'a>(
    group: &'a Group,
    instance: &str,
) -> Option<(&'a Arc<str>, &'a Member)> {
    let owner = group.static_members.get(instance)?;
    Some((owner, group.members.get(owner)?))
}

/// A member is believed if it knows its epoch, or the one before and has nothing that the answer it
/// missed may have taken away.
fn check_epoch(member: &Member, request: &ConsumerGroupHeartbeatRequest) -> Result<(), Refusal> {
    let (said, known) = (request.member_epoch, member.current.epoch);
    if said == 0 {
        return Ok(());
    }
    if member.current.state == State::Unknown {
        return Err(Refusal::fenced(
            "The member is in a state that is not known.",
        ));
    }
    if said == known {
        return Ok(());
    }
    if said > known {
        let why = format!("The member has a greater epoch ({said}) than the one known ({known}).");
        return Err(Refusal::fenced(&why));
    }
    let covers = |claimed: &[TopicPartitions]| member.current.assigned.covers(claimed);
    let owns_no_more = request.topic_partitions.as_deref().is_some_and(covers);
    if said == member.current.previous_epoch && owns_no_more {
        return Ok(());
    }
    let why = format!("The member has a smaller epoch ({said}) than the one known ({known}).");
    Err(Refusal::fenced(&why))
}

fn check_regex(group: &Group, before: &About, after: &About) -> Result<(), Refusal> {
    match after.regex() {
        Some(expression)
            if before.regex() != Some(expression) && !group.matched.contains_key(expression) =>
        {
            let compiled = regex::compile(expression);
            compiled.map(drop).map_err(|error| {
                let message = format!(
                    "SubscribedTopicRegex `{expression}` is not a valid regular expression: {error}."
                );
                Refusal::new(ErrorCode::InvalidRegularExpression, message)
            })
        }
        _ => Ok(()),
    }
}
