//! Appending: check, write once, then believe it.
//!
//! ```text
//!  batches ─▶ offsets, sequences, epoch ─▶ roll? ─▶ pwritev ─▶ size, indexes, producers, log end
//!             `---- nothing changed yet ----'          │
//!                                                      └─ failed: cut the file back, or go offline
//! ```

use std::io::IoSlice;

use bytes::Bytes;
use protocol::records::{
    Batch, BatchHeader, ControlRecord, NO_TIMESTAMP, PiecedBatch, TimestampType, joined,
    patched_prefix, split_pieces,
};
use smallvec::SmallVec;
use types::{LeaderEpoch, TimestampMs};

use super::reserve::Reservation;
use super::{AppendInfo, Log, ValidatedBatch};
use crate::producers::Verdict;
use crate::{AppendError, Error};

/// A batch with the header it will have in the log.
struct Placed<'a> {
    /// Its bytes, in order.
    pieces: &'a [Bytes],
    header: BatchHeader,
    /// What stands in place of its first bytes, if the header is not the one it came with.
    prefix: Option<[u8; 16]>,
}

impl Placed<'_> {
    fn size_bytes(&self) -> u64 {
        self.header.size_in_bytes() as u64
    }

    /// The bytes as they go into the log.
    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let prefix = self.prefix.as_ref().map(|prefix| &prefix[..]);
        let mut skipped = prefix.map_or(0, <[u8]>::len);
        let pieces = self.pieces.iter().map(move |piece| {
            let skip = skipped.min(piece.len());
            skipped -= skip;
            piece.get(skip..).unwrap_or_default()
        });
        prefix.into_iter().chain(pieces)
    }
}

/// Most appends are one batch.
type PlacedBatches<'a> = SmallVec<[Placed<'a>; 2]>;

impl Log {
    /// Appends as the partition's leader: gives offsets, stamps `leader_epoch`, checks idempotent
    /// producers, writes everything with one call. All batches or none. The bytes are in the page
    /// cache on return (they survive a crash of the process), durable after [`Log::flush`].
    ///
    /// A retry of one of a producer's last five batches writes nothing and returns the offsets of
    /// the first time with `duplicate` set. Several batches in one call are one producer's: either
    /// all of them are retries or none is.
    ///
    /// # Errors
    /// See [`AppendError`]; the log is unchanged. A full disk is a refusal, a failing one takes the whole
    /// directory offline.
    pub fn append_as_leader(
        &mut self,
        batches: &[ValidatedBatch],
        leader_epoch: LeaderEpoch,
    ) -> Result<AppendInfo, AppendError> {
        self.check_online()?;
        let latest = self.epochs.latest();
        if leader_epoch < latest {
            return Err(AppendError::StaleLeaderEpoch {
                epoch: leader_epoch,
                latest,
            });
        }
        let placed = self.place(batches, leader_epoch)?;
        if let Some(duplicate) = self.find_duplicate(&placed)? {
            return Ok(duplicate);
        }
        let size_bytes = size_of(&placed);
        if size_bytes > self.segment_bytes_max() {
            return Err(AppendError::LargerThanSegment {
                size_bytes,
                segment_bytes: self.segment_bytes_max(),
            });
        }
        self.write(&placed)?;
        self.info(&placed, false)
    }

    /// Appends whole batches copied from the leader; offsets and epochs stay. Checksums are
    /// verified. Durability as in [`Log::append_as_leader`].
    ///
    /// An empty log may start within the first of them, where the leader's log does after records were
    /// deleted: the whole batch is kept, and the log start stays.
    ///
    /// # Errors
    /// See [`AppendError`]. What was wrong with the bytes is found before anything is written; if the
    /// disk fails in the middle, the log may have grown by some of the batches.
    pub fn append_as_follower(&mut self, bytes: Bytes) -> Result<AppendInfo, AppendError> {
        self.append_pieces_as_follower(&[bytes])
    }

    /// [`Log::append_as_follower`] for bytes that lie in several pieces: put one behind the other they
    /// are whole batches. They are written from where they are.
    ///
    /// # Errors
    /// As there.
    pub fn append_pieces_as_follower(
        &mut self,
        pieces: &[Bytes],
    ) -> Result<AppendInfo, AppendError> {
        self.check_online()?;
        let batches = self.check_copied(pieces)?;
        let placed: PlacedBatches<'_> = batches
            .iter()
            .map(|batch| Placed {
                pieces: &batch.pieces,
                header: batch.header,
                prefix: None,
            })
            .collect();
        let log_start_offset = self.log_start_offset;
        if let Some(first) = placed.first()
            && first.header.base_offset < self.log_end_offset
        {
            self.truncate_fully_and_start_at(first.header.base_offset)?;
        }
        let mut rest = &placed[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(self.fits_segment(rest));
            self.write(now)?;
            rest = later;
            self.increment_log_start(log_start_offset.min(self.log_end_offset))?;
        }
        self.info(&placed, false)
    }

    /// Gives offsets and the epoch.
    fn place<'a>(
        &self,
        batches: &'a [ValidatedBatch],
        leader_epoch: LeaderEpoch,
    ) -> Result<PlacedBatches<'a>, AppendError> {
        let mut placed = PlacedBatches::new();
        let mut next_offset = self.log_end_offset;
        for batch in batches {
            let header = BatchHeader {
                base_offset: next_offset,
                partition_leader_epoch: leader_epoch,
                ..*batch.header()
            };
            if header.last_offset_delta < 0 || (header.has_producer() && header.base_sequence < -1)
            {
                return Err(AppendError::Malformed {
                    offset: next_offset,
                    reason: "the batch has no records or no sequence".to_owned(),
                });
            }
            placed.push(Placed {
                pieces: std::slice::from_ref(batch.bytes()),
                header,
                prefix: Some(patched_prefix(&header, next_offset, leader_epoch)),
            });
            next_offset = header.next_offset();
        }
        Ok(placed)
    }

    /// Checks sequences. If all batches are retries: where they are.
    fn find_duplicate(&self, placed: &[Placed<'_>]) -> Result<Option<AppendInfo>, AppendError> {
        let mut duplicates = SmallVec::<[_; 2]>::new();
        for (i, batch) in placed.iter().enumerate() {
            let earlier = placed.iter().take(i).map(|p| &p.header);
            match self
                .producers
                .check(&batch.header, batch.header.base_offset, earlier)?
            {
                Verdict::Append => {}
                Verdict::Duplicate(meta) => duplicates.push(meta),
            }
        }
        let (Some(first), Some(last)) = (duplicates.first(), duplicates.last()) else {
            return Ok(None);
        };
        if duplicates.len() != placed.len() {
            return Err(AppendError::Malformed {
                offset: self.log_end_offset,
                reason: "some of the batches are retries, others are new".to_owned(),
            });
        }
        let log_append_time = placed
            .first()
            .map_or(NO_TIMESTAMP, |p| append_time(&p.header));
        Ok(Some(AppendInfo {
            base_offset: first.base_offset(),
            last_offset: last.last_offset,
            // The time of the first append, which the retry's own header does not know.
            log_append_time: if log_append_time == NO_TIMESTAMP {
                NO_TIMESTAMP
            } else {
                last.timestamp
            },
            log_start_offset: self.log_start_offset,
            duplicate: true,
        }))
    }

    /// Whole, sound batches that continue this log.
    fn check_copied(&self, pieces: &[Bytes]) -> Result<SmallVec<[PiecedBatch; 2]>, AppendError> {
        let mut next_offset = self.log_end_offset;
        let mut latest = self.epochs.latest();
        let mut batches = SmallVec::new();
        for batch in split_pieces(pieces) {
            let malformed = |reason: String| AppendError::Malformed {
                offset: next_offset,
                reason,
            };
            let batch = batch.map_err(|e| malformed(e.to_string()))?;
            batch.check_crc().map_err(|e| malformed(e.to_string()))?;
            let header = &batch.header;
            if header.last_offset_delta < 0 {
                return Err(malformed(
                    "the last offset lies before the first".to_owned(),
                ));
            }
            let is_first_of_all = batches.is_empty() && self.starts_within(header);
            if header.base_offset < next_offset && !is_first_of_all {
                return Err(AppendError::UnexpectedOffset {
                    offset: header.base_offset,
                    log_end_offset: next_offset,
                });
            }
            if header.partition_leader_epoch < latest {
                return Err(AppendError::StaleLeaderEpoch {
                    epoch: header.partition_leader_epoch,
                    latest,
                });
            }
            latest = header.partition_leader_epoch;
            next_offset = header.next_offset();
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Whether the log has no records yet and starts in the middle of the batch.
    fn starts_within(&self, header: &BatchHeader) -> bool {
        self.log_start_offset == self.log_end_offset
            && self.segments.iter().all(|segment| segment.is_empty())
            && header.base_offset >= 0
            && header.next_offset() > self.log_end_offset
    }

    /// How many of the batches go into one segment: the active one or, if not even the first fits
    /// there, the next. At least one.
    fn fits_segment(&self, placed: &[Placed<'_>]) -> usize {
        let active_bytes = self.active_segment().size_bytes();
        let fits_first = placed
            .first()
            .is_some_and(|first| active_bytes + first.size_bytes() <= self.segment_bytes_max());
        let mut room = self.segment_bytes_max();
        if fits_first {
            room -= active_bytes;
        }
        let mut count = 0;
        for batch in placed {
            let size = batch.size_bytes();
            if size > room {
                break;
            }
            room -= size;
            count += 1;
        }
        count.max(1)
    }

    /// Writes batches into one segment and takes them into the log's state.
    fn write(&mut self, placed: &[Placed<'_>]) -> Result<(), Error> {
        let (Some(first), Some(last)) = (placed.first(), placed.last()) else {
            return Ok(());
        };
        self.be_born()
            .map_err(|error| self.dir_state.judge(error))?;
        let now_ms = self.now_ms();
        let max_timestamp = placed.iter().map(|p| p.header.max_timestamp).max();
        let rolled = self.roll_before(
            size_of(placed),
            max_timestamp.unwrap_or(NO_TIMESTAMP),
            last.header.last_offset(),
            first.header.base_offset,
        );
        rolled.map_err(|error| self.dir_state.judge(error))?;
        self.note_epochs(placed)?;
        let position = self.active_segment().size_bytes();
        self.write_parts(placed, now_ms)?;
        self.log_end_offset = last.header.next_offset();
        self.take_in(placed, position, now_ms);
        Ok(())
    }

    fn note_epochs(&mut self, placed: &[Placed<'_>]) -> Result<(), Error> {
        let latest = self.epochs.latest();
        if placed
            .iter()
            .all(|p| p.header.partition_leader_epoch <= latest)
        {
            return Ok(());
        }
        let mut epochs = self.epochs.clone();
        for Placed { header, .. } in placed {
            if header.partition_leader_epoch > epochs.latest() {
                epochs.assign(header.partition_leader_epoch, header.base_offset);
            }
        }
        if self.is_epochs_file_due {
            self.epochs = epochs;
            return Ok(());
        }
        self.set_epochs(epochs)
    }

    fn write_parts(&mut self, placed: &[Placed<'_>], now_ms: TimestampMs) -> Result<(), Error> {
        let mut parts: SmallVec<[IoSlice<'_>; 4]> = placed
            .iter()
            .flat_map(|batch| batch.parts().map(IoSlice::new))
            .collect();
        self.maybe_reserve(size_of(placed));
        let segment = self.active_segment();
        let Err(error) = segment.write(&mut parts) else {
            segment.publish(size_of(placed), now_ms);
            self.note_chores();
            return Ok(());
        };
        let path = segment.path(crate::files::names::Kind::Log);
        let undone = segment.cut_back();
        self.active.reservation = Reservation::refused();
        let failed = self.dir_state.judge(Error::io(&path, error));
        match undone {
            Err(undo) if !failed.is_offline() => {
                let reason = format!("{failed}, and the write could not be undone: {undo}");
                let judged = self.dir_state.judge(Error::io(&path, undo));
                if judged.is_offline() {
                    return Err(judged);
                }
                Err(self.go_offline(reason))
            }
            _ => Err(failed),
        }
    }

    /// Indexes and producers, after the bytes are in the log.
    fn take_in(&mut self, placed: &[Placed<'_>], mut position: u64, now_ms: TimestampMs) {
        for batch in placed {
            let header = &batch.header;
            self.active
                .first_timestamp
                .get_or_insert(header.max_timestamp);
            if let Some((offset, time)) = self.active.builder.on_batch(position, header) {
                self.push_index_entries(offset, time);
            }
            position += batch.size_bytes();
            if header.has_producer() {
                self.take_in_producer(batch, now_ms);
            }
        }
    }

    fn take_in_producer(&mut self, placed: &Placed<'_>, now_ms: TimestampMs) {
        let header = &placed.header;
        if !header.is_control() {
            self.producers.on_batch(header, now_ms);
            return;
        }
        let batch = Batch {
            header: *header,
            bytes: joined(placed.pieces),
        };
        match batch.control_record() {
            Ok(Some(ControlRecord::EndTxn(marker))) => {
                // An aborted transaction's entry in the transaction index goes here (issue 5).
                let _ended = self.producers.on_marker(header, marker, now_ms);
            }
            Ok(_) => {}
            Err(error) => {
                let offset = header.base_offset;
                tracing::warn!(partition = %self.topic_partition, offset, %error, "unreadable marker");
            }
        }
    }

    fn info(&self, placed: &[Placed<'_>], duplicate: bool) -> Result<AppendInfo, AppendError> {
        let (Some(first), Some(last)) = (placed.first(), placed.last()) else {
            return Err(AppendError::Malformed {
                offset: self.log_end_offset,
                reason: "there is no batch".to_owned(),
            });
        };
        Ok(AppendInfo {
            base_offset: first.header.base_offset,
            last_offset: last.header.last_offset(),
            log_append_time: append_time(&last.header),
            log_start_offset: self.log_start_offset,
            duplicate,
        })
    }

    /// `segment.bytes`, as far as positions in a segment can be written in an index.
    pub(super) fn segment_bytes_max(&self) -> u64 {
        const POSITION_MAX: u64 = i32::MAX as u64;
        self.config.segment_bytes.min(POSITION_MAX)
    }
}

fn size_of(placed: &[Placed<'_>]) -> u64 {
    placed.iter().map(Placed::size_bytes).sum()
}

/// What `Produce` reports as the append time.
fn append_time(header: &BatchHeader) -> TimestampMs {
    match header.timestamp_type() {
        TimestampType::CreateTime => NO_TIMESTAMP,
        TimestampType::LogAppendTime => header.max_timestamp,
    }
}
