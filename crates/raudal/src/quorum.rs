//! The controllers: this node's own, if it is one, and the way to all of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use config::server::{self, Listener, ServerConfig};
use controller::{Controller, ControllerOptions, MissingStore};
use metadata::{MetadataImage, replay};
use rpc::client::{ClientConfig, ControllerEndpoint};
use rpc::transport::{Connector, in_process};
use rpc::{ControllerClient, TailEvent};
use tokio::net::TcpListener;
use types::{NodeId, SystemClock};

use crate::apart::Apart;
use crate::data::VoterStart;
use crate::failure::{Failure, listen_remedy};

/// How often a node that waits for its quorum says so.
const WAIT_NOTICE: Duration = Duration::from_secs(10);

/// The running controller of this node, if it has the role, and a client of the active one.
pub(crate) struct Quorum {
    controller: Option<Controller>,
    client: ControllerClient,
    addresses: Vec<(String, SocketAddr)>,
    /// Where the controller runs, if it has others to talk to. Dropped last.
    _apart: Option<Apart>,
}

impl Quorum {
    /// Binds the controller's listeners and starts it. Its store is durable on return.
    pub(crate) async fn start(
        config: &Arc<ServerConfig>,
        voter: VoterStart,
        clock: Arc<SystemClock>,
    ) -> Result<Self, Failure> {
        if !config.roles.controller {
            return Ok(Self {
                controller: None,
                client: client(config, None),
                addresses: Vec::new(),
                _apart: None,
            });
        }
        let apart = match config.is_sole_voter() {
            true => None,
            false => Some(Apart::start()?),
        };
        let (connector, incoming) = in_process();
        let missing_store = match voter.may_lack_store {
            true => MissingStore::Format,
            false => MissingStore::Refuse,
        };
        let options = ControllerOptions {
            config: Arc::clone(config),
            cluster_id: voter.cluster_id,
            directory_id: voter.directory_id,
            initial_voters: voter.initial_voters,
            in_process: incoming,
            listeners: Vec::new(),
            clock,
            missing_store,
        };
        let starting = start_controller(options);
        let (controller, addresses) = match &apart {
            Some(apart) => apart.run(starting).await?,
            None => starting.await?,
        };
        Ok(Self {
            controller: Some(controller),
            client: client(config, Some(connector)),
            addresses,
            _apart: apart,
        })
    }

    /// The cluster's id, once the quorum has one. Waits as long as it takes.
    pub(crate) async fn cluster_id(&self) -> Result<String, Failure> {
        let learning = async {
            let mut tail = self.client.tail(0, NodeId::NONE);
            let mut image = MetadataImage::empty();
            loop {
                let replayed = match tail.next().await? {
                    TailEvent::Snapshot { offset, records } => {
                        replay(&MetadataImage::empty(), offset, &records)
                    }
                    TailEvent::Entry { offset, records } => replay(&image, offset, &records),
                    TailEvent::HighWatermark(_) => continue,
                };
                image = replayed
                    .map_err(|error| rpc::Error::Malformed(error.to_string()))?
                    .0;
                if let Some(id) = image.cluster_id() {
                    return Ok::<_, rpc::Error>(id.to_owned());
                }
            }
        };
        let mut learning = std::pin::pin!(learning);
        loop {
            tokio::select! {
                learned = &mut learning => {
                    return learned.map_err(|error| Failure::Cluster(error.to_string()));
                }
                failure = self.failed() => return Err(failure),
                () = tokio::time::sleep(WAIT_NOTICE) => {
                    tracing::warn!("no quorum yet; waiting for the controllers to learn the cluster's id");
                }
            }
        }
    }

    /// The way to the active controller.
    pub(crate) fn client(&self) -> ControllerClient {
        self.client.clone()
    }

    /// Where the controller's listeners are bound, by name.
    pub(crate) fn addresses(&self) -> &[(String, SocketAddr)] {
        &self.addresses
    }

    /// Why the controller cannot go on; pending as long as it can.
    pub(crate) async fn failed(&self) -> Failure {
        match &self.controller {
            Some(controller) => failure(controller.failed().await),
            None => std::future::pending().await,
        }
    }

    /// Stops the controller.
    pub(crate) async fn stop(self) {
        if let Some(controller) = self.controller {
            controller.shutdown().await;
        }
    }
}

type Addresses = Vec<(String, SocketAddr)>;

/// Binds the controller's listeners and starts it.
async fn start_controller(
    mut options: ControllerOptions,
) -> Result<(Controller, Addresses), Failure> {
    let config = Arc::clone(&options.config);
    let mut addresses = Vec::new();
    for listener in &config.listeners.controller {
        let bound = bind(listener).await?;
        if let Ok(address) = bound.local_addr() {
            addresses.push((listener.name.clone(), address));
        }
        options.listeners.push(bound);
    }
    let controller = Controller::start(options).await.map_err(failure)?;
    Ok((controller, addresses))
}

async fn bind(listener: &Listener) -> Result<TcpListener, Failure> {
    let host = if listener.bind.is_wildcard() {
        "::".to_owned()
    } else {
        listener.bind.host.clone()
    };
    let bound = TcpListener::bind((host.as_str(), listener.bind.port)).await;
    bound.map_err(|error| {
        Failure::Address(format!(
            "listeners: cannot listen on {}://{}: {error}; {}",
            listener.name,
            listener.bind,
            listen_remedy(&error)
        ))
    })
}

/// A client that knows this node's own controller by its pipe and the others by their addresses.
fn client(config: &ServerConfig, own: Option<Connector>) -> ControllerClient {
    let mut endpoints: Vec<ControllerEndpoint> = Vec::new();
    endpoints.extend(own.map(|connector| ControllerEndpoint {
        node_id: Some(config.node_id),
        connector,
    }));
    match &config.quorum {
        server::Quorum::Embedded => {}
        server::Quorum::Voters(voters) => {
            let others = voters
                .iter()
                .filter(|voter| voter.node_id != config.node_id);
            endpoints.extend(others.map(|voter| ControllerEndpoint {
                node_id: Some(voter.node_id),
                connector: Connector::tcp(voter.endpoint.to_string()),
            }));
        }
        server::Quorum::Bootstrap(_) if config.is_sole_voter() => {}
        server::Quorum::Bootstrap(servers) => {
            endpoints.extend(servers.iter().map(|server| ControllerEndpoint {
                node_id: None,
                connector: Connector::tcp(server.to_string()),
            }));
        }
    }
    ControllerClient::new(endpoints, ClientConfig::default())
}

fn failure(error: controller::Error) -> Failure {
    match error.exit_code() {
        5 => Failure::Data(error.to_string()),
        6 => Failure::Cluster(error.to_string()),
        7 => Failure::ReplacedDisk(error.to_string()),
        _ => Failure::Other(error.to_string()),
    }
}
