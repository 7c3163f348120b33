//! What every request may look at: one per broker, shared by all connections.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::{ArcSwap, Guard};
use config::server::ServerConfig;
use config::topic::TopicConfig;
use config::{Layers, topic};
use metadata::{MetadataImage, ResourceKind};
use rpc::ControllerClient;
use storage::LogDirs;
use types::{BrokerEpoch, Clock, NodeId};

use crate::api::AutoCreate;
use crate::producer_ids::ProducerIds;

/// What a broker is made from.
#[derive(Clone)]
pub struct BrokerOptions {
    /// The node's configuration.
    pub config: Arc<ServerConfig>,
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
    image: ArcSwap<MetadataImage>,
    broker_epoch: AtomicI64,
}

impl Core {
    pub(crate) fn new(options: BrokerOptions) -> Arc<Self> {
        Arc::new(Self {
            config: options.config,
            log_dirs: options.log_dirs,
            controllers: options.controllers,
            clock: options.clock,
            auto_create: AutoCreate::default(),
            producer_ids: ProducerIds::new(),
            image: ArcSwap::from_pointee(MetadataImage::empty()),
            broker_epoch: AtomicI64::new(BrokerEpoch::NONE.0),
        })
    }

    /// This broker's id.
    pub(crate) fn node_id(&self) -> NodeId {
        self.config.node_id
    }

    /// What the cluster has decided, as far as this broker knows. Take it once per request: two calls
    /// may see two images.
    pub(crate) fn image(&self) -> Guard<Arc<MetadataImage>> {
        self.image.load()
    }

    /// The epoch of this broker's registration, `NONE` before it has one.
    pub(crate) fn broker_epoch(&self) -> BrokerEpoch {
        BrokerEpoch(self.broker_epoch.load(Ordering::Relaxed))
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
