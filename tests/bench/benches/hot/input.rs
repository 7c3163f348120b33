//! Batches as producers send them.

use std::fmt;

use bytes::Bytes;
use protocol::records::{BatchBuilder, Compression};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

/// When the records were made.
pub(crate) const NOW_MS: i64 = 1_750_000_000_000;
/// What a record adds to its value, at most.
const RECORD_OVERHEAD: usize = 16;

/// What a batch is like.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) record_bytes: usize,
    pub(crate) batch_bytes: usize,
    pub(crate) compression: Compression,
}

impl Shape {
    pub(crate) const fn new(
        record_bytes: usize,
        batch_bytes: usize,
        compression: Compression,
    ) -> Self {
        Self {
            record_bytes,
            batch_bytes,
            compression,
        }
    }

    /// Uncompressed records of 1 KiB.
    pub(crate) const fn plain(batch_bytes: usize) -> Self {
        Self::new(1024, batch_bytes, Compression::None)
    }

    /// One batch; at least one record is in it, however small the batch shall be.
    pub(crate) fn batch(&self) -> Bytes {
        let mut random = SmallRng::seed_from_u64(7);
        let mut builder = BatchBuilder::with_capacity(self.compression, self.batch_bytes);
        loop {
            let value = self.value(&mut random);
            let appended = builder.append(NOW_MS, None, Some(&value), &[]);
            appended.expect("a record that fits");
            let next = builder.size_in_bytes() + self.record_bytes + RECORD_OVERHEAD;
            if next > self.batch_bytes {
                break;
            }
        }
        builder.build().expect("a batch").bytes
    }

    /// Two hexadecimal digits for each random byte: what compresses, compresses to about a half.
    fn value(&self, random: &mut SmallRng) -> Vec<u8> {
        let digits = b"0123456789abcdef";
        (0..self.record_bytes)
            .map(|_| digits[random.random_range(0..digits.len())])
            .collect()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            record_bytes,
            batch_bytes,
            compression,
        } = self;
        let kib = batch_bytes / 1024;
        write!(f, "{kib} KiB of {record_bytes} B, {compression:?}")
    }
}
