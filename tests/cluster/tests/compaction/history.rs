//! A random history of a topic, and what compaction must leave of it.

use std::collections::BTreeMap;

use bytes::Bytes;
use protocol::records::{BatchBuilder, Compression, RecordHeader};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use types::{ProducerEpoch, ProducerId};

/// All timestamps of a history lie after this one.
const START_MS: i64 = 1_700_000_000_000;
/// The closing record comes so much later.
const CLOSING_MS: i64 = 3_600_000;
const KEYS: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "", "a much longer key"];

/// A record as a consumer reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Option<Bytes>,
}

pub(crate) struct History {
    random: StdRng,
    /// Whether some records have no key.
    pub(crate) has_keyless: bool,
    now_ms: i64,
    rows: Vec<Row>,
    /// Tombstones that a round has met already.
    waiting: Vec<i64>,
    sequences: BTreeMap<i64, (i32, Bytes)>,
}

impl History {
    pub(crate) fn new(seed: u64, has_keyless: bool) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            has_keyless,
            now_ms: START_MS,
            rows: Vec::new(),
            waiting: Vec::new(),
            sequences: BTreeMap::new(),
        }
    }

    /// So many batches more.
    pub(crate) fn draw(&mut self, count: usize) -> Vec<Bytes> {
        (0..count).map(|_| self.draw_batch()).collect()
    }

    fn draw_batch(&mut self) -> Bytes {
        let codec = Compression::ALL[self.random.random_range(0..Compression::ALL.len())];
        let mut builder = BatchBuilder::new(codec);
        let count = self.random.random_range(1..8);
        for _ in 0..count {
            let row = self.draw_row();
            let header = RecordHeader::new("h", row.value.clone());
            let headers = if row.offset % 3 == 0 {
                vec![header]
            } else {
                vec![]
            };
            let (key, value) = (row.key.as_deref(), row.value.as_deref());
            builder.append(row.timestamp, key, value, &headers).unwrap();
            self.rows.push(row);
        }
        self.now_ms += 300;
        let producer = self.random.random_range(0..5i64);
        // The fifth is not idempotent.
        if producer == 4 {
            return builder.build().unwrap().bytes;
        }
        let next = self.sequences.get(&producer).map_or(0, |(next, _)| *next);
        builder.set_producer(ProducerId(1000 + producer), ProducerEpoch(0), next);
        let bytes = builder.build().unwrap().bytes;
        self.sequences
            .insert(producer, (next + count, bytes.clone()));
        bytes
    }

    fn draw_row(&mut self) -> Row {
        let offset = i64::try_from(self.rows.len()).unwrap();
        let key = KEYS[self.random.random_range(0..KEYS.len())];
        let is_keyless = self.has_keyless && self.random.random_bool(0.2);
        let is_tombstone = !is_keyless && self.random.random_bool(0.3);
        let size = self.random.random_range(0..60);
        let value = format!("{key} at {offset} {}", "x".repeat(size));
        Row {
            offset,
            timestamp: self.now_ms + self.random.random_range(0..200),
            key: (!is_keyless).then(|| Bytes::from_static(key.as_bytes())),
            value: (!is_tombstone).then(|| Bytes::from(value)),
        }
    }

    /// The record that closes the segment before it, by its own time.
    pub(crate) fn closing(&self) -> Bytes {
        let row = self.closing_row();
        let mut builder = BatchBuilder::new(Compression::None);
        let (key, value) = (row.key.as_deref(), row.value.as_deref());
        builder.append(row.timestamp, key, value, &[]).unwrap();
        builder.build().unwrap().bytes
    }

    fn closing_row(&self) -> Row {
        let offset = i64::try_from(self.rows.len()).unwrap();
        Row {
            offset,
            timestamp: self.now_ms + CLOSING_MS,
            // Raudal also closes segments that only time has made old, and so compacts this one earlier.
            key: Some(Bytes::from(format!("closing {offset}"))),
            value: Some(Bytes::from_static(b"closing")),
        }
    }

    /// The closing record is written.
    pub(crate) fn close(&mut self) {
        let row = self.closing_row();
        self.now_ms = row.timestamp + 1000;
        self.rows.push(row);
    }

    /// What a reader finds once all but the closing record is compacted.
    pub(crate) fn compact(&mut self) -> Vec<Row> {
        let (closing, before) = self.rows.split_last().unwrap();
        let mut last = BTreeMap::new();
        for row in before {
            last.insert(row.key.clone(), row.offset);
        }
        let mut kept: Vec<Row> = Vec::new();
        let mut waiting = Vec::new();
        for row in before {
            let is_last = row.key.is_some() && last[&row.key] == row.offset;
            let is_over = row.value.is_none() && self.waiting.contains(&row.offset);
            if is_last && !is_over {
                kept.push(row.clone());
            }
            if row.value.is_none() {
                waiting.push(row.offset);
            }
        }
        kept.push(closing.clone());
        self.waiting = waiting;
        kept
    }

    /// The last batch of each producer, to be sent again.
    pub(crate) fn last_of_producers(&self) -> Vec<Bytes> {
        let last = self.sequences.values().map(|(_, batch)| batch.clone());
        last.collect()
    }
}
