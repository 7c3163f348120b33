//! A node's life: data directories, controller, broker; and back.
//!
//! ```text
//! start   directories locked ─► controller ─► broker registers ─► clients served
//! stop    broker hands over, closes its logs ─► controller ─► directories unlocked
//! ```

use std::sync::Arc;
use std::time::Duration;

use broker::{Broker, BrokerError, BrokerOptions};
use config::server::ServerConfig;
use tracing::{info, warn};
use types::{Clock, SystemClock};

use crate::data::{Directories, Premises};
use crate::failure::{Failure, listen_remedy};
use crate::quorum::Quorum;
use crate::settings;
use crate::signals::StopSignals;

/// Starts the node, runs it until it is asked to stop or cannot go on, and stops it.
pub(crate) async fn run(config: ServerConfig, clock: SystemClock) -> Result<(), Failure> {
    let mut signals = StopSignals::listen()
        .map_err(|error| Failure::Other(format!("cannot listen for signals: {error}")))?;
    tell_about(&config);
    let config = Arc::new(config);
    let clock = Arc::new(clock);
    let mut node = tokio::select! {
        started = Node::start(Arc::clone(&config), Arc::clone(&clock)) => started?,
        name = signals.next() => {
            info!(signal = name, "stopped before it was started");
            return Ok(());
        }
    };
    node.tell_started(&config, clock.monotonic());
    crate::supervisor::tell("READY=1");
    let outcome = tokio::select! {
        name = signals.next() => {
            info!(signal = name, "stopping");
            Ok(())
        }
        failure = node.failed() => Err(failure),
    };
    crate::supervisor::tell("STOPPING=1");
    let asked = clock.monotonic();
    tokio::select! {
        () = node.stop() => {
            info!(took_ms = milliseconds(clock.monotonic() - asked), "stopped");
            outcome
        }
        name = signals.next_deliberate() => {
            warn!(signal = name, "stopping at once, without closing the logs");
            leave_at_once()
        }
    }
}

/// What the operator should know about the configuration, once.
fn tell_about(config: &ServerConfig) {
    for warning in &config.warnings {
        warn!(key = warning.key, "{}", warning.message);
    }
    let idle = settings::without_effect(config);
    if !idle.is_empty() {
        info!(
            keys = idle.join(","),
            "these keys have no effect in this version"
        );
    }
}

/// The operator does not want to wait: nothing acknowledged is lost, the next start checks the logs.
#[expect(clippy::exit, reason = "the operator asked twice")]
fn leave_at_once() -> ! {
    std::process::exit(130)
}

/// A running node. The parts are in the order in which they are stopped.
struct Node {
    broker: Option<Broker>,
    quorum: Quorum,
    directories: Directories,
}

impl Node {
    async fn start(config: Arc<ServerConfig>, clock: Arc<SystemClock>) -> Result<Self, Failure> {
        let premises = Premises::look(&config, Arc::clone(&clock)).await?;
        let (quorum, directories) = match premises.cluster_id().map(str::to_owned) {
            Some(cluster_id) => {
                let directories = premises.open(cluster_id).await?;
                let quorum = Quorum::start(&config, directories.voter()?, Arc::clone(&clock));
                (quorum.await?, directories)
            }
            // The first start of a node among others: the quorum tells it where it belongs.
            None => {
                let quorum = Quorum::start(&config, premises.voter()?, Arc::clone(&clock)).await?;
                let cluster_id = quorum.cluster_id().await?;
                (quorum, premises.open(cluster_id).await?)
            }
        };
        directories.has_quorum_store()?;
        let mut node = Self {
            broker: None,
            quorum,
            directories,
        };
        if !config.roles.broker {
            return Ok(node);
        }
        let options = BrokerOptions {
            config,
            cluster_id: Some(node.directories.cluster_id().to_owned()),
            log_dirs: node.directories.log_dirs(),
            controllers: node.quorum.client(),
            clock,
        };
        match Broker::start(options).await {
            Ok(broker) => {
                node.broker = Some(broker);
                Ok(node)
            }
            Err(error) => {
                node.stop().await;
                Err(broker_failure(error))
            }
        }
    }

    /// Why the node cannot go on; pending as long as it can.
    async fn failed(&mut self) -> Failure {
        let broker = async {
            match &self.broker {
                Some(broker) => broker.failed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            error = broker => broker_failure(error),
            failure = self.quorum.failed() => failure,
        }
    }

    async fn stop(self) {
        if let Some(broker) = self.broker {
            broker.shutdown().await;
        }
        self.quorum.stop().await;
        drop(self.directories);
    }

    fn tell_started(&self, config: &ServerConfig, took: Duration) {
        let broker = self.broker.as_ref().map(Broker::addresses);
        let listeners = broker.unwrap_or_default().iter();
        let listeners = listeners.map(|(name, address)| format!("{name}://{address}"));
        let controller = self.quorum.addresses().iter();
        let controller = controller.map(|(name, address)| format!("{name}://{address}"));
        let advertised = config.listeners.advertised.iter();
        let advertised = advertised.map(|it| format!("{}://{}", it.name, it.endpoint));
        let dirs = config.log_dirs.iter().map(|dir| dir.display().to_string());
        info!(
            version = env!("CARGO_PKG_VERSION"),
            node_id = config.node_id.0,
            roles = roles(config),
            cluster_id = self.directories.cluster_id(),
            listeners = join(listeners.chain(controller)),
            advertised = join(advertised),
            log_dirs = join(dirs),
            took_ms = milliseconds(took),
            "started"
        );
    }
}

fn join(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(",")
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn roles(config: &ServerConfig) -> &'static str {
    match (config.roles.broker, config.roles.controller) {
        (true, true) => "broker,controller",
        (true, false) => "broker",
        _ => "controller",
    }
}

fn broker_failure(error: BrokerError) -> Failure {
    match error {
        BrokerError::Listen { ref source, .. } => {
            Failure::Address(format!("listeners: {error}; {}", listen_remedy(source)))
        }
        BrokerError::Register(_) => Failure::Cluster(error.to_string()),
        BrokerError::NoLogDir => Failure::Data(error.to_string()),
        BrokerError::Metadata(_) | BrokerError::Panicked(_) => Failure::Other(error.to_string()),
    }
}
