//! The controllers: this node's own, if it is one, and the way to all of them.

use std::net::SocketAddr;
use std::sync::Arc;

use config::server::{self, Listener, ServerConfig};
use controller::{Controller, ControllerOptions, MissingStore};
use rpc::ControllerClient;
use rpc::client::{ClientConfig, ControllerEndpoint};
use rpc::transport::{Connector, in_process};
use tokio::net::TcpListener;
use types::SystemClock;

use crate::data::Directories;
use crate::failure::{Failure, listen_remedy};

/// The running controller of this node, if it has the role, and a client of the active one.
pub(crate) struct Quorum {
    controller: Option<Controller>,
    client: ControllerClient,
    addresses: Vec<(String, SocketAddr)>,
}

impl Quorum {
    /// Binds the controller's listeners and starts it. Its store is durable on return.
    pub(crate) async fn start(
        config: &Arc<ServerConfig>,
        directories: &Directories,
        clock: Arc<SystemClock>,
    ) -> Result<Self, Failure> {
        if !config.roles.controller {
            return Ok(Self {
                controller: None,
                client: client(config, None),
                addresses: Vec::new(),
            });
        }
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for listener in &config.listeners.controller {
            let bound = bind(listener).await?;
            if let Ok(address) = bound.local_addr() {
                addresses.push((listener.name.clone(), address));
            }
            listeners.push(bound);
        }
        let (connector, incoming) = in_process();
        let missing_store = if directories.may_lack_quorum_store()? {
            MissingStore::Format
        } else {
            MissingStore::Refuse
        };
        let options = ControllerOptions {
            config: Arc::clone(config),
            cluster_id: Some(directories.cluster_id().to_owned()),
            directory_id: directories.metadata_directory_id(),
            in_process: incoming,
            listeners,
            clock,
            missing_store,
        };
        let controller = Controller::start(options).await.map_err(failure)?;
        directories.has_quorum_store()?;
        Ok(Self {
            controller: Some(controller),
            client: client(config, Some(connector)),
            addresses,
        })
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
            Some(controller) => Failure::Other(controller.failed().await),
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
        _ => Failure::Other(error.to_string()),
    }
}
