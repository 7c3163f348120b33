//! One reader of all partitions, from their beginning on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use client::{Address, Consumer, ConsumerConfig};
use tokio_util::sync::CancellationToken;
use types::ErrorCode;

use super::{LoadSpec, from_bytes};
use crate::cluster::connect;
use crate::history::{Recorder, Seen, What};

const POLL: Duration = Duration::from_millis(200);
/// After an error that the consumer does not mend by itself.
const PAUSE: Duration = Duration::from_millis(100);

/// Reads until `stop`, from the replica in its rack if it has one.
pub(super) async fn run(
    spec: Arc<LoadSpec>,
    rack: String,
    bootstrap: Vec<Address>,
    recorder: Recorder,
    stop: CancellationToken,
) -> Result<()> {
    let id = recorder.new_client();
    let client = connect(bootstrap, &format!("reader-{id}")).await?;
    let config = ConsumerConfig {
        // Whoever follows a log from its beginning never leaves its range.
        reset: None,
        fetch_wait_max: POLL,
        rack,
        ..ConsumerConfig::default()
    };
    let mut reader = Reader {
        spec,
        recorder,
        consumer: Consumer::new(client, config),
        id,
    };
    for index in 0..reader.spec.partition_count {
        reader.assign(index, 0);
    }
    loop {
        let polled = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            polled = reader.consumer.poll(POLL) => polled,
        };
        match polled {
            Ok(records) => reader.on_records(&records),
            Err(error) => {
                reader.on_error(&error);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

struct Reader {
    spec: Arc<LoadSpec>,
    recorder: Recorder,
    consumer: Consumer,
    id: u32,
}

impl Reader {
    fn assign(&mut self, index: i32, offset: i64) {
        let tp = self.spec.tp(index);
        self.recorder.record(self.id, What::Assign { tp, offset });
        self.consumer.assign(self.spec.partition(index), offset);
    }

    fn on_records(&self, records: &[client::consumer::ConsumerRecord]) {
        let mut by_partition: BTreeMap<i32, Vec<Seen>> = BTreeMap::new();
        for record in records {
            let seen = Seen {
                offset: record.offset,
                epoch: record.leader_epoch,
                value: from_bytes(record.value.as_deref()),
            };
            by_partition.entry(record.partition).or_default().push(seen);
        }
        for (index, records) in by_partition {
            let tp = self.spec.tp(index);
            self.recorder.record(self.id, What::Poll { tp, records });
        }
    }

    /// The consumer retries what another try may mend. Of what is left, one thing proves something:
    /// that a place which was reached does not exist.
    fn on_error(&mut self, error: &client::Error) {
        if error.code() != Some(ErrorCode::OffsetOutOfRange) {
            return;
        }
        for index in 0..self.spec.partition_count {
            let named = format!("{}-{index} ", self.spec.topic);
            let Some(offset) = self.consumer.position(&self.spec.partition(index)) else {
                continue;
            };
            if error.to_string().contains(&named) {
                let tp = self.spec.tp(index);
                self.recorder
                    .record(self.id, What::OutOfRange { tp, offset });
                self.assign(index, 0);
            }
        }
    }
}
