//! What every request may look at: one per broker, shared by all connections.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use config::server::ServerConfig;
use config::topic::TopicConfig;
use config::{Layers, topic};
use metadata::{MetadataImage, MetadataOffset, ResourceKind};
use rpc::ControllerClient;
use storage::LogDirs;
use tokio::sync::watch;
use types::{BrokerEpoch, Clock, NodeId};

use crate::absences::Absences;
use crate::api::AutoCreate;
use crate::coordinator::{self, Groups};
use crate::fetch_session::{Limits, SessionCache};
use crate::lease::Lease;
use crate::lifecycle::flusher::SyncQueues;
use crate::partitions::Partitions;
use crate::producer_ids::ProducerIds;
use crate::replica::Replication;
use crate::response_budget::ResponseBudget;
use crate::room::Room;
use crate::timers::Timers;
use crate::workers::Workers;

/// Threads for what may wait for the disk, and how many jobs may wait for them.
const WORKER_THREADS_MAX: usize = 4;
const WORKER_JOBS_MAX: usize = 4096;

/// Record bytes in responses that clients have not taken yet.
const UNSENT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How long a fetch session is safe from being pushed out. Kafka's, not configurable there either.
const SESSION_EVICT_AFTER: Duration = Duration::from_mins(2);

/// What a broker is made from.
#[derive(Clone)]
pub struct BrokerOptions {
    /// The node's configuration.
    pub config: Arc<ServerConfig>,
    /// The cluster the node belongs to, `None` if it does not know yet.
    pub cluster_id: Option<String>,
    /// The node's log directories, opened and not yet loaded.
    pub log_dirs: Arc<LogDirs>,
    /// The way to the controllers.
    pub controllers: ControllerClient,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for BrokerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokerOptions")
            .field("node_id", &self.config.node_id)
            .finish_non_exhaustive()
    }
}

/// The broker's shared state. Everything in it may be used from any thread.
pub(crate) struct Core {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) log_dirs: Arc<LogDirs>,
    pub(crate) controllers: ControllerClient,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) auto_create: AutoCreate,
    pub(crate) producer_ids: ProducerIds,
    pub(crate) partitions: Partitions,
    pub(crate) fetch_sessions: SessionCache,
    pub(crate) timers: Timers,
    pub(crate) workers: Workers,
    pub(crate) sync_queues: SyncQueues,
    pub(crate) response_budget: Arc<ResponseBudget>,
    pub(crate) replication: Replication,
    pub(crate) room: Arc<Room>,
    pub(crate) absences: Absences,
    pub(crate) groups: Groups,
    pub(crate) lease: Lease,
    cluster_id: String,
    image: ArcSwap<MetadataImage>,
    /// Follows `image`, for those who wait for an offset.
    image_offset: watch::Sender<MetadataOffset>,
    broker_epoch: AtomicI64,
}

impl Core {
    pub(crate) fn new(options: BrokerOptions) -> Arc<Self> {
        let slots = options
            .config
            .fetching
            .max_incremental_fetch_session_cache_slots;
        let settings = coordinator::initial_settings(&options.config);
        Arc::new_cyclic(|core| Self {
            groups: Groups::new(core.clone(), settings),
            lease: Lease::default(),
            config: options.config,
            sync_queues: SyncQueues::new(&options.log_dirs, &options.clock),
            log_dirs: options.log_dirs,
            controllers: options.controllers,
            clock: options.clock,
            auto_create: AutoCreate::default(),
            producer_ids: ProducerIds::new(),
            partitions: Partitions::default(),
            fetch_sessions: SessionCache::new(Limits {
                slots: usize::try_from(slots).unwrap_or(0),
                evict_after: SESSION_EVICT_AFTER,
            }),
            timers: Timers::new(),
            workers: Workers::new(WORKER_THREADS_MAX, WORKER_JOBS_MAX),
            response_budget: ResponseBudget::new(UNSENT_BYTES_MAX),
            replication: Replication::new(),
            room: Arc::default(),
            absences: Absences::default(),
            cluster_id: options.cluster_id.unwrap_or_default(),
            image: ArcSwap::from_pointee(MetadataImage::empty()),
            image_offset: watch::Sender::new(MetadataImage::empty().offset()),
            broker_epoch: AtomicI64::new(BrokerEpoch::NONE.0),
        })
    }

    /// This broker's id.
    pub(crate) fn node_id(&self) -> NodeId {
        self.config.node_id
    }

    /// The cluster this broker belongs to; empty if it was not told.
    pub(crate) fn cluster_id(&self) -> String {
        self.cluster_id.clone()
    }

    /// The offset of the image that is shown, as it changes.
    pub(crate) fn images(&self) -> watch::Receiver<MetadataOffset> {
        self.image_offset.subscribe()
    }

    /// What the cluster has decided, as far as this broker knows. Take it once per request: two calls
    /// may see two images.
    pub(crate) fn image(&self) -> Guard<Arc<MetadataImage>> {
        self.image.load()
    }

    /// Shows another image to requests. For the metadata observer alone.
    pub(crate) fn publish(&self, image: Arc<MetadataImage>) {
        let offset = image.offset();
        self.absences.on_image(&image, self.clock.monotonic());
        self.image.store(image);
        self.image_offset.send_replace(offset);
    }

    /// Waits until the image has reached that offset. Returns whether it did in time.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(crate) async fn wait_for_image(&self, offset: MetadataOffset, patience: Duration) -> bool {
        let mut image_offset = self.image_offset.subscribe();
        let reached = image_offset.wait_for(|known| *known >= offset);
        matches!(tokio::time::timeout(patience, reached).await, Ok(Ok(_)))
    }

    /// Waits until the image shows this broker's own registration in service.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub(crate) async fn wait_until_unfenced(&self) {
        let mut image_offset = self.image_offset.subscribe();
        while !self.is_in_service() {
            // The sender is ours, so this ends only with news.
            if image_offset.changed().await.is_err() {
                return;
            }
        }
    }

    fn is_in_service(&self) -> bool {
        let image = self.image();
        let own = image.broker(self.node_id());
        own.is_some_and(|broker| !broker.fenced && broker.epoch == self.broker_epoch())
    }

    /// The epoch of this broker's registration, `NONE` before it has one.
    pub(crate) fn broker_epoch(&self) -> BrokerEpoch {
        BrokerEpoch(self.broker_epoch.load(Ordering::Relaxed))
    }

    /// The controllers took this broker in.
    pub(crate) fn set_broker_epoch(&self, epoch: BrokerEpoch) {
        self.broker_epoch.store(epoch.0, Ordering::Relaxed);
    }

    /// The configuration that holds for a topic, over all layers.
    pub(crate) fn topic_config(&self, image: &MetadataImage, name: &str) -> TopicConfig {
        let own = image.configs_of(ResourceKind::Topic, name);
        let id = self.node_id().to_string();
        let broker = image.configs_of(ResourceKind::Broker, &id);
        let cluster = image.configs_of(ResourceKind::Broker, "");
        topic::effective(&Layers {
            resource: Some(&|key| own.and_then(|set| set.get(key))),
            broker: Some(&|key| broker.and_then(|set| set.get(key))),
            cluster: Some(&|key| cluster.and_then(|set| set.get(key))),
            file: Some(&|key| self.config.properties.get(key)),
        })
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("node_id", &self.node_id())
            .field("metadata_offset", &self.image().offset())
            .finish_non_exhaustive()
    }
}
