//! The shared core: connections by broker, the picture of the cluster, and retries.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use rand::seq::SliceRandom as _;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::Instant;

use crate::connection::BrokerConnection;
use crate::metadata::{Cluster, Topic};
use crate::{Address, Attempt, Config, Error, Result};

/// A client of one cluster. Cheap to clone; all clones share connections and metadata, and the
/// last one closes them.
///
/// The locks inside are held for map operations only, never across a wait.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    connections: Mutex<HashMap<i32, Slot>>,
    /// Connection to a bootstrap address, used until metadata names brokers, and after that when no
    /// broker of the metadata can be reached.
    bootstrap: Mutex<Arc<BrokerConnection>>,
    cluster: RwLock<Arc<Cluster>>,
    refreshed: Mutex<HashMap<Arc<str>, Instant>>,
    /// One refresh at a time.
    refreshing: Semaphore,
}

/// A broker's place in the map: its address, and its connection once it is there. Those who come
/// while it is being made wait for the same one.
#[derive(Debug, Clone)]
struct Slot {
    address: Address,
    connection: Arc<OnceCell<Arc<BrokerConnection>>>,
}

impl Client {
    /// Connects to the first bootstrap address that answers, and asks it for the brokers.
    ///
    /// # Errors
    /// [`Error::BootstrapUnreachable`] after one round through all addresses.
    ///
    /// # Cancel safety
    /// Dropping the future closes what it opened.
    pub async fn connect(config: Config) -> Result<Self> {
        let bootstrap = open_bootstrap(&config).await?;
        let client = Self {
            inner: Arc::new(Inner {
                config,
                connections: Mutex::default(),
                bootstrap: Mutex::new(Arc::new(bootstrap)),
                cluster: RwLock::default(),
                refreshed: Mutex::default(),
                refreshing: Semaphore::new(1),
            }),
        };
        client.refresh(&[], false).await?;
        Ok(client)
    }

    /// The settings it was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The cluster as last seen.
    #[must_use]
    pub fn cluster(&self) -> Arc<Cluster> {
        Arc::clone(&self.inner.cluster.read())
    }

    /// The bootstrap address that answered.
    #[must_use]
    pub fn bootstrap_address(&self) -> Address {
        self.inner.bootstrap.lock().address.clone()
    }

    /// The topic as last seen, if that was not too long ago.
    #[must_use]
    pub fn cached_topic(&self, name: &str) -> Option<Arc<Topic>> {
        let max_age = self.inner.config.metadata_max_age;
        let is_fresh = self
            .inner
            .refreshed
            .lock()
            .get(name)
            .is_some_and(|at| at.elapsed() < max_age);
        is_fresh.then(|| self.cluster().topics.get(name).cloned())?
    }

    /// Dials an address and negotiates, apart from the connections in use. Returns how long that took.
    ///
    /// # Errors
    /// How it failed.
    pub async fn probe(&self, address: &Address) -> std::result::Result<Duration, Attempt> {
        let start = Instant::now();
        BrokerConnection::open(address, &self.inner.config).await?;
        Ok(start.elapsed())
    }

    /// Says that the topic's metadata has proved wrong.
    pub(crate) fn forget_topic(&self, name: &str) {
        self.inner.refreshed.lock().remove(name);
    }

    pub(crate) fn store(&self, answer: Cluster, gone: &[String]) {
        let now = Instant::now();
        {
            let mut refreshed = self.inner.refreshed.lock();
            refreshed.extend(answer.topics.keys().map(|name| (Arc::clone(name), now)));
            refreshed.retain(|name, _at| !gone.iter().any(|g| **g == **name));
        }
        let mut cluster = self.inner.cluster.write();
        *cluster = Arc::new(cluster.updated(answer, gone));
    }

    pub(crate) fn refreshing(&self) -> &Semaphore {
        &self.inner.refreshing
    }

    /// The connection to a broker of the metadata, made if there is none.
    ///
    /// # Cancel safety
    /// A connection that was being made for several waits on; the next one to ask goes on with it.
    pub(crate) async fn broker(&self, node_id: i32) -> Result<Arc<BrokerConnection>> {
        let cluster = self.cluster();
        let Some(broker) = cluster.brokers.get(&node_id) else {
            return Err(Error::UnknownBroker { node_id });
        };
        let slot = self.slot(node_id, &broker.address);
        let open = || async {
            let opened = BrokerConnection::open(&slot.address, &self.inner.config).await;
            opened.map(Arc::new)
        };
        let opened = slot.connection.get_or_try_init(open).await;
        opened.cloned().map_err(|attempt| Error::BrokerUnreachable {
            node_id,
            bootstrap: self.bootstrap_address(),
            attempt,
        })
    }

    /// The broker's place in the map; a new one if its address changed or its connection broke.
    fn slot(&self, node_id: i32, address: &Address) -> Slot {
        let mut connections = self.inner.connections.lock();
        let is_usable = |slot: &Slot| {
            let is_open = slot.connection.get().is_none_or(|c| c.is_open());
            slot.address == *address && is_open
        };
        match connections.get(&node_id) {
            Some(slot) if is_usable(slot) => slot.clone(),
            _ => {
                let slot = Slot {
                    address: address.clone(),
                    connection: Arc::default(),
                };
                connections.insert(node_id, slot.clone());
                slot
            }
        }
    }

    /// A connection to any broker: the one that bootstrap found while it holds, then one from the
    /// metadata, then bootstrap again.
    pub(crate) async fn any_broker(&self) -> Result<Arc<BrokerConnection>> {
        let bootstrap = Arc::clone(&self.inner.bootstrap.lock());
        if bootstrap.is_open() {
            return Ok(bootstrap);
        }
        let mut ids: Vec<i32> = self.cluster().brokers.keys().copied().collect();
        ids.shuffle(&mut rand::rng());
        for id in ids {
            if let Ok(connection) = self.broker(id).await {
                return Ok(connection);
            }
        }
        let found = Arc::new(open_bootstrap(&self.inner.config).await?);
        *self.inner.bootstrap.lock() = Arc::clone(&found);
        Ok(found)
    }

    /// The broker to send to what only a controller can do. In KRaft any broker forwards it.
    pub(crate) async fn controller(&self) -> Result<Arc<BrokerConnection>> {
        let cluster = self.cluster();
        if cluster.brokers.contains_key(&cluster.controller_id) {
            return self.broker(cluster.controller_id).await;
        }
        self.any_broker().await
    }
}

async fn open_bootstrap(config: &Config) -> Result<BrokerConnection> {
    let mut attempts = Vec::new();
    for address in &config.bootstrap {
        match BrokerConnection::open(address, config).await {
            Ok(connection) => return Ok(connection),
            Err(attempt) => attempts.push(attempt),
        }
    }
    Err(Error::BootstrapUnreachable { attempts })
}
