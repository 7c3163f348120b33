//! `ListOffsets` (2): the offset at a time, or at one of the named places of a partition.
//!
//! Named places are answered at once. A search by time reads files, so it is done by a worker; all
//! partitions of the request then wait for it.

use std::sync::Arc;

use net::server::Reply;
use protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopic, ListOffsetsTopicResponse,
};
use storage::{LogReader, ReadError, TimestampOffset};
use tracing::warn;
use types::{ErrorCode, LeaderEpoch, Offset, TimestampMs};

use super::Ctx;
use super::lookup::{self, TopicRef};
use crate::partition::{Partition, Readable};

/// What the timestamp field asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Latest,
    Earliest,
    /// The record with the largest timestamp.
    MaxTimestamp,
    /// The first record on this machine's own disk, which is the first one: nothing is tiered.
    EarliestLocal,
    /// The last record in tiered storage: there is none.
    LatestTiered,
    /// The first record still to be tiered: there is none.
    EarliestPendingUpload,
    /// The first record at that time or later.
    At(TimestampMs),
}

impl Place {
    /// `None` for a place that this version does not know.
    fn read(timestamp: i64, version: i16) -> Option<Self> {
        let (place, since) = match timestamp {
            -1 => (Self::Latest, 1),
            -2 => (Self::Earliest, 1),
            -3 => (Self::MaxTimestamp, 7),
            -4 => (Self::EarliestLocal, 8),
            -5 => (Self::LatestTiered, 9),
            -6 => (Self::EarliestPendingUpload, 11),
            0.. => (Self::At(timestamp), 1),
            _ => return None,
        };
        (version >= since).then_some(place)
    }
}

/// Calls itself no consumer and no replica: Kafka's tools that compare replicas.
const DEBUGGER: i32 = -2;
/// Since which version an answer names the leader epoch.
const FIRST_VERSION_WITH_EPOCH: i16 = 4;
/// Since which version "not yet known" has a code of its own.
const FIRST_VERSION_WITH_NOT_AVAILABLE: i16 = 5;

/// A log that changes under a reader is looked at again, so many times in all.
const LOOKS_MAX: usize = 3;

pub(crate) fn handle(ctx: &Ctx<'_>, request: ListOffsetsRequest) -> Reply {
    let asker = Asker {
        ctx,
        is_committed_only: request.isolation_level == 1,
        may_follow: request.replica_id == DEBUGGER,
    };
    let mut searches = Vec::new();
    let topics = request.topics.into_iter().enumerate();
    let topics = topics
        .map(|(place, topic)| asker.topic(place, topic, &mut searches))
        .collect();
    let response = ListOffsetsResponse {
        topics,
        ..ListOffsetsResponse::default()
    };
    if searches.is_empty() {
        return ctx.respond(&response);
    }
    search(ctx, response, searches)
}

/// A search that reads files.
struct Search {
    /// Its topic's place in the response, and its own within that.
    place: (usize, usize),
    reader: LogReader,
    sought: Sought,
    /// End (exclusive) of what the asker may see.
    up_to: Offset,
    /// The code while the end of what may be seen is not known.
    unless_known: Option<ErrorCode>,
    partition: Arc<Partition>,
}

#[derive(Clone, Copy)]
enum Sought {
    MaxTimestamp,
    At(TimestampMs),
}

fn search(ctx: &Ctx<'_>, mut response: ListOffsetsResponse, searches: Vec<Search>) -> Reply {
    let found = ctx.core.workers.run(move || {
        let answers = searches.iter().map(|search| (search.place, search.run()));
        answers.collect::<Vec<_>>()
    });
    let Ok(found) = found else {
        return Reply::Close("too much waits for the disk");
    };
    let responder = ctx.responder();
    Reply::Later(Box::pin(async move {
        for ((topic, partition), result) in found.await.ok()? {
            let topic = response.topics.get_mut(topic)?;
            let answer = topic.partitions.get_mut(partition)?;
            *answer = of_result(answer.partition_index, responder.version, result);
        }
        responder.encode(&response)
    }))
}

impl Search {
    fn run(&self) -> Result<Option<TimestampOffset>, ErrorCode> {
        let mut found = self.look(&self.reader);
        for _ in 1..LOOKS_MAX {
            // Compacted under the reader, most often.
            if !matches!(found, Err(ReadError::Changed)) {
                break;
            }
            found = self.look(&self.partition.log().lock().reader());
        }
        match (found, self.unless_known) {
            (Ok(None), Some(code)) => Err(code),
            (Ok(found), _) => Ok(found),
            (Err(error), _) => Err(self.code_of(&error)),
        }
    }

    fn look(&self, reader: &LogReader) -> Result<Option<TimestampOffset>, ReadError> {
        match self.sought {
            Sought::MaxTimestamp => reader.max_timestamp_offset(self.up_to),
            Sought::At(timestamp) => reader.offset_for_timestamp(timestamp, self.up_to),
        }
    }

    fn code_of(&self, error: &ReadError) -> ErrorCode {
        match error {
            ReadError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
            // The client asks again.
            ReadError::Changed | ReadError::WouldBlock => ErrorCode::NotLeaderOrFollower,
            ReadError::Storage(error) => {
                let partition = self.partition.topic_partition();
                warn!(%partition, %error, "the log cannot be searched");
                ErrorCode::KafkaStorageError
            }
        }
    }
}

/// What is the same for all partitions of a request.
struct Asker<'a> {
    ctx: &'a Ctx<'a>,
    is_committed_only: bool,
    /// From any replica, not from the leader alone.
    may_follow: bool,
}

impl Asker<'_> {
    fn topic(
        &self,
        place: usize,
        topic: ListOffsetsTopic,
        searches: &mut Vec<Search>,
    ) -> ListOffsetsTopicResponse {
        let partitions = topic.partitions.iter().enumerate();
        let partitions = partitions
            .map(|(partition_place, wanted)| {
                let place = (place, partition_place);
                let result = self.partition(&topic.name, wanted, place, searches);
                of_result(wanted.partition_index, self.ctx.version(), result)
            })
            .collect();
        ListOffsetsTopicResponse {
            name: topic.name,
            partitions,
        }
    }

    /// Answers a named place, or leaves a search behind and answers nothing yet.
    fn partition(
        &self,
        topic: &str,
        wanted: &ListOffsetsPartition,
        place: (usize, usize),
        searches: &mut Vec<Search>,
    ) -> Result<Option<TimestampOffset>, ErrorCode> {
        let asked = Place::read(wanted.timestamp, self.ctx.version())
            .ok_or(ErrorCode::UnsupportedVersion)?;
        let image = self.ctx.image();
        let topic = TopicRef::Name(topic);
        let partition = lookup::find(self.ctx.core, &image, topic, wanted.partition_index)?;
        let current = LeaderEpoch(wanted.current_leader_epoch);
        let readable = if self.may_follow {
            partition.readable_anywhere(current)
        } else {
            partition.readable(current)
        };
        let readable = readable.map_err(lookup::code_of)?;
        let unless_known = (!readable.is_latest_known).then(|| self.not_available());
        let sought = match asked {
            Place::Latest => {
                return match unless_known {
                    Some(code) => Err(code),
                    None => Ok(Some(at(self.end_of(&readable), readable.leader_epoch))),
                };
            }
            Place::Earliest | Place::EarliestLocal => {
                let start = readable.log_start_offset;
                let epoch = partition.log().lock().epoch_at(start);
                return Ok(Some(at(start, epoch)));
            }
            Place::LatestTiered | Place::EarliestPendingUpload => return Ok(None),
            Place::MaxTimestamp => Sought::MaxTimestamp,
            Place::At(timestamp) => Sought::At(timestamp),
        };
        searches.push(Search {
            place,
            up_to: self.end_of(&readable),
            reader: readable.reader,
            sought,
            unless_known,
            partition,
        });
        Ok(None)
    }

    /// End (exclusive) of what the asker may see.
    fn end_of(&self, readable: &Readable) -> Offset {
        if self.is_committed_only {
            readable.last_stable_offset
        } else {
            readable.high_watermark
        }
    }

    /// After an election, until the high watermark has caught up (KIP-207).
    fn not_available(&self) -> ErrorCode {
        if self.ctx.version() >= FIRST_VERSION_WITH_NOT_AVAILABLE {
            ErrorCode::OffsetNotAvailable
        } else {
            ErrorCode::LeaderNotAvailable
        }
    }
}

/// A place that has no timestamp.
fn at(offset: Offset, leader_epoch: LeaderEpoch) -> TimestampOffset {
    TimestampOffset {
        timestamp: -1,
        offset,
        leader_epoch,
    }
}

fn of_result(
    partition_index: i32,
    version: i16,
    result: Result<Option<TimestampOffset>, ErrorCode>,
) -> ListOffsetsPartitionResponse {
    let nothing = at(-1, LeaderEpoch::NONE);
    let (code, found) = match result {
        Ok(found) => (ErrorCode::None, found.unwrap_or(nothing)),
        Err(code) => (code, nothing),
    };
    ListOffsetsPartitionResponse {
        partition_index,
        error_code: code.to_wire(),
        timestamp: found.timestamp,
        offset: found.offset,
        leader_epoch: if version >= FIRST_VERSION_WITH_EPOCH {
            found.leader_epoch.0
        } else {
            -1
        },
    }
}
