//! One partition: its replicas side by side.

use std::time::Duration;

use client::metadata::{Partition, Topic};
use futures_util::future::join_all;
use rpc::audit::ChunkDigest;
use types::{Offset, TopicId};

use super::difference::{self, Difference};
use super::show::Bar;
use super::source::{Broker, Digests, Source, Span, Trouble, Which};

/// Offsets of one chunk. Of the first chunk that differs all batches are listed.
const CHUNK_OFFSETS: i64 = 20_000;
/// Followers learn of the high watermark a moment after the leader.
const LOOKS_MAX: u32 = 20;
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Retention may take away what is being compared; then it is begun anew.
const TRIES_MAX: u32 = 3;

/// What came of it.
#[derive(Debug)]
pub(super) struct Audited {
    pub(super) partition: i32,
    /// Brokers compared, and how each was read.
    pub(super) compared: Vec<(i32, &'static str)>,
    /// Brokers that could not be, and why.
    pub(super) missing: Vec<(i32, String)>,
    pub(super) from: Offset,
    /// Exclusive.
    pub(super) end: Offset,
    pub(super) batches: u64,
    pub(super) bytes: u64,
    pub(super) state: State,
}

/// The verdict.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// All replicas are the same.
    Same,
    /// They are not.
    Differs(Difference),
    /// What lies on one replica's disk cannot be read.
    Damaged,
    /// What could be compared is the same, but not all could be.
    Incomplete,
    /// There is only one replica.
    Alone,
}

impl State {
    /// In a word.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs(_) => "DIFFERS",
            Self::Damaged => "DAMAGED",
            Self::Incomplete => "incomplete",
            Self::Alone => "one replica",
        }
    }
}

/// Compares.
pub(super) async fn audit(
    topic: &Topic,
    partition: &Partition,
    brokers: &[Broker],
    is_deep: bool,
    bar: &Bar,
) -> Audited {
    let which = Which {
        topic: topic.name.to_string(),
        topic_id: TopicId(topic.id),
        partition: partition.index,
    };
    let mut audited = Audited {
        partition: partition.index,
        compared: Vec::new(),
        missing: Vec::new(),
        from: 0,
        end: 0,
        batches: 0,
        bytes: 0,
        state: State::Incomplete,
    };
    for _ in 0..TRIES_MAX {
        let sources = positions(&which, partition, brokers, &mut audited).await;
        audited.compared = sources
            .iter()
            .map(|it| (it.broker, it.way_name()))
            .collect();
        let starts = sources.iter().map(|it| it.position.log_start_offset);
        let ends = sources.iter().map(|it| it.position.high_watermark);
        let (Some(from), Some(end)) = (starts.max(), ends.min()) else {
            return audited;
        };
        (audited.from, audited.end) = (from, end.max(from));
        let span = Span {
            from,
            end: audited.end,
            is_deep,
        };
        match compare(&sources, span, bar, &mut audited).await {
            Ok(Some(difference)) => {
                audited.state = State::Differs(difference);
                return audited;
            }
            Ok(None) => {
                audited.state = match (audited.missing.is_empty(), partition.replicas.len()) {
                    (false, _) => State::Incomplete,
                    (true, 1) => State::Alone,
                    (true, _) => State::Same,
                };
                return audited;
            }
            Err((broker, trouble)) => {
                audited.missing = vec![(broker, trouble.why)];
                if trouble.is_damage {
                    audited.state = State::Damaged;
                    return audited;
                }
            }
        }
    }
    audited
}

/// All replicas that answer. Those in sync are given a moment to know what is committed.
async fn positions(
    which: &Which,
    partition: &Partition,
    brokers: &[Broker],
    audited: &mut Audited,
) -> Vec<Source> {
    let mut committed = None;
    for look in 1.. {
        let asked = partition.replicas.iter().map(|id| async move {
            let found = match brokers.iter().find(|broker| broker.id == *id) {
                Some(broker) => broker.replica(which).await,
                None => Err(Trouble::new("it is not in the cluster now")),
            };
            (*id, found)
        });
        let mut sources = Vec::new();
        audited.missing.clear();
        for (id, found) in join_all(asked).await {
            match found {
                Ok(source) => sources.push(source),
                Err(trouble) => audited.missing.push((id, trouble.why)),
            }
        }
        let highest = sources.iter().map(|it| it.position.high_watermark).max();
        // What was committed at the first look; it moves on for ever where records are written.
        let committed = *committed.get_or_insert(highest.unwrap_or(0));
        let is_behind = |source: &&Source| {
            source.position.high_watermark < committed && partition.isr.contains(&source.broker)
        };
        if look >= LOOKS_MAX || !sources.iter().any(|source| is_behind(&source)) {
            for source in &sources {
                if source.position.high_watermark < committed {
                    let at = source.position.high_watermark;
                    let why = format!("it is behind: at {at} of {committed}; compared up to there");
                    audited.missing.push((source.broker, why));
                }
            }
            return sources;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Vec::new()
}

/// Chunk by chunk, all replicas abreast; in the first chunk that differs, batch by batch.
async fn compare(
    sources: &[Source],
    span: Span,
    bar: &Bar,
    audited: &mut Audited,
) -> Result<Option<Difference>, (i32, Trouble)> {
    (audited.batches, audited.bytes) = (0, 0);
    if span.from >= span.end {
        return Ok(None);
    }
    bar.begin(audited.partition, span.from, span.end);
    let opened = sources.iter().map(|source| async move {
        let opened = source.digests(span, CHUNK_OFFSETS).await;
        opened.map_err(|why| (source.broker, why))
    });
    let mut streams: Vec<Digests> = join_all(opened)
        .await
        .into_iter()
        .collect::<Result<_, _>>()?;
    loop {
        let next = streams
            .iter_mut()
            .zip(sources)
            .map(|(stream, source)| async move {
                stream.next().await.map_err(|why| (source.broker, why))
            });
        let chunks = join_all(next)
            .await
            .into_iter()
            .collect::<Result<Vec<_>, _>>()?;
        let Some(first) = first_chunk(&chunks) else {
            return Ok(None);
        };
        if is_different(&chunks) {
            let chunk = Span {
                from: first.from_offset,
                end: span
                    .end
                    .min(first.from_offset.saturating_add(CHUNK_OFFSETS)),
                is_deep: span.is_deep,
            };
            return pinpoint(sources, chunk).await;
        }
        audited.batches += first.batch_count;
        audited.bytes += first.bytes;
        bar.at(first.from_offset);
    }
}

/// The earliest: a replica may lack all batches of a chunk.
fn first_chunk(chunks: &[Option<ChunkDigest>]) -> Option<ChunkDigest> {
    chunks
        .iter()
        .flatten()
        .min_by_key(|chunk| chunk.from_offset)
        .copied()
}

fn is_different(chunks: &[Option<ChunkDigest>]) -> bool {
    let is_damaged = chunks
        .iter()
        .flatten()
        .any(|chunk| chunk.damaged_offset.is_some());
    is_damaged || chunks.windows(2).any(|pair| pair[0] != pair[1])
}

async fn pinpoint(sources: &[Source], span: Span) -> Result<Option<Difference>, (i32, Trouble)> {
    let asked = sources.iter().map(|source| async move {
        let batches = source.batches(span).await;
        batches
            .map(|batches| (source.broker, batches))
            .map_err(|why| (source.broker, why))
    });
    let all = join_all(asked)
        .await
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let found = difference::first(&all);
    // Digests said so; if the batches do not, one of the replicas has been mended meanwhile.
    let why = || {
        (
            sources.first().map_or(-1, |it| it.broker),
            Trouble::new("it changed meanwhile"),
        )
    };
    found.map(Some).ok_or_else(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(from_offset: Offset, digest: u64) -> Option<ChunkDigest> {
        Some(ChunkDigest {
            from_offset,
            batch_count: 1,
            bytes: 100,
            digest,
            damaged_offset: None,
        })
    }

    #[test]
    fn chunks_differ_by_digest_by_place_and_by_absence() {
        assert!(!is_different(&[chunk(0, 1), chunk(0, 1), chunk(0, 1)]));
        assert!(is_different(&[chunk(0, 1), chunk(0, 2)]));
        assert!(is_different(&[chunk(0, 1), chunk(9, 1)]));
        assert!(is_different(&[chunk(0, 1), None]));
    }

    #[test]
    fn the_earliest_chunk_is_looked_into() {
        let first = first_chunk(&[None, chunk(40, 1), chunk(20, 1)]);
        assert_eq!(first.map(|chunk| chunk.from_offset), Some(20));
        assert!(first_chunk(&[None, None]).is_none());
    }
}
