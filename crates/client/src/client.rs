//! The shared core: connections by broker, the picture of the cluster, and retries.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use parking_lot::{Mutex, RwLock};
use rand::seq::SliceRandom as _;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{Instant, timeout};

use crate::connection::BrokerConnection;
use crate::metadata::{Cluster, Hint, Topic};
use crate::{Address, Attempt, Config, Error, Result};

/// The next bootstrap address is dialled beside the one before when that has been silent so long.
const NEXT_DIAL_AFTER: Duration = Duration::from_millis(300);
/// How long one broker out of several is waited for when any will do.
const ANY_WITHIN: Duration = Duration::from_secs(1);
/// How long a broker that did not answer in time is left alone when any other will do.
const SUSPECT_FOR: Duration = Duration::from_secs(5);

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
    connections: Mutex<HashMap<(Lane, i32), Slot>>,
    /// The broker that coordinates a group, as last heard.
    coordinators: Mutex<HashMap<String, i32>>,
    /// Connection to a bootstrap address, used until metadata names brokers, and after that when no
    /// broker of the metadata can be reached.
    bootstrap: Mutex<Arc<BrokerConnection>>,
    cluster: RwLock<Arc<Cluster>>,
    refreshed: Mutex<HashMap<Arc<str>, Instant>>,
    /// One refresh at a time.
    refreshing: Semaphore,
    /// Addresses that were silent when asked, and until when they are left alone.
    suspects: Mutex<HashMap<Address, Instant>>,
}

/// What a connection is for. A broker answers one connection's requests one after the other, so that
/// a heartbeat must not stand behind a fetch that waits for records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// Records, metadata, administration.
    Data,
    /// What the members of groups say to their coordinator.
    Group,
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
                coordinators: Mutex::default(),
                bootstrap: Mutex::new(Arc::new(bootstrap)),
                cluster: RwLock::default(),
                refreshed: Mutex::default(),
                refreshing: Semaphore::new(1),
                suspects: Mutex::default(),
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

    /// The broker that coordinates a group, as last heard.
    pub(crate) fn coordinators(&self) -> &Mutex<HashMap<String, i32>> {
        &self.inner.coordinators
    }

    pub(crate) fn refreshing(&self) -> &Semaphore {
        &self.inner.refreshing
    }

    /// The connection to a broker of the metadata, made if there is none.
    ///
    /// # Cancel safety
    /// A connection that was being made for several waits on; the next one to ask goes on with it.
    pub(crate) async fn broker(&self, node_id: i32) -> Result<Arc<BrokerConnection>> {
        self.broker_on(Lane::Data, node_id).await
    }

    /// The connection to a broker for one purpose. Otherwise as [`Client::broker`].
    pub(crate) async fn broker_on(
        &self,
        lane: Lane,
        node_id: i32,
    ) -> Result<Arc<BrokerConnection>> {
        let cluster = self.cluster();
        let Some(broker) = cluster.brokers.get(&node_id) else {
            return Err(Error::UnknownBroker { node_id });
        };
        let slot = self.slot((lane, node_id), &broker.address);
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
    fn slot(&self, place: (Lane, i32), address: &Address) -> Slot {
        let mut connections = self.inner.connections.lock();
        let is_usable = |slot: &Slot| {
            let is_open = slot.connection.get().is_none_or(|c| c.is_open());
            slot.address == *address && is_open
        };
        match connections.get(&place) {
            Some(slot) if is_usable(slot) => slot.clone(),
            _ => {
                let slot = Slot {
                    address: address.clone(),
                    connection: Arc::default(),
                };
                connections.insert(place, slot.clone());
                slot
            }
        }
    }

    /// A connection to any broker: the one that bootstrap found while it holds, then those of the
    /// metadata, connected ones first, then bootstrap again. Brokers that were silent lately come
    /// last.
    pub(crate) async fn any_broker(&self) -> Result<Arc<BrokerConnection>> {
        let bootstrap = Arc::clone(&self.inner.bootstrap.lock());
        if bootstrap.is_open() && !self.is_suspect(&bootstrap.address) {
            return Ok(bootstrap);
        }
        for (node_id, is_suspect, is_connected) in self.candidates() {
            // With all of them in doubt any will do, but not always the same one: of brokers that all
            // wait for one that is cut off, only that one does not know who leads now.
            if is_suspect && !is_connected && bootstrap.is_open() {
                break;
            }
            if let Ok(Ok(connection)) = timeout(ANY_WITHIN, self.broker(node_id)).await {
                return Ok(connection);
            }
        }
        if bootstrap.is_open() {
            return Ok(bootstrap);
        }
        let found = Arc::new(open_bootstrap(&self.inner.config).await?);
        *self.inner.bootstrap.lock() = Arc::clone(&found);
        Ok(found)
    }

    /// Brokers of the metadata in the order in which any of them is asked, whether each was silent
    /// lately, and whether it is connected.
    fn candidates(&self) -> Vec<(i32, bool, bool)> {
        let cluster = self.cluster();
        let mut ids: Vec<_> = cluster.brokers.values().collect();
        ids.shuffle(&mut rand::rng());
        let is_connected = |node_id: i32| {
            let connections = self.inner.connections.lock();
            let slot = connections.get(&(Lane::Data, node_id));
            slot.is_some_and(|slot| slot.connection.get().is_some_and(|c| c.is_open()))
        };
        let ranked = ids.into_iter().map(|broker| {
            (
                broker.id,
                self.is_suspect(&broker.address),
                is_connected(broker.id),
            )
        });
        let mut ranked: Vec<_> = ranked.collect();
        ranked.sort_by_key(|(_, is_suspect, is_connected)| (*is_suspect, !is_connected));
        ranked
    }

    /// Leaves an address alone for a while when any other broker will do.
    pub(crate) fn suspect(&self, address: &Address) {
        let mut suspects = self.inner.suspects.lock();
        let now = Instant::now();
        suspects.retain(|_, until| *until > now);
        suspects.insert(address.clone(), now + SUSPECT_FOR);
    }

    fn is_suspect(&self, address: &Address) -> bool {
        let suspects = self.inner.suspects.lock();
        suspects
            .get(address)
            .is_some_and(|until| *until > Instant::now())
    }

    /// Closes the connection to a broker: whoever waits for an answer on it is told that it broke.
    pub(crate) fn abandon(&self, node_id: i32) {
        let slot = self.inner.connections.lock().remove(&(Lane::Data, node_id));
        if let Some(connection) = slot.as_ref().and_then(|slot| slot.connection.get()) {
            self.suspect(&connection.address);
            connection.close();
        }
    }

    /// Takes over what a broker said about a partition's leader (KIP-951). `true` if that was news.
    pub(crate) fn learn_leader(&self, hint: &Hint) -> bool {
        let mut cluster = self.inner.cluster.write();
        match cluster.with_leader(hint) {
            Some(newer) => {
                *cluster = Arc::new(newer);
                true
            }
            None => false,
        }
    }

    /// The broker to send to what only a controller can do. In KRaft any broker forwards it, so that
    /// another one does when this one cannot be reached.
    pub(crate) async fn controller(&self) -> Result<Arc<BrokerConnection>> {
        let cluster = self.cluster();
        let Some(broker) = cluster.brokers.get(&cluster.controller_id) else {
            return self.any_broker().await;
        };
        if self.is_suspect(&broker.address) {
            return self.any_broker().await;
        }
        match self.broker(broker.id).await {
            Ok(connection) => Ok(connection),
            Err(error) => self.any_broker().await.map_err(|_other| error),
        }
    }
}

/// Dials all addresses, each when those before have failed or been silent for a moment; the first to
/// answer it is.
async fn open_bootstrap(config: &Config) -> Result<BrokerConnection> {
    let mut dialling = FuturesUnordered::new();
    let mut left = config.bootstrap.iter();
    let mut attempts = Vec::new();
    loop {
        let next = left.next();
        let has_next = next.is_some();
        dialling.extend(next.map(|address| BrokerConnection::open(address, config)));
        let dialled = match has_next {
            true => timeout(NEXT_DIAL_AFTER, dialling.next()).await,
            false => Ok(dialling.next().await),
        };
        match dialled {
            Ok(Some(Ok(connection))) => return Ok(connection),
            Ok(Some(Err(attempt))) => attempts.push(attempt),
            Ok(None) if !has_next => return Err(Error::BootstrapUnreachable { attempts }),
            Ok(None) | Err(_) => {}
        }
    }
}
