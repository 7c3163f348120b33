//! What a `ListOffsets` request asks for, and on whose behalf.

use types::{Offset, TimestampMs};

use crate::partition::Readable;

/// One partition's question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Query {
    /// -1: the end of what the asker may read.
    Latest,
    /// -2, and -4 (the earliest local offset): the log's start, as nothing is tiered.
    Earliest,
    /// -3: the record with the largest timestamp (KIP-734).
    MaxTimestamp,
    /// -5 (last tiered offset) and -6 (earliest pending upload): no log is tiered, so there is none.
    NotKept,
    /// Zero or more: the first record with this timestamp or a later one.
    From(TimestampMs),
}

impl Query {
    /// `None` if the version does not have that special timestamp.
    pub(super) const fn read(timestamp: TimestampMs, version: i16) -> Option<Self> {
        match timestamp {
            0.. => Some(Self::From(timestamp)),
            -1 => Some(Self::Latest),
            -2 => Some(Self::Earliest),
            -3 if version >= 7 => Some(Self::MaxTimestamp),
            -4 if version >= 8 => Some(Self::Earliest),
            -5 if version >= 9 => Some(Self::NotKept),
            -6 if version >= 11 => Some(Self::NotKept),
            _ => None,
        }
    }
}

/// Who asks decides how far "latest" goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// A client that reads everything committed.
    ReadUncommitted,
    /// A client that reads only what no open transaction can take back.
    ReadCommitted,
    /// A replica, or a tool in its name.
    Replica,
}

/// `replica_id` of a client.
const CLIENT: i32 = -1;
const READ_COMMITTED: i8 = 1;

impl Asker {
    pub(super) const fn of(replica_id: i32, isolation_level: i8) -> Self {
        match (replica_id, isolation_level) {
            (CLIENT, READ_COMMITTED) => Self::ReadCommitted,
            (CLIENT, _) => Self::ReadUncommitted,
            _ => Self::Replica,
        }
    }

    pub(super) const fn is_client(self) -> bool {
        !matches!(self, Self::Replica)
    }

    /// End of what the asker may read, exclusive.
    pub(super) const fn last_readable(self, readable: &Readable) -> Offset {
        match self {
            Self::ReadUncommitted => readable.high_watermark,
            Self::ReadCommitted => readable.last_stable_offset,
            Self::Replica => readable.log_end_offset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_timestamps_appear_with_their_versions() {
        let first = |timestamp| (1..=11).find(|version| Query::read(timestamp, *version).is_some());
        assert_eq!([-1, -2, -3, -4, -5, -6].map(first), [1, 1, 7, 8, 9, 11].map(Some));
        assert_eq!(first(-7), None);
        assert_eq!(Query::read(i64::MIN, 11), None);
    }

    #[test]
    fn only_a_client_is_held_to_what_is_committed() {
        assert_eq!(Asker::of(-1, 0), Asker::ReadUncommitted);
        assert_eq!(Asker::of(-1, 1), Asker::ReadCommitted);
        assert_eq!(Asker::of(2, 1), Asker::Replica);
    }
}
