//! One look at all partitions of a fetch, in the order of its plan.

use std::sync::Arc;

use protocol::messages::fetch::{EpochEndOffset, LeaderIdAndEpoch, PartitionData};
use protocol::{RecordSet, Str};
use storage::{LogReader, ReadError, ReadResult};
use tracing::warn;
use types::{ErrorCode, LeaderEpoch, NodeId, Offset};

use super::nearest;
use crate::api::hints::Hints;
use crate::api::lookup::{self, TopicRef};
use crate::api::view::View;
use crate::fetch_session::{Interest, Topic};
use crate::partition::{Partition, Readable};
use crate::state::Core;

/// Since which version an answer may name the leader.
const FIRST_VERSION_WITH_LEADER: i16 = 12;
const UNKNOWN_OFFSET: Offset = -1;
/// A log that changes under a reader is looked at again, so many times in all. Compaction changes one now
/// and then.
const LOOKS_MAX: usize = 3;

/// What a request asks of all its partitions.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) version: i16,
    /// `read_committed`.
    pub(super) is_committed_only: bool,
    /// Soft bound on the bytes of the response.
    pub(super) max_bytes: usize,
    /// From any replica, not from the leader alone.
    pub(super) may_follow: bool,
    /// Where the consumer stands, if the nearest replica is to be found for it.
    pub(super) rack: Option<Str>,
}

/// How records may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Only what is in memory.
    Cached,
    /// Waiting for the disk if need be.
    Blocking,
}

/// Something was not in memory: look again where waiting is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cold;

/// A partition as the round saw it, so that a wait can begin where the round left off.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) partition: Arc<Partition>,
    pub(super) leader_epoch: LeaderEpoch,
    pub(super) high_watermark: Offset,
    pub(super) is_leader: bool,
}

/// What a round found.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// One for each interest of the plan, in its order.
    pub(super) answers: Vec<PartitionData>,
    pub(super) seen: Vec<Seen>,
    pub(super) record_bytes: usize,
    /// An error, a diverging epoch or a better replica: must be answered at once.
    pub(super) is_urgent: bool,
}

impl Round {
    /// Looks at every interest once. Those marked in `led` must be led here.
    ///
    /// # Errors
    /// [`Cold`], with [`Reading::Cached`] alone.
    pub(super) fn run(
        core: &Core,
        hints: &mut Hints<'_>,
        interests: &[Interest],
        led: &[bool],
        terms: &Terms,
        reading: Reading,
    ) -> Result<Self, Cold> {
        let mut round = Self {
            answers: Vec::with_capacity(interests.len()),
            seen: Vec::with_capacity(interests.len()),
            ..Self::default()
        };
        let look = Look {
            core,
            view: hints.view(),
            terms,
            reading,
        };
        for (i, interest) in interests.iter().enumerate() {
            let must_lead = !terms.may_follow || led.get(i).is_some_and(|led| *led);
            round.visit(look, hints, interest, must_lead)?;
        }
        Ok(round)
    }

    fn visit(
        &mut self,
        look: Look<'_>,
        hints: &mut Hints<'_>,
        interest: &Interest,
        must_lead: bool,
    ) -> Result<(), Cold> {
        let max_bytes = look.terms.max_bytes.saturating_sub(self.record_bytes);
        let is_first = self.record_bytes == 0;
        let mut looks_left = LOOKS_MAX;
        let mut answer = loop {
            looks_left -= 1;
            match look.at(interest, must_lead, max_bytes, is_first) {
                Ok((answer, seen)) => {
                    self.seen.push(seen);
                    break answer;
                }
                Err(Refusal::Cold) => return Err(Cold),
                Err(Refusal::Changed) if looks_left > 0 => {}
                Err(Refusal::Changed) => {
                    let code = ErrorCode::NotLeaderOrFollower;
                    break failed(look.terms, hints, interest, code);
                }
                Err(Refusal::Code(code)) => break failed(look.terms, hints, interest, code),
            }
        };
        answer.partition_index = interest.partition;
        self.record_bytes += answer.records.as_ref().map_or(0, RecordSet::len);
        self.is_urgent |= answer.error_code != 0
            || answer.diverging_epoch.epoch >= 0
            || answer.preferred_read_replica >= 0;
        self.answers.push(answer);
        Ok(())
    }
}

enum Refusal {
    Cold,
    /// The log was compacted, truncated or deleted under the reader.
    Changed,
    Code(ErrorCode),
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

/// What a look at one partition needs besides the interest.
#[derive(Clone, Copy)]
struct Look<'a> {
    core: &'a Core,
    view: View<'a>,
    terms: &'a Terms,
    reading: Reading,
}

impl Look<'_> {
    fn at(
        self,
        interest: &Interest,
        must_lead: bool,
        max_bytes: usize,
        is_first: bool,
    ) -> Result<(PartitionData, Seen), Refusal> {
        let topic = topic_ref(&interest.topic);
        let partition = lookup::find(self.core, self.view.image, topic, interest.partition)?;
        let current = interest.current_leader_epoch;
        let readable = if must_lead {
            partition.readable(current)
        } else {
            partition.readable_anywhere(current)
        };
        let readable = readable.map_err(lookup::code_of)?;
        let seen = Seen {
            leader_epoch: readable.leader_epoch,
            high_watermark: readable.high_watermark,
            is_leader: readable.is_leader,
            partition,
        };
        let mut answer = PartitionData {
            high_watermark: readable.high_watermark,
            last_stable_offset: readable.last_stable_offset,
            log_start_offset: readable.log_start_offset,
            aborted_transactions: self.terms.is_committed_only.then(Vec::new),
            records: Some(RecordSet::new()),
            preferred_read_replica: -1,
            ..PartitionData::default()
        };
        if let Some(replica) = self.nearest(interest, &seen.partition, &readable) {
            answer.preferred_read_replica = replica.0;
            return Ok((answer, seen));
        }
        if let Some(diverging) = self.diverging(interest, &seen.partition)? {
            answer.diverging_epoch = diverging;
            return Ok((answer, seen));
        }
        self.check_range(interest.fetch_offset, &readable)?;
        let partition_bytes = usize::try_from(interest.max_bytes).unwrap_or(0);
        let read = Read {
            offset: interest.fetch_offset,
            max_bytes: max_bytes.min(partition_bytes),
            up_to: self.up_to(&readable),
            is_first,
        };
        answer.records = Some(self.read(&readable.reader, read, &seen.partition)?);
        Ok((answer, seen))
    }

    /// Where the consumer should go instead.
    fn nearest(
        self,
        interest: &Interest,
        partition: &Partition,
        readable: &Readable,
    ) -> Option<NodeId> {
        let rack = self.terms.rack.as_deref()?;
        let (leader, offset) = (self.core.node_id(), interest.fetch_offset);
        nearest::replica(self.view, partition, readable, leader, rack, offset)
    }

    /// End (exclusive) of what this reader may see.
    fn up_to(self, readable: &Readable) -> Offset {
        if self.terms.is_committed_only {
            readable.last_stable_offset
        } else {
            readable.high_watermark
        }
    }

    /// Where the reader's history leaves ours, if it does (KIP-595).
    fn diverging(
        self,
        interest: &Interest,
        partition: &Partition,
    ) -> Result<Option<EpochEndOffset>, ErrorCode> {
        if !interest.last_fetched_epoch.is_known() {
            return Ok(None);
        }
        let ours = partition
            .epoch_end(interest.current_leader_epoch, interest.last_fetched_epoch)
            .map_err(lookup::code_of)?;
        if !ours.leader_epoch.is_known() || ours.end_offset < 0 {
            return Err(self.out_of_range());
        }
        if interest.fetch_offset < partition.log_start_offset() {
            return Err(self.out_of_range());
        }
        let is_diverging = ours.leader_epoch < interest.last_fetched_epoch
            || ours.end_offset < interest.fetch_offset;
        Ok(is_diverging.then_some(EpochEndOffset {
            epoch: ours.leader_epoch.0,
            end_offset: ours.end_offset,
        }))
    }

    fn check_range(self, offset: Offset, readable: &Readable) -> Result<(), ErrorCode> {
        if (readable.log_start_offset..=readable.log_end_offset).contains(&offset) {
            return Ok(());
        }
        let is_ahead = offset > readable.log_end_offset;
        Err(match is_ahead && !readable.is_leader {
            // The leader may well have it: the consumer must not reset its position, but ask there.
            true => ErrorCode::OffsetNotAvailable,
            false => self.out_of_range(),
        })
    }

    /// At this answer a consumer gives its position up. One who may have been deposed without hearing of
    /// it, as after a long pause, sends the consumer to look for the leader instead.
    fn out_of_range(self) -> ErrorCode {
        match self.core.may_tell() {
            true => ErrorCode::OffsetOutOfRange,
            false => ErrorCode::NotLeaderOrFollower,
        }
    }

    fn read(
        self,
        reader: &LogReader,
        read: Read,
        partition: &Partition,
    ) -> Result<RecordSet, Refusal> {
        if read.offset >= read.up_to || (read.max_bytes == 0 && !read.is_first) {
            return Ok(RecordSet::new());
        }
        let result = match self.reading {
            Reading::Cached => read.cached(reader),
            Reading::Blocking => read.blocking(reader),
        };
        match result {
            Ok(result) => Ok(self.core.response_budget.charge(result.bytes)),
            Err(ReadError::WouldBlock) => Err(Refusal::Cold),
            Err(ReadError::OffsetOutOfRange { .. }) => Err(self.out_of_range().into()),
            Err(ReadError::Changed) => Err(Refusal::Changed),
            Err(ReadError::Storage(error)) => {
                warn!(partition = %partition.topic_partition(), %error, "records cannot be read");
                Err(match error {
                    // Clients tell their user of it, instead of asking again for ever.
                    storage::Error::Corrupt { .. } => ErrorCode::CorruptMessage.into(),
                    _ => ErrorCode::KafkaStorageError.into(),
                })
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Read {
    offset: Offset,
    max_bytes: usize,
    up_to: Offset,
    /// Nothing was read for this response yet: one batch comes whatever its size.
    is_first: bool,
}

impl Read {
    fn cached(self, reader: &LogReader) -> Result<ReadResult, ReadError> {
        reader.try_read_cached(self.offset, self.max_bytes, self.up_to, self.is_first)
    }

    fn blocking(self, reader: &LogReader) -> Result<ReadResult, ReadError> {
        reader.read(self.offset, self.max_bytes, self.up_to, self.is_first)
    }
}

pub(super) fn topic_ref(topic: &Topic) -> TopicRef<'_> {
    match topic {
        Topic::Name(name) => TopicRef::Name(name),
        Topic::Id(id) => TopicRef::Id(*id),
    }
}

fn failed(
    terms: &Terms,
    hints: &mut Hints<'_>,
    interest: &Interest,
    code: ErrorCode,
) -> PartitionData {
    let mut answer = PartitionData {
        error_code: code.to_wire(),
        high_watermark: UNKNOWN_OFFSET,
        last_stable_offset: UNKNOWN_OFFSET,
        log_start_offset: UNKNOWN_OFFSET,
        records: Some(RecordSet::new()),
        preferred_read_replica: -1,
        ..PartitionData::default()
    };
    let is_elsewhere = matches!(
        code,
        ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch
    );
    if is_elsewhere
        && terms.version >= FIRST_VERSION_WITH_LEADER
        && let Some(hint) = hints.leader_of(topic_ref(&interest.topic), interest.partition)
    {
        answer.current_leader = LeaderIdAndEpoch {
            leader_id: hint.leader.0,
            leader_epoch: hint.leader_epoch.0,
        };
    }
    answer
}
