//! Batches to digests of chunks.

use crc_fast::CrcAlgorithm::Crc64Nvme;
use types::Offset;

use super::words::{BatchSummary, ChunkDigest};

/// Folds batches, in order, into one digest per chunk.
///
/// A batch belongs to the chunk in which it begins, one that begins before the range to the first: the
/// same batches give the same digests on every replica, whatever pieces they were read in.
#[derive(Debug)]
pub struct Digester {
    from_offset: Offset,
    chunk_offsets: i64,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    chunk: ChunkDigest,
    crc: crc_fast::Digest,
}

impl Digester {
    /// Chunks of `chunk_offsets` offsets each, which must be at least 1, from `from_offset` on.
    #[must_use]
    pub fn new(from_offset: Offset, chunk_offsets: i64) -> Self {
        assert!(chunk_offsets >= 1, "a chunk holds an offset");
        Self {
            from_offset,
            chunk_offsets,
            open: None,
        }
    }

    /// Takes the next batch. Returns the chunk before it if the batch begins another one.
    pub fn on_batch(&mut self, batch: &BatchSummary) -> Option<ChunkDigest> {
        let into_range = batch.base_offset.saturating_sub(self.from_offset).max(0);
        let chunk_start = self.from_offset + into_range / self.chunk_offsets * self.chunk_offsets;
        let is_another = self
            .open
            .as_ref()
            .is_none_or(|open| open.chunk.from_offset != chunk_start);
        let done = if is_another { self.finish() } else { None };
        let open = self.open.get_or_insert_with(|| Open::at(chunk_start));
        open.add(batch);
        done
    }

    /// The chunk that is still open.
    pub fn finish(&mut self) -> Option<ChunkDigest> {
        let open = self.open.take()?;
        Some(ChunkDigest {
            digest: open.crc.finalize(),
            ..open.chunk
        })
    }
}

impl Open {
    fn at(from_offset: Offset) -> Self {
        Self {
            chunk: ChunkDigest {
                from_offset,
                batch_count: 0,
                bytes: 0,
                digest: 0,
                damaged_offset: None,
            },
            crc: crc_fast::Digest::new(Crc64Nvme),
        }
    }

    fn add(&mut self, batch: &BatchSummary) {
        self.crc.update(&batch.base_offset.to_be_bytes());
        self.crc.update(&batch.last_offset.to_be_bytes());
        self.crc.update(&batch.leader_epoch.0.to_be_bytes());
        self.crc.update(&batch.crc.to_be_bytes());
        self.crc.update(&batch.size_bytes.to_be_bytes());
        self.chunk.batch_count += 1;
        self.chunk.bytes += u64::from(batch.size_bytes);
        if batch.is_damaged && self.chunk.damaged_offset.is_none() {
            self.chunk.damaged_offset = Some(batch.base_offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::LeaderEpoch;

    fn batch(base_offset: Offset, last_offset: Offset) -> BatchSummary {
        BatchSummary {
            base_offset,
            last_offset,
            leader_epoch: LeaderEpoch(1),
            crc: 7,
            size_bytes: 100,
            is_damaged: false,
        }
    }

    fn digests(from: Offset, chunk: i64, batches: &[BatchSummary]) -> Vec<ChunkDigest> {
        let mut digester = Digester::new(from, chunk);
        let mut all: Vec<_> = batches
            .iter()
            .filter_map(|b| digester.on_batch(b))
            .collect();
        all.extend(digester.finish());
        all
    }

    #[test]
    fn a_batch_counts_where_it_begins() {
        let batches = [batch(0, 4), batch(5, 30), batch(31, 31), batch(100, 100)];
        let chunks = digests(3, 10, &batches);
        let shape: Vec<_> = chunks
            .iter()
            .map(|c| (c.from_offset, c.batch_count))
            .collect();
        assert_eq!(shape, vec![(3, 2), (23, 1), (93, 1)]);
    }

    #[test]
    fn any_difference_of_a_batch_shows_in_its_chunk_alone() {
        let batches = [batch(0, 4), batch(5, 9), batch(10, 14), batch(15, 19)];
        let before = digests(0, 10, &batches);
        let spoil: [fn(&mut BatchSummary); 5] = [
            |b| b.base_offset -= 1,
            |b| b.last_offset += 1,
            |b| b.leader_epoch = LeaderEpoch(2),
            |b| b.crc ^= 1,
            |b| b.size_bytes += 1,
        ];
        for change in spoil {
            let mut other = batches;
            change(&mut other[3]);
            let after = digests(0, 10, &other);
            assert_eq!(before[0], after[0]);
            assert_ne!(before[1].digest, after[1].digest);
        }
    }

    #[test]
    fn the_first_damaged_batch_is_named() {
        let mut batches = [batch(0, 4), batch(5, 9), batch(10, 14)];
        batches[1].is_damaged = true;
        batches[2].is_damaged = true;
        assert_eq!(digests(0, 100, &batches)[0].damaged_offset, Some(5));
        assert_eq!(digests(0, 100, &batches[..1])[0].damaged_offset, None);
    }

    #[test]
    fn offsets_at_the_end_of_the_numbers_do_not_overflow() {
        let last = batch(i64::MAX - 1, i64::MAX);
        assert_eq!(digests(0, i64::MAX, &[last]).len(), 1);
        assert_eq!(digests(0, 1, &[last])[0].from_offset, i64::MAX - 1);
    }
}
