//! What a decision may look at, and where it puts what follows from it.

use std::sync::Arc;
use std::time::Duration;

use metadata::MetadataImage;
use protocol::Str;
use types::{TimestampMs, Uuid};

use crate::record::Record;
use crate::request::Answer;
use crate::settings::Settings;
use crate::timers::Timers;

/// A group's id, owned: a [`Str`] of a request would keep the whole request in memory.
pub type GroupId = Arc<str>;

/// A request that waits for its answer. The caller chooses the numbers and never uses one twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// What time it is, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Time since an arbitrary start; never decreases. For every timeout.
    pub monotonic: Duration,
    /// Milliseconds since 1970; may jump. For what is written down.
    pub wall_ms: TimestampMs,
}

/// Who sent a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What the client calls itself; empty if it does not say.
    pub client_id: Str,
    /// Its address, with a slash before it as Kafka shows it.
    pub client_host: Str,
    /// The version of the request.
    pub version: i16,
    /// Random, for the id of a member that has none yet.
    pub fresh_id: Uuid,
}

/// What surrounds a step: the same for all groups.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// What time it is.
    pub now: Now,
    /// What the cluster has decided: topics, their partitions and racks, configs of groups.
    pub image: &'a MetadataImage,
    /// The broker's configuration.
    pub settings: &'a Settings,
}

/// What one group sees of a step.
#[derive(Debug)]
pub struct Env<'a> {
    /// What time it is.
    pub now: Now,
    /// What the cluster has decided.
    pub image: &'a MetadataImage,
    /// The broker's configuration.
    pub settings: &'a Settings,
    /// When to be woken.
    pub timers: &'a mut Timers,
    /// What follows from the step.
    pub out: &'a mut Out,
}

/// What follows from a step: records to be appended as one batch, and answers that leave once that
/// batch, and all that the group wrote before, is committed.
#[derive(Debug, Default)]
pub struct Out {
    pub(crate) records: Vec<Record>,
    pub(crate) answers: Vec<(GroupId, Token, Answer)>,
}

impl Out {
    /// One more record of the step's batch.
    pub fn record(&mut self, record: Record) {
        self.records.push(record);
    }

    /// The answer to a request, of this step or of an earlier one, that concerns `group`.
    pub fn answer(&mut self, group: &GroupId, token: Token, answer: Answer) {
        self.answers.push((Arc::clone(group), token, answer));
    }
}
