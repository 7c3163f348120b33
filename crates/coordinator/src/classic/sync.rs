//! `SyncGroup`: the leader says who has what, the others ask.
//!
//! The leader's word becomes a record first. All answers of this step wait until it is committed, as any
//! answer does: no member learns of an assignment that a failover could take back.

use std::collections::HashMap;

use bytes::Bytes;
use protocol::messages::sync_group::SyncGroupRequest;
use types::ErrorCode;

use super::answer;
use super::members::{MemberId, Waiting};
use super::state::{Group, State};
use crate::env::Env;
use crate::group::{Call, Group as Slot};
use crate::request::Answer;
use crate::timers::TimerKind;

/// From this version on, requests name the protocol that they mean (KIP-559).
const NAMED_PROTOCOL_VERSION: i16 = 5;

/// `SyncGroup`. `slot` is [`Slot::Absent`] or classic.
pub(crate) fn sync(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &SyncGroupRequest,
) {
    if let Err(code) = try_sync(slot, call, env, request) {
        let answer = Answer::Sync(answer::sync_refused(code));
        env.out.answer(call.id, call.token, answer);
    }
}

fn try_sync(
    slot: &mut Slot,
    call: &Call<'_>,
    env: &mut Env<'_>,
    request: &SyncGroupRequest,
) -> Result<(), ErrorCode> {
    let is_named = request.protocol_type.is_some() && request.protocol_name.is_some();
    if call.caller.version >= NAMED_PROTOCOL_VERSION && !is_named {
        return Err(ErrorCode::InconsistentGroupProtocol);
    }
    let Slot::Classic(group) = slot else {
        return Err(ErrorCode::UnknownMemberId);
    };
    let member_id = group.may_sync(request)?;
    group.sync(&member_id, call, env, request);
    Ok(())
}

impl Group {
    fn may_sync(&self, request: &SyncGroupRequest) -> Result<MemberId, ErrorCode> {
        let id = self.identify(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        let differs = |theirs: Option<&str>, ours: Option<&str>| {
            theirs.is_some_and(|theirs| ours.is_some_and(|ours| theirs != ours))
        };
        let of_type = (
            request.protocol_type.as_deref(),
            self.protocol_type.as_deref(),
        );
        let of_name = (request.protocol_name.as_deref(), self.protocol.as_deref());
        if differs(of_type.0, of_type.1) || differs(of_name.0, of_name.1) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        match self.state {
            State::Preparing(_) => Err(ErrorCode::RebalanceInProgress),
            State::Empty | State::Completing | State::Stable => Ok(id),
        }
    }

    fn sync(
        &mut self,
        id: &MemberId,
        call: &Call<'_>,
        env: &mut Env<'_>,
        request: &SyncGroupRequest,
    ) {
        self.hear(id, env);
        self.unsynced.remove(id);
        if self.unsynced.is_empty() {
            env.timers.disarm(&self.timer(TimerKind::Sync));
        }
        if self.state == State::Stable {
            return self.answer_sync(call.token, id, env);
        }
        self.wait(id, Waiting::Sync(call.token), env);
        if self.is_leader(id) {
            self.assign(request, env);
        }
    }

    /// The leader has assigned. Members that it forgot get nothing, in so many words: clients parse what
    /// they get, and an assignment that is absent is not one without partitions.
    fn assign(&mut self, request: &SyncGroupRequest, env: &mut Env<'_>) {
        let given = request.assignments.iter();
        let given: HashMap<&str, &Bytes> = given
            .map(|entry| (&*entry.member_id, &entry.assignment))
            .collect();
        for id in self.members.ids() {
            let assignment = given.get(&*id).map(|bytes| Bytes::copy_from_slice(bytes));
            self.members.assign(&id, assignment.unwrap_or_default());
        }
        if self.outgrows(env.settings.batch_bytes_max) {
            // As Kafka says it: the leader has to assign in fewer words.
            self.prepare_because(ErrorCode::UnknownServerError, env);
            return self.proceed(env);
        }
        self.enter(State::Stable, env);
        self.write(env);
        self.answer_syncs(ErrorCode::None, env);
    }

    /// Members that joined and did not ask for their assignment are gone.
    pub(super) fn on_sync_timer(&mut self, env: &mut Env<'_>) {
        if self.unsynced.is_empty() {
            return;
        }
        for id in std::mem::take(&mut self.unsynced) {
            self.expel(&id, ErrorCode::UnknownMemberId, env);
        }
        self.rebalance(env);
    }
}
