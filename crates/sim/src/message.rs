//! What nodes and clients say to each other: the words of `proto/`, as far as the simulation needs them.

use std::sync::Arc;

use metadata::MetadataRecord;
use rpc::{HeartbeatAnswer, HeartbeatState, PartitionRefusal, PartitionUpdate, Registration};
use types::{BrokerEpoch, LeaderEpoch, NodeId, Offset, PartitionIndex, TopicId};

use crate::group::hosted::Question;
use crate::log::Record;

/// Names a partition of one creation of a topic.
pub type Key = (TopicId, PartitionIndex);

/// One entry of the metadata log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The term of the controller that proposed it.
    pub term: u64,
    /// What it says.
    pub records: Arc<[MetadataRecord]>,
}

/// A message outside streams.
#[derive(Clone, Debug)]
pub enum Message {
    /// Broker to controller.
    Ask(u64, Ask),
    /// The answer; `None` if this controller is not the active one, or cannot tell.
    Answer(u64, Option<Answer>),
    /// Broker to any controller: what follows that offset?
    Tail(Offset),
    /// The entries from that offset on.
    Entries(Offset, Vec<Entry>),
    /// The image at that offset, as records.
    Snapshot(Offset, Arc<[MetadataRecord]>),
    /// Controller to controller.
    Raft(Raft),
    /// Client to broker.
    Produce {
        /// The client's number of this attempt.
        attempt: u64,
        /// The partition.
        key: Key,
        /// What to append; its epoch is the leader's to fill in.
        record: Record,
        /// Whether all of the ISR must have it.
        needs_all: bool,
    },
    /// Broker to client.
    Produced {
        /// The attempt.
        attempt: u64,
        /// The partition.
        key: Key,
        /// What became of it.
        result: Result<Offset, ProduceError>,
    },
    /// Client to broker.
    Fetch {
        /// The partition.
        key: Key,
        /// Where to read.
        offset: Offset,
        /// Whether a follower may answer.
        from_follower: bool,
    },
    /// Client to broker.
    AskGroup(Question),
    /// Broker to client.
    GroupAnswer {
        /// The asker's number of the question.
        number: u64,
        /// What the group says.
        answer: Box<coordinator::Answer>,
    },
    /// Broker to client.
    Fetched {
        /// The partition.
        key: Key,
        /// Where the records begin.
        offset: Offset,
        /// The records, and the log start; `None` if this broker cannot answer.
        result: Option<(Vec<Record>, Offset)>,
    },
}

/// Why a record is not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProduceError {
    /// This broker does not lead, or no longer does: the outcome of an earlier append is unknown.
    NotLeader,
    /// Too few replicas are in sync; nothing was appended.
    TooFewInSync,
    /// The sequence has a gap.
    OutOfOrder,
}

/// What a broker asks the active controller.
#[derive(Clone, Debug)]
pub enum Ask {
    /// To be registered.
    Register(Box<Registration>),
    /// To be known alive.
    Heartbeat(NodeId, BrokerEpoch, HeartbeatState),
    /// To change ISRs.
    AlterPartitions(NodeId, BrokerEpoch, Vec<PartitionUpdate>),
    /// What an administrator wants.
    Admin(Admin),
}

/// What an administrator wants.
#[derive(Clone, Debug)]
pub enum Admin {
    /// Topic, replication factor, minimum.
    Create(u8, u8, u8),
    /// Topic.
    Delete(u8),
    /// Topic, partition, targets; `None` cancels.
    Reassign(u8, PartitionIndex, Option<Vec<i32>>),
    /// Topic, minimum.
    SetMinIsr(u8, u8),
    /// Preferred leaders.
    Elect,
    /// Whoever is left, where nobody is known to have everything.
    ElectUncleanly,
}

/// What the active controller answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// With that epoch.
    Registered(BrokerEpoch),
    /// Another process has that broker id.
    RegistrationRefused,
    /// The broker is known.
    Beat(HeartbeatAnswer),
    /// The registration is not that of the process that asks.
    Unknown,
    /// One answer for each partition, with the partition as it is then.
    Altered(Vec<Result<metadata::PartitionRegistration, PartitionRefusal>>),
    /// It is done, or was refused.
    Done,
}

/// The quorum's own messages.
#[derive(Clone, Debug)]
pub enum Raft {
    /// A candidate asks.
    Vote {
        /// Its term.
        term: u64,
        /// Exclusive end of its log, and the term of the last entry.
        end: Offset,
        /// That entry's term.
        last_term: u64,
    },
    /// The vote is given or not.
    Voted {
        /// The voter's term.
        term: u64,
        /// Whether it is given.
        granted: bool,
    },
    /// The leader's entries from `from` on.
    Append {
        /// Its term.
        term: u64,
        /// Where the entries begin.
        from: Offset,
        /// Term of the entry before.
        previous_term: u64,
        /// The entries.
        entries: Vec<Entry>,
        /// Exclusive end of what is committed.
        committed: Offset,
    },
    /// The leader's snapshot, up to but without `end`.
    Install {
        /// Its term.
        term: u64,
        /// Exclusive end.
        end: Offset,
        /// Term of the last entry in it.
        last_term: u64,
        /// The image.
        records: Arc<[MetadataRecord]>,
    },
    /// How far the follower's log agrees.
    Appended {
        /// The follower's term.
        term: u64,
        /// Exclusive end of what is known to agree, or where to try next.
        end: Offset,
        /// Whether it agrees.
        ok: bool,
    },
}

/// Leader to follower, on a stream.
#[derive(Clone, Debug)]
pub enum ToFollower {
    /// The first message: which registration of the follower is meant.
    Hello(BrokerEpoch),
    /// See the contract of each in `replication`.
    Open(u32, Key, LeaderEpoch),
    /// Cut.
    Truncate(u32, LeaderEpoch, Offset),
    /// Begin anew.
    StartAt(u32, Offset),
    /// Records follow.
    Follow(u32, Offset, Offset, Offset),
    /// Records: where they begin, high watermark, log start.
    Append(u32, Offset, Offset, Offset, Vec<Record>),
    /// High watermark, log start.
    HighWatermark(u32, Offset, Offset),
    /// The partition is no longer on this stream.
    Close(u32),
}

/// Follower to leader, on a stream.
#[derive(Clone, Debug)]
pub enum ToLeader {
    /// The stream may be used.
    Welcome,
    /// It may not: not the registration that is meant.
    NotMe,
    /// Where the log stands.
    Position(u32, replication::Position),
    /// Written below that offset.
    Ack(u32, Offset),
    /// The handle is closed.
    Refused(u32),
}

/// Either direction.
#[derive(Clone, Debug)]
pub enum StreamMessage {
    /// Leader to follower.
    ToFollower(ToFollower),
    /// Follower to leader.
    ToLeader(ToLeader),
}
