//! A broker's life: register, catch up, serve, leave.
//!
//! ```text
//! bind ─► register ─► read metadata up to the registration ─► open logs ─► unfenced ─► accept clients
//!
//! want_shutdown ─► nothing led here ─► finish requests ─► stop tasks ─► close logs, leave the marker
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use net::server::PrefaceHandler;
use rpc::transport::{Routes, TransportConfig, serve};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use crate::api::KafkaService;
use crate::audit::Replicas;
use crate::inter_broker::InterBroker;
use crate::lifecycle::cleaner::Cleaner;
use crate::lifecycle::flusher::Flusher;
use crate::lifecycle::heartbeat::{self, Pulse};
use crate::lifecycle::housekeeping::{self, Housekeeping};
use crate::lifecycle::{listeners, registration};
use crate::observer::{Observer, on_worker};
use crate::replica;
use crate::state::{BrokerOptions, Core};

/// How long a stopping broker waits for its leaderships to be taken over.
const HANDOVER_MAX: Duration = Duration::from_secs(5);
/// How long other brokers and auditors may take to let go of their connections.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// Why a broker cannot start or go on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BrokerError {
    /// A listener cannot be opened.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where it was to listen.
        address: String,
        /// What the system said.
        source: Arc<std::io::Error>,
    },
    /// The controllers do not take the broker in.
    #[error("cannot register with the controllers: {0}")]
    Register(#[source] rpc::Error),
    /// What the controllers sent makes no sense, so that going on would mean acting on a wrong image.
    #[error("cannot follow the metadata log: {0}")]
    Metadata(String),
    /// No log directory is left.
    #[error("all log directories are offline")]
    NoLogDir,
    /// A thread or task that the broker cannot do without has ended in a way nobody foresaw.
    #[error("the {0} has panicked")]
    Panicked(&'static str),
}

/// The first reason why the broker cannot go on.
type Failure = watch::Sender<Option<BrokerError>>;

/// A running broker. Stop it with [`Broker::shutdown`]; dropping it stops it without goodbye.
#[derive(Debug)]
pub struct Broker {
    core: Arc<Core>,
    addresses: Vec<(String, SocketAddr)>,
    pulse: Arc<Pulse>,
    failure: Arc<Failure>,
    servers: JoinSet<()>,
    stop_servers: CancellationToken,
    tasks: JoinSet<()>,
    stop_tasks: CancellationToken,
    housekeeping: Option<Housekeeping>,
    cleaner: Option<Cleaner>,
    flusher: Option<Flusher>,
}

impl Broker {
    /// Opens the listeners, registers with the controllers, loads the logs and serves clients. Returns
    /// once clients are served.
    ///
    /// # Errors
    /// See [`BrokerError`]; nothing keeps running.
    ///
    /// # Cancel safety
    /// Dropping the future stops the broker without goodbye.
    pub async fn start(options: BrokerOptions) -> Result<Self, BrokerError> {
        let config = Arc::clone(&options.config);
        let cluster_id = options.cluster_id.clone();
        let bound = listeners::bind_all(&config).await?;
        let mut broker = Self::new(Core::new(options));
        broker.addresses = bound
            .iter()
            .map(|one| (one.name.clone(), one.address))
            .collect();
        let core = Arc::clone(&broker.core);

        let registration = registration::registration(&config, cluster_id, &core.log_dirs, &bound);
        let patience = config.sessions.initial_broker_registration_timeout;
        let registered = registration::register(&core.controllers, &registration, patience).await;
        let epoch = registered.map_err(BrokerError::Register)?.broker_epoch;
        core.set_broker_epoch(epoch);
        info!(node_id = %core.node_id(), broker_epoch = %epoch, "registered");
        broker.start_heartbeat();

        let mut observer = Observer::new(Arc::clone(&core), Arc::clone(&broker.pulse));
        observer.catch_up(epoch).await?;
        observer.load().await?;
        broker.start_observer(observer);
        broker.start_timers();
        broker.start_housekeeping()?;
        let preface = broker.start_replication();
        broker.pulse.beat_now();
        broker.wait_until_unfenced().await?;

        let service = Arc::new(KafkaService::new(Arc::clone(&core)));
        let stop = &broker.stop_servers;
        broker.servers = listeners::serve_all(bound, &config, &service, &preface, stop);
        info!(addresses = ?broker.addresses, "serving clients");
        Ok(broker)
    }

    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            addresses: Vec::new(),
            pulse: Arc::new(Pulse::new()),
            failure: Arc::new(watch::Sender::new(None)),
            servers: JoinSet::new(),
            stop_servers: CancellationToken::new(),
            tasks: JoinSet::new(),
            stop_tasks: CancellationToken::new(),
            housekeeping: None,
            cleaner: None,
            flusher: None,
        }
    }

    fn start_heartbeat(&mut self) {
        let session = self
            .core
            .controllers
            .session(self.core.node_id(), self.core.broker_epoch());
        let (core, pulse) = (Arc::clone(&self.core), Arc::clone(&self.pulse));
        let stop = self.stop_tasks.clone();
        self.spawn("heartbeat", heartbeat::run(core, pulse, session, stop));
    }

    fn start_observer(&mut self, observer: Observer) {
        self.spawn("metadata observer", observer.run(self.stop_tasks.clone()));
    }

    fn start_timers(&mut self) {
        let (core, stop) = (Arc::clone(&self.core), self.stop_tasks.clone());
        self.spawn("timer", async move {
            core.timers.run(stop).await;
            Ok(())
        });
        let (core, stop) = (Arc::clone(&self.core), self.stop_tasks.clone());
        self.spawn("groups' timer", async move {
            core.groups.run(&core, stop).await;
            Ok(())
        });
    }

    /// Sends to followers, receives from leaders, keeps ISRs. Returns what takes over connections of
    /// other brokers.
    fn start_replication(&mut self) -> Arc<dyn PrefaceHandler> {
        let (core, stop) = (Arc::clone(&self.core), self.stop_tasks.clone());
        let sender = replica::send_to_followers(Arc::clone(&core), stop.clone());
        self.spawn("replication sender", sender);
        let isrs = replica::keep_isrs(Arc::clone(&core), stop.clone());
        self.spawn("isr", isrs);
        let directories = replica::assign_directories(Arc::clone(&core), stop.clone());
        self.spawn("directory assignment", directories);
        let config = TransportConfig::bulk();
        let (service, incoming) = rpc::replication::service(&config);
        let audits = rpc::audit::service(Arc::new(Replicas::new(Arc::clone(&core))));
        let receiver = replica::receive(core, incoming, stop.clone());
        self.spawn("replication receiver", receiver);
        let (preface, connections) = InterBroker::pair();
        self.spawn("inter-broker server", async move {
            let routes = Routes::new(service).add_service(audits);
            let stopped = stop.clone().cancelled_owned();
            let serving = serve(routes, connections, &config, stopped);
            if let Some(Err(error)) = until_stopped(&stop, serving).await {
                warn!(%error, "other brokers are not served any more");
            }
            Ok(())
        });
        preface
    }

    fn start_housekeeping(&mut self) -> Result<(), BrokerError> {
        let failure = Arc::clone(&self.failure);
        let on_failure = move |error| fail(&failure, error);
        let (core, pulse) = (Arc::clone(&self.core), Arc::clone(&self.pulse));
        let started = Housekeeping::start(core, pulse, on_failure);
        let no_thread = |error| BrokerError::Metadata(format!("cannot start a thread: {error}"));
        self.housekeeping = Some(started.map_err(no_thread)?);
        let failure = Arc::clone(&self.failure);
        let on_failure = move |error| fail(&failure, error);
        let started = Cleaner::start(Arc::clone(&self.core), on_failure);
        self.cleaner = Some(started.map_err(no_thread)?);
        let failure = Arc::clone(&self.failure);
        let on_failure = move |error| fail(&failure, error);
        let started = Flusher::start(&self.core, on_failure);
        self.flusher = Some(started.map_err(no_thread)?);
        Ok(())
    }

    /// Runs a task that ends with the broker, or ends the broker: by an error, or by a panic.
    pub(crate) fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), BrokerError>> + Send + 'static,
    ) {
        let failure = Arc::clone(&self.failure);
        self.tasks.spawn(async move {
            let ended = AbortOnDropHandle::new(tokio::spawn(task)).await;
            let ended = ended.unwrap_or_else(|error| match error.is_panic() {
                true => Err(BrokerError::Panicked(name)),
                false => Ok(()),
            });
            if let Err(error) = ended {
                fail(&failure, error);
            }
        });
    }

    /// Clients that come earlier would be told that this broker is not there.
    async fn wait_until_unfenced(&self) -> Result<(), BrokerError> {
        tokio::select! {
            () = self.core.wait_until_unfenced() => Ok(()),
            error = self.failed() => Err(error),
        }
    }

    /// Where each listener is bound, by name: with the real port for one that asked for any.
    #[must_use]
    pub fn addresses(&self) -> &[(String, SocketAddr)] {
        &self.addresses
    }

    /// Resolves when the broker cannot go on; the process should end then.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub async fn failed(&self) -> BrokerError {
        let mut failure = self.failure.subscribe();
        match failure.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(error)) => error.clone(),
            // The sender lives in `self`, so there is always an error.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Hands leadership over, finishes what is in flight, closes the logs cleanly.
    ///
    /// # Cancel safety
    /// Dropping the future stops the broker without goodbye.
    pub async fn shutdown(mut self) {
        self.core.groups.close();
        if self.core.config.sessions.controlled_shutdown_enable {
            self.pulse.want_shutdown();
            if timeout(HANDOVER_MAX, self.pulse.wait_for_shutdown())
                .await
                .is_err()
            {
                warn!("stopping although the controller has not taken everything over");
            }
        }
        self.stop_servers.cancel();
        // Whoever waits for records or acknowledgements is sent away now.
        for partition in self.core.partitions.all() {
            let _followers = partition.retire();
        }
        while self.servers.join_next().await.is_some() {}
        self.stop_tasks.cancel();
        while self.tasks.join_next().await.is_some() {}
        let (core, housekeeping) = (Arc::clone(&self.core), self.housekeeping.take());
        let (cleaner, flusher) = (self.cleaner.take(), self.flusher.take());
        let close = move || close(&core, housekeeping, cleaner, flusher);
        if let Err(error) = on_worker(close).await {
            warn!(%error, "logs are not closed cleanly");
        }
    }
}

/// Runs a server that ends by itself soon after `stop`; `None` if a peer would not let it.
async fn until_stopped<T>(stop: &CancellationToken, serving: impl Future<Output = T>) -> Option<T> {
    let overdue = async {
        stop.cancelled().await;
        sleep(FAREWELL_MAX).await;
    };
    tokio::select! {
        served = serving => Some(served),
        () = overdue => None,
    }
}

/// Ends the threads and closes the logs.
fn close(
    core: &Core,
    housekeeping: Option<Housekeeping>,
    cleaner: Option<Cleaner>,
    flusher: Option<Flusher>,
) {
    if let Some(cleaner) = cleaner {
        cleaner.stop();
    }
    if let Some(housekeeping) = housekeeping {
        housekeeping.stop();
    }
    if let Some(flusher) = flusher {
        flusher.stop();
    }
    core.workers.stop();
    let high_watermark = |partition: &_| housekeeping::high_watermark(core, partition);
    match core.log_dirs.close(core.broker_epoch().0, &high_watermark) {
        Ok(()) => info!("logs are closed"),
        Err(error) => warn!(%error, "logs are not closed cleanly"),
    }
}

fn fail(failure: &Failure, error: BrokerError) {
    failure.send_if_modified(|first| {
        let is_first = first.is_none();
        if is_first {
            *first = Some(error);
        }
        is_first
    });
}
