//! How the broker introduces itself to the controllers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use config::server::{AdvertisedListener, ServerConfig};
use metadata::feature::FEATURES;
use metadata::v1;
use metadata::{Listener, SecurityProtocol, SupportedLevels};
use rpc::client::{ControllerClient, Registered, Registration};
use storage::{LogDirs, Restart};
use tokio::time::{Instant, sleep};
use tracing::info;
use types::{BrokerEpoch, ErrorCode, Uuid};

use super::listeners::Bound;

/// Before a controller that still has a session of this broker's is asked again.
const TAKEN_PAUSE: Duration = Duration::from_millis(500);

/// The registration of this start of the process.
pub(crate) fn registration(
    config: &ServerConfig,
    cluster_id: Option<String>,
    log_dirs: &LogDirs,
    bound: &[Bound],
) -> Registration {
    let (restart, previous_broker_epoch) = match log_dirs.restart() {
        Restart::Clean { broker_epoch } => (v1::Restart::Clean, BrokerEpoch(broker_epoch)),
        Restart::ProcessCrash => (v1::Restart::ProcessCrash, BrokerEpoch::NONE),
        Restart::MachineCrash => (v1::Restart::Lossy, BrokerEpoch::NONE),
    };
    let online = log_dirs
        .status()
        .into_iter()
        .filter(|dir| dir.offline.is_none());
    Registration {
        broker_id: config.node_id,
        incarnation_id: random_uuid(),
        cluster_id,
        listeners: listeners(config, bound),
        rack: config.rack.clone(),
        features: FEATURES
            .iter()
            .map(|feature| {
                let levels = SupportedLevels {
                    min: feature.min_level,
                    max: feature.max_level,
                };
                (Arc::from(feature.name), levels)
            })
            .collect(),
        log_dirs: online.map(|dir| dir.directory_id).collect(),
        previous_broker_epoch,
        restart,
    }
}

/// Registers. While the session of this broker's former process lives, the controller refuses, as it
/// must: it may not be able to tell that the process is dead. It is asked again, as Kafka's broker
/// does, until `patience` is over.
///
/// # Errors
/// Refusals and failures of the last try.
pub(crate) async fn register(
    controllers: &ControllerClient,
    registration: &Registration,
    patience: Duration,
) -> Result<Registered, rpc::Error> {
    let deadline = Instant::now() + patience;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = controllers.register(registration, left).await;
        let is_taken =
            |error: &rpc::Error| error.code() == Some(ErrorCode::DuplicateBrokerRegistration);
        if !answer.as_ref().is_err_and(is_taken) || Instant::now() + TAKEN_PAUSE >= deadline {
            return answer;
        }
        info!("a former process of this broker still has its session; asking again");
        sleep(TAKEN_PAUSE).await;
    }
}

/// What clients are told, with the real ports of listeners that asked for any.
fn listeners(config: &ServerConfig, bound: &[Bound]) -> Vec<Listener> {
    let advertised = config.listeners.advertised.iter();
    advertised
        .map(|listener| advertised_listener(listener, bound))
        .collect()
}

fn advertised_listener(listener: &AdvertisedListener, bound: &[Bound]) -> Listener {
    let actual = bound.iter().find(|one| one.name == listener.name);
    let port = match (listener.endpoint.port, actual) {
        (0, Some(Bound { address, .. })) => SocketAddr::port(address),
        (port, _) => port,
    };
    let protocol = u32::try_from(listener.protocol.to_wire()).ok();
    Listener {
        name: listener.name.as_str().into(),
        host: listener.endpoint.host.as_str().into(),
        port,
        security_protocol: protocol
            .and_then(SecurityProtocol::from_wire)
            .unwrap_or_default(),
    }
}

fn random_uuid() -> Uuid {
    loop {
        if let Some(id) = Uuid::from_random(rand::random()) {
            return id;
        }
    }
}
