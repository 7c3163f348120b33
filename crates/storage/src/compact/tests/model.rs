//! Compaction against a map: whatever happens, a reader of the whole log learns the same.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use proptest::prelude::*;

use super::*;
use crate::disk::fault::Fault;

#[derive(Debug, Clone)]
enum Step {
    /// Keys `a` to `f`, with a value or without.
    Produce {
        records: Vec<(u8, bool)>,
        codec: Compression,
        producer: Option<i64>,
    },
    Roll,
    Flush,
    /// One round with room for so many keys.
    Clean {
        keys: u64,
    },
    Wait {
        ms: u64,
    },
    Truncate {
        keep_percent: i64,
    },
    /// What a directory writes down from time to time.
    Checkpoint,
    Reopen,
    Kill,
    PowerLoss {
        seed: u64,
    },
    /// Calls of the disk fail from one of the next on.
    Fault {
        after: u64,
        times: u64,
    },
    Heal,
}

fn step() -> impl Strategy<Value = Step> {
    let codec = prop::sample::select(Compression::ALL.to_vec());
    let records = prop::collection::vec((b'a'..=b'f', prop::bool::weighted(0.7)), 1..6);
    let producer = prop::option::of(0..3i64);
    let produce = (records, codec, producer).prop_map(|(records, codec, producer)| Step::Produce {
        records,
        codec,
        producer,
    });
    prop_oneof![
        12 => produce,
        3 => Just(Step::Roll),
        3 => Just(Step::Flush),
        5 => (1..8u64).prop_map(|keys| Step::Clean { keys }),
        2 => (0..1500u64).prop_map(|ms| Step::Wait { ms }),
        1 => (50..=100i64).prop_map(|keep_percent| Step::Truncate { keep_percent }),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::Reopen),
        2 => Just(Step::Kill),
        2 => any::<u64>().prop_map(|seed| Step::PowerLoss { seed }),
        3 => (0..40u64, 1..4u64).prop_map(|(after, times)| Step::Fault { after, times }),
        2 => Just(Step::Heal),
    ]
}

struct Pair {
    bench: Bench,
    /// Everything that was produced and not truncated or lost.
    produced: Vec<Row>,
    sequences: BTreeMap<i64, i32>,
    recovery_point: Offset,
    clean_offset: Option<Offset>,
    high_watermark: Offset,
}

impl Pair {
    fn new() -> Self {
        Self {
            bench: Bench::new(),
            produced: Vec::new(),
            sequences: BTreeMap::new(),
            recovery_point: 0,
            clean_offset: None,
            high_watermark: 0,
        }
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Produce {
                records,
                codec,
                producer,
            } => self.produce(records, *codec, *producer),
            Step::Roll => drop(self.bench.log.lock().maybe_roll(i64::MAX / 2)),
            Step::Flush => drop(self.bench.log.lock().flush()),
            Step::Clean { keys } => self.clean(*keys),
            Step::Wait { ms } => self.bench.advance_ms(*ms),
            Step::Truncate { keep_percent } => {
                let end = self.bench.log.lock().log_end_offset();
                // Never below what was committed: a later record may have replaced an earlier one.
                let to = (end * keep_percent / 100).max(self.high_watermark);
                drop(self.bench.log.lock().truncate_to(to));
            }
            Step::Checkpoint => self.checkpoint(),
            Step::Reopen => {
                let shutdown = match self.bench.log.lock().close() {
                    Ok(()) => Shutdown::Clean,
                    Err(_) => Shutdown::Unclean,
                };
                if shutdown == Shutdown::Clean {
                    self.checkpoint();
                }
                self.open(shutdown);
            }
            Step::Kill => {
                self.bench.disk.kill();
                self.open(Shutdown::Unclean);
            }
            Step::PowerLoss { seed } => {
                self.bench.disk.crash(Some(*seed));
                self.open(Shutdown::PowerLoss);
            }
            Step::Fault { after, times } => {
                let fault = Fault::Error(ErrorKind::StorageFull);
                self.bench.disk.plan(None, *after, *times, fault);
            }
            Step::Heal => self.bench.disk.heal(),
        }
        if self.bench.log.lock().is_offline() {
            self.bench.disk.kill();
            self.open(Shutdown::Unclean);
        }
        // What was truncated or lost. Nobody guesses how much that is.
        let end = self.bench.log.lock().log_end_offset();
        self.produced.retain(|(offset, ..)| *offset < end);
        self.high_watermark = self.high_watermark.min(end);
    }

    fn produce(&mut self, records: &[(u8, bool)], codec: Compression, producer: Option<i64>) {
        let mut builder = BatchBuilder::new(codec);
        let now_ms = types::Clock::wall_ms(&*self.bench.clock);
        let mut log = self.bench.log.lock();
        let end = log.log_end_offset();
        let mut rows = Vec::new();
        for (offset, (key, has_value)) in (end..).zip(records) {
            let key = char::from(*key).to_string();
            let value = has_value.then(|| format!("{offset}"));
            let bytes = value.as_deref().map(str::as_bytes);
            builder
                .append(now_ms, Some(key.as_bytes()), bytes, &[])
                .unwrap();
            rows.push((offset, key, value));
        }
        let count = i32::try_from(records.len()).unwrap();
        // A sequence that nobody has used: after a truncation the log's may have gone back.
        let sequence = producer.map(|id| {
            let known = log.producers();
            let known = known.iter().find(|p| p.producer_id == ProducerId(id));
            known.map_or(0, |p| p.last_sequence + 1)
        });
        if let (Some(id), Some(sequence)) = (producer, sequence) {
            builder.set_producer(ProducerId(id), ProducerEpoch(0), sequence);
        }
        let batch = ValidatedBatch::new(&builder.build().unwrap().bytes).unwrap();
        if log.append_as_leader(&[batch], EPOCH).is_ok() {
            self.produced.extend(rows);
            if let (Some(id), Some(sequence)) = (producer, sequence) {
                self.sequences.insert(id, sequence + count - 1);
            }
        }
    }

    fn clean(&mut self, keys: u64) {
        let options = CleanOptions {
            dedupe_buffer_bytes: keys * 24 + 24,
            load_factor: 0.99,
            ..CleanOptions::default()
        };
        let end = self.bench.log.lock().log_end_offset();
        // Half of what is new is not committed.
        self.high_watermark = self.high_watermark.midpoint(end);
        if let Ok(Some(report)) = self.bench.clean_up_to(self.high_watermark, &options) {
            self.clean_offset = Some(report.clean_offset);
            let mut seen = BTreeMap::new();
            for (offset, key, _) in self.bench.rows_now() {
                if offset < report.clean_offset {
                    assert_eq!(seen.insert(key.clone(), offset), None, "{key} twice");
                }
            }
        }
        assert_eq!(self.bench.log.lock().uncleanable(), None);
    }

    fn checkpoint(&mut self) {
        let mut log = self.bench.log.lock();
        self.recovery_point = log.recovery_point();
        self.clean_offset = log.clean_offset();
        log.on_recovery_point_persisted(self.recovery_point);
    }

    fn open(&mut self, shutdown: Shutdown) {
        self.bench.disk.heal();
        let bench = &self.bench;
        let (disk, clock, config) = (&bench.disk, &bench.clock, &bench.config);
        let log = open(disk, clock, config, self.recovery_point, shutdown);
        let mut log = log.unwrap_or_else(|error| panic!("{shutdown:?}: {error}"));
        if let Some(offset) = self.clean_offset {
            log.restore_clean_offset(offset);
        }
        self.bench.log = Arc::new(Mutex::new(log));
    }

    fn check(&self) {
        let rows = self.bench.rows_now();
        let mut produced = self.produced.iter();
        for row in &rows {
            assert!(
                produced.any(|p| p == row),
                "{row:?} was never produced, or twice"
            );
        }
        assert_eq!(last_of_each(&rows), last_of_each(&self.produced));
        let log = self.bench.log.lock();
        for producer in log.producers() {
            let last = self.sequences.get(&producer.producer_id.0);
            assert!(last.is_some_and(|last| producer.last_sequence <= *last));
        }
    }
}

impl Bench {
    /// The rows, on a disk that works for the moment.
    fn rows_now(&self) -> Vec<Row> {
        self.disk.heal();
        self.rows()
    }
}

/// Key and last value, without deleted keys.
fn last_of_each(rows: &[Row]) -> BTreeMap<&str, &str> {
    let mut map = BTreeMap::new();
    for (_, key, value) in rows {
        match value {
            Some(value) => drop(map.insert(key.as_str(), value.as_str())),
            None => drop(map.remove(key.as_str())),
        }
    }
    map
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(256)
    })]

    #[test]
    fn a_reader_learns_what_a_map_knows(steps in prop::collection::vec(step(), 1..60)) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.apply(step);
            pair.check();
        }
        pair.open(Shutdown::Unclean);
        pair.check();
        pair.bench.seal();
        pair.clean(1000);
        pair.check();
    }
}
