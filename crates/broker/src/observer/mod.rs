//! Follows the metadata log and acts on it.
//!
//! ```text
//!  rpc tail ─► replay ─► image' + delta ─► partitions ─► image' shown to requests
//! ```
//!
//! Until the broker's own registration is reached nothing is acted on: only then is it known which of
//! the logs on disk are still this broker's.

mod apply;
mod load;

use std::sync::Arc;

use metadata::{Delta, MetadataImage, replay};
use rpc::client::{MetadataTail, TailEvent};
use tokio_util::sync::CancellationToken;
use types::BrokerEpoch;

use crate::broker::BrokerError;
use crate::lifecycle::heartbeat::Pulse;
use crate::state::Core;

/// Reads the metadata log. Owned by the broker's start, then by its observer task.
#[derive(Debug)]
pub(crate) struct Observer {
    core: Arc<Core>,
    pulse: Arc<Pulse>,
    tail: MetadataTail,
    /// The newest image, shown to requests or not.
    image: MetadataImage,
}

impl Observer {
    /// Begins at the first entry.
    pub(crate) fn new(core: Arc<Core>, pulse: Arc<Pulse>) -> Self {
        let tail = core.controllers.tail(0, core.node_id());
        Self {
            core,
            pulse,
            tail,
            image: MetadataImage::empty(),
        }
    }

    /// Reads until the image has this broker's registration, without acting on anything.
    ///
    /// # Errors
    /// [`BrokerError::Metadata`].
    pub(crate) async fn catch_up(&mut self, registration: BrokerEpoch) -> Result<(), BrokerError> {
        while self.image.offset() < registration.0 {
            self.next().await?;
        }
        Ok(())
    }

    /// Opens the logs that the image assigns to this broker, and shows the image to requests.
    ///
    /// # Errors
    /// [`BrokerError::NoLogDir`] if no directory is usable.
    pub(crate) async fn load(&self) -> Result<(), BrokerError> {
        let (core, image) = (Arc::clone(&self.core), self.image.clone());
        on_worker(move || load::load(&core, image)).await?
    }

    /// Acts on every further entry, until `stop`.
    ///
    /// # Errors
    /// [`BrokerError::Metadata`]: going on would mean acting on a wrong image.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), BrokerError> {
        loop {
            // Cancel-safe: an event that was read is acted on, whatever happens.
            let delta = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                delta = self.next() => delta?,
            };
            let Some(delta) = delta else {
                continue;
            };
            let (core, image) = (Arc::clone(&self.core), self.image.clone());
            if delta.topics.is_empty() && delta.configs.is_empty() {
                core.publish(Arc::new(image));
                core.on_brokers(&delta);
                continue;
            }
            let somebody_leaves = image.brokers().any(|it| it.in_controlled_shutdown);
            on_worker(move || core.apply(image, &delta)).await?;
            if somebody_leaves {
                // It waits until everybody has seen who leads in its place.
                self.pulse.beat_now();
            }
        }
    }

    /// Replays the next event, if it brings records.
    async fn next(&mut self) -> Result<Option<Delta>, BrokerError> {
        let unreadable = |error: rpc::Error| BrokerError::Metadata(error.to_string());
        let misfit = |error: metadata::ReplayError| BrokerError::Metadata(error.to_string());
        match self.tail.next().await.map_err(unreadable)? {
            TailEvent::Entry { offset, records } => {
                let (image, delta) = replay(&self.image, offset, &records).map_err(misfit)?;
                self.image = image;
                Ok(Some(delta))
            }
            TailEvent::Snapshot { offset, records } => {
                let empty = MetadataImage::empty();
                let (image, _) = replay(&empty, offset, &records).map_err(misfit)?;
                let delta = Delta::between(&self.image, &image);
                self.image = image;
                Ok(Some(delta))
            }
            TailEvent::HighWatermark(_) => Ok(None),
        }
    }
}

/// Runs what may wait for the disk away from the runtime's threads.
pub(crate) async fn on_worker<T: Send + 'static>(
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BrokerError> {
    let joined = tokio::task::spawn_blocking(job).await;
    joined.map_err(|error| BrokerError::Metadata(format!("cannot act on metadata: {error}")))
}
