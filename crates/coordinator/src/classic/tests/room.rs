//! A group with everything around it that a shard would give.

use std::sync::Arc;
use std::time::Duration;

use metadata::MetadataImage;
use types::Uuid;

use crate::classic;
use crate::env::{Caller, Env, GroupId, Now, Out, Token};
use crate::group::{Call, Group as Slot};
use crate::record::Record;
use crate::request::{Answer, Request};
use crate::settings::Settings;
use crate::shard::Mode;
use crate::timers::Timers;

/// What came out of one step.
#[derive(Debug, Default)]
pub(super) struct Came {
    pub(super) records: Vec<Record>,
    pub(super) answers: Vec<(Token, Answer)>,
}

#[derive(Debug)]
pub(super) struct Room {
    pub(super) id: GroupId,
    pub(super) slot: Slot,
    pub(super) settings: Settings,
    pub(super) now: Duration,
    pub(super) timers: Timers,
    image: MetadataImage,
    asked: u64,
}

/// Wall clock at the beginning.
pub(super) const START_MS: i64 = 1_000_000;

impl Room {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            id: Arc::from("g"),
            slot: Slot::Absent,
            settings,
            now: Duration::ZERO,
            timers: Timers::default(),
            image: MetadataImage::default(),
            asked: 0,
        }
    }

    /// Asks; the id that it may hand out ends in the number of the question, from 1.
    pub(super) fn ask(
        &mut self,
        client_id: &str,
        version: i16,
        request: &Request,
    ) -> (Token, Came) {
        self.asked += 1;
        let token = Token(self.asked);
        let caller = Caller {
            client_id: client_id.into(),
            client_host: "/10.0.0.1".into(),
            version,
            fresh_id: Uuid::from_bytes(u128::from(self.asked).to_be_bytes()),
        };
        let id = Arc::clone(&self.id);
        let came = self.step(|slot, env| {
            let call = Call {
                id: &id,
                caller: &caller,
                token,
            };
            match request {
                Request::Join(request) => classic::join(slot, &call, env, request),
                Request::Sync(request) => classic::sync(slot, &call, env, request),
                Request::Heartbeat(request) => classic::heartbeat(slot, &call, env, request),
                Request::Leave(request) => classic::leave(slot, &call, env, request),
                Request::Describe(_) => {
                    let answer = Answer::Describe(slot.describe(&call));
                    env.out.answer(call.id, token, answer);
                }
                other => panic!("not of a classic group: {other:?}"),
            }
        });
        (token, came)
    }

    /// Fires the next timer that is due by `until`, at its time. `None` when there is none.
    pub(super) fn fire(&mut self, until: Duration) -> Option<Came> {
        loop {
            let next = self.timers.next_deadline().filter(|at| *at <= until)?;
            self.now = self.now.max(next);
            if let Some(key) = self.timers.pop_due(self.now) {
                return Some(self.step(|slot, env| classic::on_time(slot, &key, env)));
            }
        }
    }

    /// Another coordinator takes over, with what the log says.
    pub(super) fn fail_over(&mut self, last: Option<&Record>) {
        self.slot = Slot::Absent;
        self.timers = Timers::default();
        if let Some(Record::ClassicGroup { value, .. }) = last {
            let id = Arc::clone(&self.id);
            classic::replay(&mut self.slot, &id, value.as_ref(), Mode::Loading);
        }
        let came = self.step(|slot, env| {
            if let Slot::Classic(group) = slot {
                group.on_loaded(env);
            }
        });
        assert!(came.records.is_empty() && came.answers.is_empty());
    }

    pub(super) fn step(&mut self, act: impl FnOnce(&mut Slot, &mut Env<'_>)) -> Came {
        let mut out = Out::default();
        let elapsed = i64::try_from(self.now.as_millis()).unwrap();
        let mut env = Env {
            now: Now {
                monotonic: self.now,
                wall_ms: START_MS + elapsed,
            },
            image: &self.image,
            settings: &self.settings,
            timers: &mut self.timers,
            out: &mut out,
        };
        act(&mut self.slot, &mut env);
        if let Slot::Classic(group) = &self.slot {
            group.assert_consistent();
        }
        Came {
            records: out.records,
            answers: out.answers.into_iter().map(|(_, t, a)| (t, a)).collect(),
        }
    }

    pub(super) fn group(&self) -> &classic::Group {
        match &self.slot {
            Slot::Classic(group) => group,
            other => panic!("no classic group: {other:?}"),
        }
    }
}
