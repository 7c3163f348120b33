//! What happened in a run, as its clients saw it: one event per line of JSON.
//!
//! ```text
//! send: invoke ─▶ ok (offset) | fail (proven not appended) | info (nobody knows)
//! assign ─▶ poll, poll, poll …        what a reader was given, in order
//! scan                                after everything has healed: a replica, from start to end
//! member ─▶ owns ─▶ poll ─▶ commit    a reader that shares with the others of its group
//! ```
//!
//! `fail` is said only where the error proves that nothing was appended. A wrong `fail` would accuse
//! an innocent broker; a wrong `ok` would hide a loss.

mod recorder;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use recorder::Recorder;

/// A partition by name, such as `t-0`. A topic that is deleted and created again gets another name
/// here for each creation.
pub type Tp = Arc<str>;

/// A record's value: unique in a run.
pub type Value = u64;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Nanoseconds since the run began.
    pub t_ns: u64,
    /// Who: unique in a run.
    pub client: u32,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// How far an operation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It begins.
    Invoke,
    /// It happened.
    Ok,
    /// It did not happen, and never will.
    Fail,
    /// Nobody knows.
    Info,
}

/// A record as a reader was given it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its offset.
    pub offset: i64,
    /// Epoch of the leader that appended it.
    pub epoch: i32,
    /// Its value.
    pub value: Value,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "f", rename_all = "snake_case")]
pub enum What {
    /// A record is written. Its value ties invocation and end together.
    Send {
        /// Beginning or end.
        #[serde(rename = "type")]
        phase: Phase,
        /// Where to.
        tp: Tp,
        /// The record.
        value: Value,
        /// Where it is; `None` if the broker did not say.
        offset: Option<i64>,
    },
    /// A reader goes on from this offset.
    Assign {
        /// The partition.
        tp: Tp,
        /// Its next offset.
        offset: i64,
    },
    /// A reader was given records.
    Poll {
        /// The partition.
        tp: Tp,
        /// In the order they came.
        records: Vec<Seen>,
    },
    /// A reader was told that the place where it was does not exist.
    OutOfRange {
        /// The partition.
        tp: Tp,
        /// Its next offset.
        offset: i64,
    },
    /// The end of the partition was asked for.
    EndOffset {
        /// Beginning or end.
        #[serde(rename = "type")]
        phase: Phase,
        /// The partition.
        tp: Tp,
        /// The answer, exclusive.
        offset: Option<i64>,
    },
    /// After everything has healed, a replica was read.
    Scan {
        /// The partition.
        tp: Tp,
        /// Broker that was asked.
        replica: i32,
        /// The first offset there is.
        from: i64,
        /// Exclusive end.
        to: i64,
        /// All records in between.
        records: Vec<Seen>,
    },
    /// A broker said who leads.
    Leader {
        /// The partition.
        tp: Tp,
        /// The leader's epoch.
        epoch: i32,
        /// The leader's node id.
        leader: i32,
        /// Replicas in sync.
        isr: Vec<i32>,
    },
    /// A topic was created, or deleted.
    Topic {
        /// What was done to it.
        act: TopicAct,
        /// Its name.
        name: Tp,
        /// Its id.
        id: Tp,
    },
    /// A record has no acknowledgement, and this is the last that its producer heard.
    Error {
        /// What the client says.
        text: Tp,
    },
    /// A client joins a group: from now on what it is given is given to the group.
    Member {
        /// The group.
        group: Tp,
    },
    /// A member of a group was told which partitions are its own.
    Owns {
        /// The group.
        group: Tp,
        /// Its generation, or the member's epoch, where the client says it.
        generation: Option<i32>,
        /// All of them.
        tps: Vec<Tp>,
    },
    /// A group's place in a partition is written by a member.
    Commit {
        /// Beginning or end.
        #[serde(rename = "type")]
        phase: Phase,
        /// The group.
        group: Tp,
        /// The partition.
        tp: Tp,
        /// The next offset to read.
        offset: i64,
    },
    /// A group's place in a partition is asked for.
    Committed {
        /// Beginning or end.
        #[serde(rename = "type")]
        phase: Phase,
        /// The group.
        group: Tp,
        /// The partition.
        tp: Tp,
        /// The answer; `None` if there is no place.
        offset: Option<i64>,
    },
    /// A coordinator said who has which partitions, in one answer.
    Owners {
        /// The group.
        group: Tp,
        /// Members by their ids.
        members: Vec<(String, Vec<Tp>)>,
    },
    /// Something was broken, or mended.
    Fault {
        /// What.
        name: Tp,
        /// Whether this is its end.
        is_over: bool,
    },
}

/// What was done to a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TopicAct {
    /// Its creation was acknowledged.
    Created,
    /// Its deletion was acknowledged.
    Deleted,
    /// A broker named it.
    Listed,
}
