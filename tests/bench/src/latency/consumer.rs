//! Reads a leader's partitions as they grow, and every record's due time.

use anyhow::{Context as _, Result};
use protocol::records::split_batches;

use crate::consume::{self, Reader};
use crate::report::Latencies;
use crate::window::Window;
use std::time::Duration;

/// A batch of ours is far below this, decompressed.
const RECORDS_BYTES_MAX: usize = 64 << 20;
const MAX_WAIT_MS: i32 = 500;

/// One thread's.
pub(super) struct Consumer {
    reader: Reader,
    window: Window,
    latencies: Latencies,
}

impl Consumer {
    pub(super) fn new(
        address: &str,
        topic: &str,
        partitions: &[i32],
        window: Window,
    ) -> Result<Self> {
        Ok(Self {
            reader: Reader::new(address, topic, partitions, 1 << 20, MAX_WAIT_MS)?,
            window,
            latencies: Latencies::new()?,
        })
    }

    pub(super) fn run(mut self) -> Result<Latencies> {
        while !self.window.is_over() {
            let response = self.reader.fetch()?;
            let now = self.window.now();
            let is_measuring = self.window.is_measuring();
            for partition in response
                .responses
                .iter()
                .flat_map(|topic| &topic.partitions)
            {
                for batch in split_batches(consume::records(partition)?) {
                    let Ok(batch) = batch else { break };
                    let next_offset = batch.header.next_offset();
                    self.reader.advance(partition.partition_index, next_offset);
                    if !is_measuring {
                        continue;
                    }
                    for record in batch.records(RECORDS_BYTES_MAX)? {
                        let value = record?.value.context("a record without a value")?;
                        let due = value.first_chunk().context("a record without its time")?;
                        let due = Duration::from_nanos(u64::from_be_bytes(*due));
                        self.latencies.record(now.saturating_sub(due));
                    }
                }
            }
        }
        Ok(self.latencies)
    }
}
