//! One replica's log: records, the epochs that wrote them, the producers' sequences, and how much of
//! it would survive which accident.
//!
//! ```text
//!   log_start      durable_end       written_end       log_end
//!       ├───── on disk ──┼─ page cache ────┼─ user buffer ─┤
//!                        │                 └ gone when the process dies (a mutant alone has any)
//!                        └ gone, from some point on, when the machine goes down
//! ```
//!
//! A record is a batch of its own, so offsets have no gaps. Epochs follow the rules of
//! `storage`'s leader epoch cache; after a restart they are read again from the records.

use std::collections::BTreeMap;

use replication::{EpochHistory, Position};
use types::{LeaderEpoch, Offset, TopicId};

use crate::mutant::{self, Glue};

/// A batch of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The epoch of the leader that appended it.
    pub epoch: LeaderEpoch,
    /// What it says: unique among all that is ever sent.
    pub value: u64,
    /// The producer; 0 if it does not count its records.
    pub producer: u32,
    /// The producer's count.
    pub sequence: i32,
    /// Whether a power cut left only half of it on disk.
    pub is_torn: bool,
}

/// The last thing that is known of a producer.
type Last = (i32, Offset);

/// One replica's log.
#[derive(Clone, Debug)]
pub struct Log {
    topic_id: TopicId,
    start: Offset,
    records: Vec<Record>,
    epochs: Vec<(LeaderEpoch, Offset)>,
    producers: BTreeMap<u32, Last>,
    /// The producers as they were at the log's start: what a producer snapshot keeps.
    producers_at_start: BTreeMap<u32, Last>,
    written_end: Offset,
    durable_end: Offset,
    /// The high watermark in the checkpoint file.
    pub high_watermark_checkpoint: Offset,
}

/// Whether a producer's record is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Append,
    /// It stands at that offset already.
    Duplicate(Offset),
    /// One before it is missing.
    OutOfOrder,
}

impl Log {
    /// An empty log.
    #[must_use]
    pub const fn new(topic_id: TopicId) -> Self {
        Self {
            topic_id,
            start: 0,
            records: Vec::new(),
            epochs: Vec::new(),
            producers: BTreeMap::new(),
            producers_at_start: BTreeMap::new(),
            written_end: 0,
            durable_end: 0,
            high_watermark_checkpoint: 0,
        }
    }

    /// The creation of the topic that the log belongs to.
    #[must_use]
    pub const fn topic_id(&self) -> TopicId {
        self.topic_id
    }

    /// First offset.
    #[must_use]
    pub const fn start(&self) -> Offset {
        self.start
    }

    /// Exclusive end.
    #[must_use]
    pub fn end(&self) -> Offset {
        self.start + offset_of(self.records.len())
    }

    /// The record at an offset, if the log has it.
    #[must_use]
    pub fn get(&self, offset: Offset) -> Option<&Record> {
        usize::try_from(offset - self.start)
            .ok()
            .and_then(|index| self.records.get(index))
    }

    /// Up to `count` records from `offset` on.
    #[must_use]
    pub fn read(&self, offset: Offset, count: usize) -> Vec<Record> {
        let from = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        self.records
            .iter()
            .skip(from)
            .take(count)
            .copied()
            .collect()
    }

    /// What the replica reports to a leader.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            log_start_offset: self.start,
            log_end_offset: self.end(),
            last_epoch: self.latest_epoch(),
        }
    }

    fn latest_epoch(&self) -> LeaderEpoch {
        self.epochs
            .last()
            .map_or(LeaderEpoch::NONE, |(epoch, _)| *epoch)
    }

    /// A leader's epoch begins at the log's end.
    pub fn start_epoch(&mut self, epoch: LeaderEpoch) {
        let end = self.end();
        self.assign(epoch, end);
    }

    fn assign(&mut self, epoch: LeaderEpoch, start: Offset) {
        if self
            .epochs
            .last()
            .is_some_and(|&(e, s)| e == epoch && s <= start)
        {
            return;
        }
        self.epochs.retain(|&(e, s)| e < epoch && s < start);
        self.epochs.push((epoch, start));
    }

    /// Judges a producer's record.
    #[must_use]
    pub fn check(&self, record: &Record) -> Verdict {
        if record.producer == 0 {
            return Verdict::Append;
        }
        match self.producers.get(&record.producer) {
            Some(&(last, offset)) if record.sequence == last => Verdict::Duplicate(offset),
            Some(&(last, _)) if record.sequence != last + 1 => Verdict::OutOfOrder,
            Some(_) | None => Verdict::Append,
        }
    }

    /// Appends as leader or follower; the bytes are in the page cache on return.
    pub fn append(&mut self, record: Record) -> Offset {
        let offset = self.end();
        if record.epoch > self.latest_epoch() {
            self.assign(record.epoch, offset);
        }
        note(&mut self.producers, &record, offset);
        self.records.push(record);
        if !mutant::is(Glue::AckBeforeWrite) {
            self.written_end = self.end();
        }
        offset
    }

    /// `write(2)`, which is part of [`Log::append`] unless a mutant is at work.
    pub fn write(&mut self) {
        self.written_end = self.end();
    }

    /// `fdatasync`.
    pub fn sync(&mut self) {
        self.written_end = self.end();
        self.durable_end = self.end();
    }

    /// Exclusive end of what a power cut would leave, as far as the replica knows.
    #[must_use]
    pub fn durable_end(&self) -> Offset {
        if mutant::is(Glue::DurableCountsUnsynced) {
            return self.end();
        }
        self.durable_end
    }

    /// Cuts everything from `offset` on, durably.
    pub fn truncate(&mut self, offset: Offset) {
        let kept = usize::try_from((offset - self.start).max(0)).unwrap_or(0);
        self.records.truncate(kept);
        let end = self.end();
        if !mutant::is(Glue::EpochsNotTruncated) {
            self.epochs
                .retain(|&(_, start)| start < offset.max(self.start));
        }
        if !mutant::is(Glue::ProducersNotRolledBack) {
            self.load_producers();
        }
        self.written_end = end;
        self.durable_end = end;
    }

    /// Drops everything and begins at `offset`.
    pub fn restart_at(&mut self, offset: Offset) {
        *self = Self {
            start: offset,
            written_end: offset,
            durable_end: offset,
            high_watermark_checkpoint: offset,
            ..Self::new(self.topic_id)
        };
    }

    /// Deletes what is below `offset`.
    pub fn raise_start(&mut self, offset: Offset) {
        let offset = offset.min(self.end());
        while self.start < offset {
            let record = self.records.remove(0);
            note(&mut self.producers_at_start, &record, self.start);
            self.start += 1;
        }
        let gone = self
            .epochs
            .partition_point(|&(_, start)| start <= self.start);
        if let Some(containing) = gone.checked_sub(1) {
            self.epochs.drain(..containing);
            if let Some(first) = self.epochs.first_mut() {
                first.1 = self.start;
            }
        }
        self.written_end = self.written_end.max(self.start);
        self.durable_end = self.durable_end.max(self.start);
    }

    /// The process died.
    pub fn on_process_crash(&mut self) {
        let kept = self.written_end - self.start;
        self.records.truncate(usize::try_from(kept).unwrap_or(0));
    }

    /// The machine went down: of what was not synced, `share` (of 256) survives, and the record behind
    /// it may be torn.
    pub fn on_power_cut(&mut self, share: u8, is_torn: bool) {
        self.on_process_crash();
        let unsynced = self.end() - self.durable_end;
        let kept = unsynced * i64::from(share) / 256;
        let end = self.durable_end + kept;
        let length = usize::try_from(end - self.start).unwrap_or(0);
        let lost = self.records.get(length).copied();
        self.records.truncate(length);
        if let Some(lost) = lost.filter(|_| is_torn) {
            self.records.push(Record {
                is_torn: true,
                ..lost
            });
        }
        self.written_end = self.end();
    }

    /// A start of the process: looks at the tail unless the shutdown is believed to have been clean.
    pub fn recover(&mut self, is_clean: bool) {
        if !is_clean {
            let sound = self
                .records
                .iter()
                .take_while(|record| !record.is_torn)
                .count();
            self.records.truncate(sound);
        }
        self.written_end = self.end();
        self.durable_end = self.durable_end.min(self.end());
        self.epochs.clear();
        for index in 0..self.records.len() {
            let epoch = self.records[index].epoch;
            if epoch > self.latest_epoch() {
                self.assign(epoch, self.start + offset_of(index));
            }
        }
        self.load_producers();
        // What survived is made durable before anybody relies on it.
        self.durable_end = self.end();
        self.high_watermark_checkpoint =
            self.high_watermark_checkpoint.clamp(self.start, self.end());
    }

    fn load_producers(&mut self) {
        self.producers = self.producers_at_start.clone();
        for (offset, record) in (self.start..).zip(&self.records) {
            note(&mut self.producers, record, offset);
        }
    }
}

fn note(producers: &mut BTreeMap<u32, Last>, record: &Record, offset: Offset) {
    if record.producer != 0 {
        producers.insert(record.producer, (record.sequence, offset));
    }
}

fn offset_of(count: usize) -> Offset {
    Offset::try_from(count).expect("a log of a simulation is short")
}

impl EpochHistory for Log {
    fn end_offset_for_epoch(&self, epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
        if !epoch.is_known() || epoch > self.latest_epoch() {
            return (LeaderEpoch::NONE, -1);
        }
        let after = self.epochs.partition_point(|&(e, _)| e <= epoch);
        let end = self
            .epochs
            .get(after)
            .map_or(self.end(), |&(_, start)| start);
        let floor = after
            .checked_sub(1)
            .and_then(|index| self.epochs.get(index));
        (floor.map_or(epoch, |&(e, _)| e), end)
    }
}
