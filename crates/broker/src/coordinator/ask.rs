//! Asking a group: to its shard, and what becomes of the answer.

use std::sync::Arc;

use ::coordinator::{Answer, Caller, Request};
use tokio::sync::oneshot;
use types::ErrorCode;

use super::failure::Refusal;
use super::hosted::{Hosted, Stage};
use super::{Groups, partition_of};
use crate::state::Core;

/// The longest name that the log can keep.
const NAME_BYTES_MAX: usize = 32_767;

/// A question to a group that is under way, or answered.
#[derive(Debug)]
pub(crate) enum Asked {
    /// There is nothing to wait for.
    Now(Answer),
    /// The group has something to wait for: other members, or other replicas.
    Later {
        /// Ends without an answer when this broker coordinates the group no more.
        receiver: oneshot::Receiver<Answer>,
        /// What to say then.
        refusal: Box<Answer>,
    },
}

impl Asked {
    /// The answer.
    ///
    /// # Cancel safety
    /// The answer is lost if the future is dropped; what was decided stays decided.
    pub(crate) async fn answer(self) -> Answer {
        match self {
            Self::Now(answer) => answer,
            Self::Later { receiver, refusal } => receiver.await.unwrap_or(*refusal),
        }
    }
}

impl Groups {
    /// Asks the group that the request names.
    pub(crate) fn ask(&self, core: &Core, caller: &Caller, request: &Request) -> Asked {
        let refused = |code| Asked::Now(request.refused(code));
        if let Err(code) = check_names(request) {
            return refused(code);
        }
        let (sender, receiver) = oneshot::channel();
        match self.decide(core, caller, request, sender) {
            Ok(()) => Asked::of(receiver, request),
            // As Kafka: the member goes on as it is, and its session begins anew after loading.
            Err(Refusal::Loading) if matches!(request, Request::Heartbeat(_)) => {
                refused(ErrorCode::None)
            }
            Err(refusal) => refused(refusal.code()),
        }
    }

    fn decide(
        &self,
        core: &Core,
        caller: &Caller,
        request: &Request,
        sender: oneshot::Sender<Answer>,
    ) -> Result<(), Refusal> {
        if shows_offsets(request) && !core.may_tell() {
            return Err(Refusal::CutOff);
        }
        let hosted = self.shard_of(core, request.group_id())?;
        if needs_name(request) && request.group_id().is_empty() {
            return Err(Refusal::EmptyId);
        }
        let decided = hosted.visit(core, |stage, at| {
            match stage {
                Stage::Loading => return Err(Refusal::Loading),
                Stage::Over => return Err(Refusal::NotHere),
                Stage::Serving(serving) if !serving.shard.is_active() => {
                    return Err(Refusal::Loading);
                }
                Stage::Serving(_) => {}
            }
            if hosted.is_over() {
                return Err(Refusal::NotHere);
            }
            if is_written(request) {
                hosted.may_write()?;
            }
            let decide =
                |shard: &mut ::coordinator::Shard, token| shard.handle(at, caller, token, request);
            hosted.decide(core, stage, at, decide, sender);
            Ok(())
        });
        decided.unwrap_or(Err(Refusal::NotHere))
    }

    /// The shard that the group belongs to, if it is here.
    fn shard_of(&self, core: &Core, group_id: &str) -> Result<Arc<Hosted>, Refusal> {
        if self.is_closed() {
            return Err(Refusal::NotHere);
        }
        let place = partition_of(&core.image(), group_id).map(|(index, _)| index);
        place
            .and_then(|index| self.get(index))
            .ok_or(Refusal::NotHere)
    }
}

impl Asked {
    fn of(mut receiver: oneshot::Receiver<Answer>, request: &Request) -> Self {
        match receiver.try_recv() {
            Ok(answer) => Self::Now(answer),
            Err(oneshot::error::TryRecvError::Empty) => Self::Later {
                receiver,
                refusal: Box::new(request.refused(Refusal::NotHere.code())),
            },
            Err(oneshot::error::TryRecvError::Closed) => {
                Self::Now(request.refused(Refusal::NotHere.code()))
            }
        }
    }
}

/// Whether deciding it may need the log. What only looks is answered also while nothing can be written,
/// and so are heartbeats: members keep their sessions.
fn is_written(request: &Request) -> bool {
    match request {
        Request::Heartbeat(_)
        | Request::OffsetFetch { .. }
        | Request::Describe(_)
        | Request::ConsumerDescribe(_) => false,
        Request::Join(_)
        | Request::Sync(_)
        | Request::Leave(_)
        | Request::ConsumerHeartbeat(_)
        | Request::OffsetCommit(_)
        | Request::OffsetDelete(_)
        | Request::Delete(_) => true,
    }
}

/// Whether it tells how far a group has come, of which a broker that is cut off may know too little. What
/// it writes is refused by the followers; so without controllers members go on reading and committing, and
/// only who begins has to wait.
fn shows_offsets(request: &Request) -> bool {
    matches!(request, Request::OffsetFetch { .. })
}

/// Whether the group needs a name there. Elsewhere Kafka knows a group without one, from the days when
/// offsets were committed by consumers that had no group.
fn needs_name(request: &Request) -> bool {
    match request {
        Request::Join(_)
        | Request::Sync(_)
        | Request::Heartbeat(_)
        | Request::Leave(_)
        | Request::OffsetDelete(_)
        | Request::ConsumerDescribe(_) => true,
        Request::ConsumerHeartbeat(_)
        | Request::OffsetCommit(_)
        | Request::OffsetFetch { .. }
        | Request::Delete(_)
        | Request::Describe(_) => false,
    }
}

/// Names that the log cannot keep are refused before anything is decided.
fn check_names(request: &Request) -> Result<(), ErrorCode> {
    let is_long = |name: &str| name.len() > NAME_BYTES_MAX;
    if is_long(request.group_id()) {
        return Err(ErrorCode::InvalidGroupId);
    }
    let is_too_long = match request {
        Request::Join(join) => {
            let names = join.protocols.iter().map(|protocol| &protocol.name);
            is_long(&join.protocol_type)
                || is_long(&join.member_id)
                || join.group_instance_id.as_deref().is_some_and(is_long)
                || names.into_iter().any(|name| is_long(name))
        }
        Request::ConsumerHeartbeat(beat) => {
            let texts = [
                &beat.instance_id,
                &beat.rack_id,
                &beat.subscribed_topic_regex,
                &beat.server_assignor,
            ];
            let mut topics = beat.subscribed_topic_names.iter().flatten();
            is_long(&beat.member_id)
                || texts
                    .iter()
                    .any(|text| text.as_deref().is_some_and(is_long))
                || topics.any(|name| is_long(name))
        }
        _ => false,
    };
    if is_too_long {
        return Err(ErrorCode::InvalidRequest);
    }
    Ok(())
}
