//! Producer ids, given out from blocks that the controller reserves.
//!
//! A block is reserved in the metadata log before any of it is used, so an id is never given out
//! twice; what is left of a block when the broker stops is never used.

use std::ops::Range;
use std::time::Duration;

use parking_lot::Mutex;
use rpc::ControllerClient;
use tokio::sync::Semaphore;
use types::{BrokerEpoch, NodeId, ProducerId};

/// The broker's current block. Shared by all connections; the lock is held for an increment.
#[derive(Debug)]
pub(crate) struct ProducerIds {
    block: Mutex<Range<i64>>,
    /// One reservation at a time: the others wait for it and share its block.
    reserving: Semaphore,
}

impl ProducerIds {
    pub(crate) fn new() -> Self {
        Self {
            block: Mutex::new(0..0),
            reserving: Semaphore::new(1),
        }
    }

    /// The next id, of a new block if the current one is used up.
    ///
    /// # Errors
    /// No controller reserved a block within `timeout`.
    ///
    /// # Cancel safety
    /// A dropped call may have used up a block, which is harmless.
    pub(crate) async fn next(
        &self,
        controllers: &ControllerClient,
        broker: (NodeId, BrokerEpoch),
        timeout: Duration,
    ) -> Result<ProducerId, rpc::Error> {
        loop {
            if let Some(id) = self.take() {
                return Ok(id);
            }
            let permit = self.reserving.acquire().await;
            debug_assert!(permit.is_ok(), "the semaphore is never closed");
            if let Some(id) = self.take() {
                return Ok(id);
            }
            let block = controllers
                .allocate_producer_ids(broker.0, broker.1, timeout)
                .await?;
            *self.block.lock() =
                block.first.0..block.first.0.saturating_add(i64::from(block.count));
        }
    }

    fn take(&self) -> Option<ProducerId> {
        self.block.lock().next().map(ProducerId)
    }
}
