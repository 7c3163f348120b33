//! A log against a list: whatever is done to both, they hold the same batches.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use proptest::prelude::*;
use protocol::records::split_batches;
use storage::{AppendError, Log, LogConfig, ReadError, Shutdown};
use support::{Bench, NOW_MS, batch, producer_batch};
use types::{LeaderEpoch, Offset};

/// Failures are shrunk and printed, not written into the tree.
fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(256)
    }
}

/// What may happen to a log.
#[derive(Debug, Clone)]
enum Step {
    Append {
        records: i32,
        tag: u8,
    },
    Elect,
    Truncate {
        keep_percent: i64,
    },
    DeleteRecords {
        percent: i64,
    },
    Retain {
        bytes: u64,
    },
    Roll,
    Flush,
    Reopen,
    Kill,
    PowerLoss {
        seed: u64,
    },
    /// One of the next calls of the disk fails.
    Fault {
        after: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (1..6i32, any::<u8>()).prop_map(|(records, tag)| Step::Append { records, tag }),
        1 => Just(Step::Elect),
        2 => (0..=100i64).prop_map(|keep_percent| Step::Truncate { keep_percent }),
        1 => (0..=100i64).prop_map(|percent| Step::DeleteRecords { percent }),
        1 => (0..3000u64).prop_map(|bytes| Step::Retain { bytes }),
        1 => Just(Step::Roll),
        3 => Just(Step::Flush),
        1 => Just(Step::Reopen),
        2 => Just(Step::Kill),
        2 => any::<u64>().prop_map(|seed| Step::PowerLoss { seed }),
        2 => (0..6u64).prop_map(|after| Step::Fault { after }),
    ]
}

/// First offset, last offset, epoch and tag of a batch.
type Row = (Offset, Offset, LeaderEpoch, u8);

struct Pair {
    bench: Bench,
    log: Log,
    rows: Vec<Row>,
    log_start: Offset,
    log_end: Offset,
    epoch: LeaderEpoch,
}

impl Pair {
    fn new() -> Self {
        let bench = Bench::new(LogConfig {
            segment_bytes: 700,
            index_interval_bytes: 100,
            file_delete_delay_ms: 0,
            ..LogConfig::default()
        });
        let log = bench.open(0, 0, Shutdown::Clean).unwrap().0;
        Self {
            bench,
            log,
            rows: Vec::new(),
            log_start: 0,
            log_end: 0,
            epoch: LeaderEpoch(0),
        }
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Append { records, tag } => self.append(records, tag),
            Step::Elect => self.epoch = self.epoch.next(),
            Step::Truncate { keep_percent } => {
                let to = self.log_start + (self.log_end - self.log_start) * keep_percent / 100;
                self.truncate(to);
            }
            Step::DeleteRecords { percent } => {
                let to = self.log_start + (self.log_end - self.log_start) * percent / 100;
                if self.log.increment_log_start(to).is_ok() {
                    self.log_start = to;
                }
            }
            Step::Retain { bytes } => self.retain(bytes),
            Step::Roll => drop(self.log.maybe_roll(i64::MAX / 2)),
            Step::Flush => drop(self.log.flush()),
            Step::Reopen => {
                let shutdown = match self.log.close() {
                    Ok(()) => Shutdown::Clean,
                    Err(_) => Shutdown::Unclean,
                };
                self.open_again(shutdown);
            }
            Step::Kill => self.open_again(Shutdown::Unclean),
            Step::PowerLoss { seed } => {
                self.bench.disk.crash((seed % 4 > 0).then_some(seed));
                self.open_again(Shutdown::PowerLoss);
            }
            Step::Fault { after } => self.bench.fail_one_call(after),
        }
    }

    fn append(&mut self, records: i32, tag: u8) {
        match self
            .log
            .append_as_leader(&[batch(records, tag)], self.epoch)
        {
            Ok(info) => {
                assert_eq!(info.base_offset, self.log_end);
                self.log_end = info.last_offset + 1;
                self.rows
                    .push((info.base_offset, info.last_offset, self.epoch, tag));
            }
            Err(AppendError::Storage(error)) => {
                if error.is_offline() {
                    self.open_again(Shutdown::Unclean);
                }
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn truncate(&mut self, to: Offset) {
        let result = self.log.truncate_to(to);
        let kept = self
            .rows
            .iter()
            .filter(|row| row.1 < to)
            .copied()
            .collect::<Vec<_>>();
        let end = self
            .rows
            .get(kept.len())
            .map_or(self.log_end, |row| row.0.min(to));
        if result.is_ok() {
            self.rows = kept;
            self.log_end = end;
            self.log_start = self.log_start.min(end);
            return;
        }
        // It stopped half-way: anything between is legal, and the next opening decides.
        self.bench.disk.heal();
        self.log = self
            .bench
            .open(self.log.recovery_point(), self.log_start, Shutdown::Unclean)
            .unwrap()
            .0;
        assert!(self.log.log_end_offset() >= end && self.log.log_end_offset() <= self.log_end);
        self.forget_beyond_end();
    }

    fn retain(&mut self, bytes: u64) {
        let mut config = self.bench.config.clone();
        config.retention_bytes = Some(bytes);
        self.log.set_config(config);
        if let Ok(retired) = self.log.delete_old_segments(self.log_end, NOW_MS) {
            // Files that are not removed now go when the log is opened, as it starts above them.
            drop(self.log.remove_retired(retired, NOW_MS));
        }
        self.log_start = self.log.log_start_offset();
        self.log.set_config(self.bench.config.clone());
    }

    fn open_again(&mut self, shutdown: Shutdown) {
        self.bench.disk.heal();
        let recovery_point = self.log.recovery_point();
        let opened = self
            .bench
            .open(recovery_point, self.log_start, shutdown)
            .unwrap();
        self.log = opened.0;
        let end = self.log.log_end_offset();
        let lost = self.log_end - end;
        assert!(
            lost == 0 || shutdown == Shutdown::PowerLoss,
            "{shutdown:?} lost {lost}"
        );
        assert!(
            end >= recovery_point.min(self.log_end),
            "lost what was durable"
        );
        self.forget_beyond_end();
    }

    fn forget_beyond_end(&mut self) {
        self.log_end = self.log.log_end_offset();
        self.rows.retain(|row| row.1 < self.log_end);
        self.log_start = self.log.log_start_offset();
    }

    /// Everything that can be asked gives what the list says.
    fn check(&mut self) {
        self.bench.disk.heal();
        assert_eq!(self.log.log_end_offset(), self.log_end);
        assert_eq!(self.log.log_start_offset(), self.log_start);
        let rows: Vec<_> = self
            .rows
            .iter()
            .filter(|row| row.1 >= self.log_start)
            .copied()
            .collect();
        assert_eq!(self.read_all(), rows);
        for offset in self.log_start..self.log_end {
            let row = rows.iter().find(|row| row.1 >= offset).unwrap();
            let read = self
                .log
                .reader()
                .read(offset, 1, Offset::MAX, true)
                .unwrap();
            assert_eq!((read.first_offset, read.next_offset), (row.0, row.1 + 1));
            assert_eq!(self.log.epoch_at(offset), row.2);
        }
        for epoch in 0..=self.epoch.0 {
            let epoch = LeaderEpoch(epoch);
            let end = rows.iter().rfind(|row| row.2 <= epoch).map(|row| row.1 + 1);
            let (found, found_end) = self.log.end_offset_for_epoch(epoch);
            if let Some(end) = end.filter(|_| found.is_known()) {
                assert_eq!(found_end, end, "{epoch}");
            }
        }
    }

    fn read_all(&self) -> Vec<Row> {
        let reader = self.log.reader();
        let mut rows = Vec::new();
        let mut offset = self.log_start;
        while offset < self.log_end {
            let read = reader.read(offset, 250, Offset::MAX, true).unwrap();
            for batch in split_batches(read.bytes) {
                let batch = batch.unwrap();
                batch.check_crc().unwrap();
                let record = batch.records(10_000).unwrap().next().unwrap().unwrap();
                let header = batch.header;
                let tag = record.value.unwrap()[0];
                let epoch = header.partition_leader_epoch;
                rows.push((header.base_offset, header.last_offset(), epoch, tag));
            }
            offset = read.next_offset;
        }
        rows
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_log_holds_what_a_list_holds(steps in prop::collection::vec(step(), 1..40)) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.apply(step);
        }
        pair.check();
        pair.apply(&Step::Reopen);
        pair.check();
    }

    #[test]
    fn a_reader_sees_its_own_moment_or_is_told_that_it_is_over(
        before in 5..30i32,
        cut in 0..100i64,
        after in 0..30i32,
        offset in 0..60i64,
    ) {
        let mut pair = Pair::new();
        (0..before).for_each(|i| pair.append(2, u8::try_from(i).unwrap()));
        let old = pair.read_all();
        let reader = pair.log.reader();
        if offset % 3 == 0 {
            let _opened_files = reader.read(0, 1, Offset::MAX, true);
        }
        pair.apply(&Step::Truncate { keep_percent: cut });
        pair.epoch = pair.epoch.next();
        (0..after).for_each(|_| pair.append(3, 200));
        match reader.read(offset, 400, Offset::MAX, true) {
            Ok(read) => {
                for batch in split_batches(read.bytes) {
                    let header = batch.unwrap().header;
                    let row = old.iter().find(|row| row.0 == header.base_offset).unwrap();
                    prop_assert_eq!(header.last_offset(), row.1);
                    prop_assert_eq!(header.partition_leader_epoch, LeaderEpoch(0));
                }
            }
            Err(ReadError::Changed | ReadError::OffsetOutOfRange { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// What a producer and the world around it may do.
#[derive(Debug, Clone)]
enum Send {
    /// The next batch.
    Next {
        records: i32,
    },
    /// One of the last batches again, counted back from the last.
    Again {
        back: usize,
    },
    /// A batch that leaves one out.
    Skip,
    Bump,
    Truncate {
        back: usize,
    },
    Reopen,
    Kill,
    LoseSnapshots,
}

fn send() -> impl Strategy<Value = (i64, Send)> {
    let send = prop_oneof![
        8 => (1..4i32).prop_map(|records| Send::Next { records }),
        4 => (0..8usize).prop_map(|back| Send::Again { back }),
        1 => Just(Send::Skip),
        1 => Just(Send::Bump),
        1 => (0..12usize).prop_map(|back| Send::Truncate { back }),
        1 => Just(Send::Reopen),
        1 => Just(Send::Kill),
        1 => Just(Send::LoseSnapshots),
    ];
    (0..3i64, send)
}

/// A batch as the list remembers it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sent {
    producer: i64,
    epoch: i16,
    sequence: i32,
    records: i32,
    base: Offset,
}

/// The naive producer state: all batches of the log.
fn last_of(sent: &[Sent], producer: i64) -> Option<Sent> {
    sent.iter().rfind(|s| s.producer == producer).copied()
}

fn window(sent: &[Sent], producer: i64) -> Vec<Sent> {
    let Some(last) = last_of(sent, producer) else {
        return Vec::new();
    };
    let own = sent
        .iter()
        .rev()
        .filter(|s| s.producer == producer && s.epoch == last.epoch);
    own.take(5).copied().collect()
}

proptest! {
    #![proptest_config(config())]

    /// Retries, gaps and new epochs are judged as by somebody who remembers every batch of the log,
    /// over restarts, kills, lost snapshots and truncations.
    #[test]
    fn producers_are_judged_as_by_somebody_who_remembers_everything(
        sends in prop::collection::vec(send(), 1..60)
    ) {
        let bench = Bench::new(LogConfig { segment_bytes: 700, ..LogConfig::default() });
        let mut log = bench.open(0, 0, Shutdown::Clean).unwrap().0;
        let mut sent: Vec<Sent> = Vec::new();
        let mut epochs = [0i16; 3];
        for (producer, send) in sends {
            let last = last_of(&sent, producer);
            let epoch = &mut epochs[usize::try_from(producer).unwrap()];
            let next = last.filter(|l| l.epoch == *epoch).map_or(0, |l| l.sequence + l.records);
            let put = |log: &mut Log, epoch: i16, sequence: i32, records: i32| {
                let batch = producer_batch(producer, epoch, sequence, records);
                log.append_as_leader(&[batch], LeaderEpoch(0))
            };
            match send {
                Send::Next { records } => {
                    let info = put(&mut log, *epoch, next, records).unwrap();
                    prop_assert!(!info.duplicate);
                    sent.push(Sent {
                        producer, epoch: *epoch, sequence: next, records, base: info.base_offset,
                    });
                }
                Send::Again { back } => {
                    let own: Vec<_> = sent.iter().rev().filter(|s| s.producer == producer).collect();
                    let Some(&&old) = own.get(back) else { continue };
                    let result = put(&mut log, old.epoch, old.sequence, old.records);
                    if window(&sent, producer).contains(&old) {
                        let info = result.unwrap();
                        prop_assert!(info.duplicate);
                        prop_assert_eq!(info.base_offset, old.base);
                    } else {
                        prop_assert!(result.is_err(), "{:?} again", old);
                    }
                }
                Send::Skip => {
                    let is_known = last.is_some();
                    if is_known {
                        let error = put(&mut log, *epoch, next + 1, 1).unwrap_err();
                        let is_gap = matches!(error, AppendError::OutOfOrderSequence { .. });
                        prop_assert!(is_gap, "a gap");
                    }
                }
                Send::Bump => *epoch += 1,
                Send::Truncate { back } => {
                    let keep = sent.len().saturating_sub(back);
                    let to = sent.get(keep).map_or(log.log_end_offset(), |s| s.base);
                    log.truncate_to(to).unwrap();
                    sent.truncate(keep);
                    for (id, epoch) in (0..).zip(&mut epochs) {
                        *epoch = last_of(&sent, id).map_or(0, |s| s.epoch).max(*epoch);
                    }
                }
                Send::Reopen => {
                    log.close().unwrap();
                    log = bench.open(log.recovery_point(), 0, Shutdown::Clean).unwrap().0;
                }
                Send::Kill => {
                    log = bench.open(log.recovery_point(), 0, Shutdown::Unclean).unwrap().0;
                }
                Send::LoseSnapshots => {
                    bench.remove(".snapshot");
                    log = bench.open(log.recovery_point(), 0, Shutdown::Unclean).unwrap().0;
                }
            }
        }
    }
}
