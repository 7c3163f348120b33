//! All sessions of a broker, bounded in number.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use protocol::messages::fetch::{FetchRequest, PartitionData};
use types::ErrorCode;

use super::interest::{self, Interest};
use super::session::{Session, epoch_after};

/// Bounds of the cache.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// `max.incremental.fetch.session.cache.slots`. Zero turns sessions off.
    pub(crate) slots: usize,
    /// A session idle or alive for this long may be pushed out. Kafka: two minutes.
    pub(crate) evict_after: Duration,
}

/// What one fetch request asks for, with its session resolved.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What to fetch, in this order.
    pub(crate) interests: Vec<Interest>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Sessionless,
    Full { by_id: bool, privileged: bool },
    Incremental { id: i32 },
}

const EPOCH_NEW: i32 = 0;
const EPOCH_FINAL: i32 = -1;
/// No session, on the wire.
const NO_SESSION: i32 = 0;

/// The sessions. Shared by all connections; its lock is held for map work only.
#[derive(Debug)]
pub(crate) struct SessionCache {
    limits: Limits,
    sessions: Mutex<HashMap<i32, Session>>,
}

impl SessionCache {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            sessions: Mutex::new(HashMap::new()),
        }
    }

    /// How many sessions there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.sessions.lock().len()
    }

    /// Resolves the request's session.
    ///
    /// # Errors
    ///
    /// The code for the whole response: 70 unknown session, 71 wrong epoch, 106 the session names
    /// topics the other way.
    pub(crate) fn begin(
        &self,
        request: &FetchRequest,
        version: i16,
        now: Duration,
    ) -> Result<Plan, ErrorCode> {
        let (id, epoch) = (request.session_id, request.session_epoch);
        if epoch == EPOCH_NEW || epoch == EPOCH_FINAL {
            if id != NO_SESSION {
                self.sessions.lock().remove(&id);
            }
            let kind = if epoch == EPOCH_FINAL {
                Kind::Sessionless
            } else {
                Kind::Full {
                    by_id: interest::by_id(version),
                    privileged: is_follower(request),
                }
            };
            return Ok(Plan {
                interests: interest::of_request(request, version),
                kind,
            });
        }
        self.begin_incremental(request, version, now)
    }

    fn begin_incremental(
        &self,
        request: &FetchRequest,
        version: i16,
        now: Duration,
    ) -> Result<Plan, ErrorCode> {
        let mut sessions = self.sessions.lock();
        let session = sessions
            .get_mut(&request.session_id)
            .ok_or(ErrorCode::FetchSessionIdNotFound)?;
        if session.next_epoch != request.session_epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if session.by_id != interest::by_id(version) {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        session.next_epoch = epoch_after(session.next_epoch);
        session.last_used = now;
        for wanted in interest::of_request(request, version) {
            session.want(wanted);
        }
        for key in interest::forgotten(request, version) {
            session.forget(&key);
        }
        if session.is_empty() {
            sessions.remove(&request.session_id);
            return Ok(Plan {
                interests: Vec::new(),
                kind: Kind::Sessionless,
            });
        }
        Ok(Plan {
            interests: session.interests(),
            kind: Kind::Incremental {
                id: request.session_id,
            },
        })
    }

    /// Takes the answers, in the plan's order, and returns those that go into the response together
    /// with the response's session id. `draw` gives candidates for a new id; it is asked until one is
    /// positive and free.
    pub(crate) fn finish(
        &self,
        plan: Plan,
        mut answers: Vec<PartitionData>,
        now: Duration,
        draw: impl FnMut() -> i32,
    ) -> (i32, Vec<(Interest, PartitionData)>) {
        debug_assert_eq!(
            plan.interests.len(),
            answers.len(),
            "one answer for each interest"
        );
        match plan.kind {
            Kind::Sessionless => (
                NO_SESSION,
                plan.interests.into_iter().zip(answers).collect(),
            ),
            Kind::Full { by_id, privileged } => {
                let session = Session::new(NO_SESSION, by_id, privileged, now);
                let id = self.open(session, &plan.interests, &answers, draw);
                (id, plan.interests.into_iter().zip(answers).collect())
            }
            Kind::Incremental { id } => {
                let mut sessions = self.sessions.lock();
                let answers = answers.drain(..);
                // Pushed out meanwhile: the client gets everything and learns of it with its next request.
                let Some(session) = sessions.get_mut(&id) else {
                    return (id, plan.interests.into_iter().zip(answers).collect());
                };
                let told = plan
                    .interests
                    .into_iter()
                    .zip(answers)
                    .filter(|(interest, answer)| session.note(interest, answer))
                    .collect();
                (id, told)
            }
        }
    }

    /// Keeps the session if there is room or room can be made. Returns its id, or [`NO_SESSION`].
    fn open(
        &self,
        mut session: Session,
        interests: &[Interest],
        answers: &[PartitionData],
        mut draw: impl FnMut() -> i32,
    ) -> i32 {
        if interests.is_empty() || self.limits.slots == 0 {
            return NO_SESSION;
        }
        for (interest, answer) in interests.iter().zip(answers) {
            session.want(interest.clone());
            session.note(interest, answer);
        }
        let mut sessions = self.sessions.lock();
        if sessions.len() >= self.limits.slots && !self.make_room(&mut sessions, &session) {
            return NO_SESSION;
        }
        loop {
            let id = draw();
            if id > NO_SESSION && !sessions.contains_key(&id) {
                session.id = id;
                sessions.insert(id, session);
                return id;
            }
        }
    }

    /// Pushes one session out: the one idle longest if that is long enough, else one that the newcomer
    /// outranks (a follower over a consumer, a larger over a smaller) and that has had its time.
    fn make_room(&self, sessions: &mut HashMap<i32, Session>, newcomer: &Session) -> bool {
        let is_old =
            |since: Duration| newcomer.created.saturating_sub(since) > self.limits.evict_after;
        let idle = sessions.values().min_by_key(|session| session.last_used);
        let rank = |session: &Session| (session.privileged, session.len());
        let victim = idle
            .filter(|session| is_old(session.last_used))
            .or_else(|| {
                sessions
                    .values()
                    .filter(|session| {
                        (newcomer.privileged && !session.privileged) || is_old(session.created)
                    })
                    .filter(|session| rank(session) < rank(newcomer))
                    .min_by_key(|session| (rank(session), Reverse(session.id)))
            });
        let Some(id) = victim.map(|session| session.id) else {
            return false;
        };
        sessions.remove(&id).is_some()
    }
}

fn is_follower(request: &FetchRequest) -> bool {
    request.replica_id >= 0 || request.replica_state.replica_id >= 0
}

#[cfg(test)]
mod tests;
