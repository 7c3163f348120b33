//! What the quorum has committed and this node has applied, for everybody to read.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use metadata::{MetadataImage, MetadataOffset};
use tokio::sync::watch;

use super::log_store::SharedLog;

/// The image and the log behind it. Written by the state machine alone; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    image: Arc<ArcSwap<MetadataImage>>,
    offset: watch::Sender<MetadataOffset>,
    log: SharedLog,
}

/// The next piece of the metadata log for a reader.
#[derive(Debug)]
pub(crate) enum TailPiece {
    /// What consecutive entries bring into effect, from the offset asked for. Never empty.
    Entries(Vec<Bytes>),
    /// The log does not reach back so far: start from this image.
    Image(Arc<MetadataImage>),
    /// The reader has everything.
    Nothing,
}

impl Published {
    pub(crate) fn new(image: Arc<MetadataImage>, log: SharedLog) -> Self {
        let (offset, _) = watch::channel(image.offset());
        Self {
            image: Arc::new(ArcSwap::new(image)),
            offset,
            log,
        }
    }

    /// The newest image.
    pub(crate) fn image(&self) -> Arc<MetadataImage> {
        self.image.load_full()
    }

    /// Wakes when a newer image is there.
    pub(crate) fn offset(&self) -> watch::Receiver<MetadataOffset> {
        self.offset.subscribe()
    }

    /// First the image, then the word of it: who is woken finds at least that image.
    pub(super) fn publish(&self, image: Arc<MetadataImage>) {
        let offset = image.offset();
        self.image.store(image);
        self.offset.send_replace(offset);
    }

    /// What a reader needs next that has everything before `from`.
    pub(crate) fn tail(&self, from: MetadataOffset, bytes_max: usize) -> TailPiece {
        let image = self.image();
        if from > image.offset() {
            return TailPiece::Nothing;
        }
        // Entries up to the image's offset are applied, so they are committed and stay.
        let (from, upto) = (to_index(from), to_index(image.offset()));
        match self.log.read().effects(from, upto, bytes_max) {
            Some(effects) if !effects.is_empty() => TailPiece::Entries(effects),
            _ => TailPiece::Image(image),
        }
    }
}

fn to_index(offset: MetadataOffset) -> u64 {
    u64::try_from(offset).unwrap_or(0)
}

/// Which cluster this is, as far as this node knows: from its own formatting, or from the log.
#[derive(Debug, Clone)]
pub(crate) struct KnownClusterId {
    pub(crate) formatted: Option<String>,
    pub(crate) published: Published,
}

impl KnownClusterId {
    /// The id, `None` before the first active controller has chosen it.
    pub(crate) fn get(&self) -> Option<String> {
        let from_log = || self.published.image().cluster_id().map(str::to_owned);
        self.formatted.clone().or_else(from_log)
    }
}
