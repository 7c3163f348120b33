//! The controllers known, and which of them is believed to be active.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;
use tonic::transport::Channel;
use types::NodeId;

use super::config::{ClientConfig, ControllerEndpoint};
use crate::proto::control::v1::control_client::ControlClient;
use crate::status::LeaderHint;
use crate::transport::Connector;

pub(super) type Stub = ControlClient<Channel>;

/// Hints can add controllers, but not without end.
const PEERS_MAX: usize = 64;

/// Kinds of traffic with a connection each, so that a large request or a snapshot never stands in
/// front of a heartbeat.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lane {
    Session,
    Requests,
    Tail,
}

/// Shared by all clones of a client. The lock guards a short list and is never held across a wait.
#[derive(Debug)]
pub(super) struct Pool {
    config: ClientConfig,
    peers: RwLock<Vec<Arc<Peer>>>,
    /// Index into `peers`. Relaxed: a stale value costs one refused request.
    active: AtomicUsize,
}

#[derive(Debug)]
pub(super) struct Peer {
    index: usize,
    node_id: Option<NodeId>,
    connector: Connector,
    lanes: [OnceLock<Channel>; 3],
}

impl Pool {
    pub(super) fn new(endpoints: Vec<ControllerEndpoint>, config: ClientConfig) -> Self {
        let peers = endpoints.into_iter().enumerate();
        let peers = peers.map(|(index, e)| Arc::new(Peer::new(index, e.node_id, e.connector)));
        Self {
            config,
            peers: RwLock::new(peers.collect()),
            active: AtomicUsize::new(0),
        }
    }

    pub(super) const fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// The controller believed to be active.
    pub(super) fn active(&self) -> Arc<Peer> {
        let peers = self.peers.read();
        let index = self.active.load(Ordering::Relaxed) % peers.len();
        Arc::clone(&peers[index])
    }

    pub(super) fn count(&self) -> usize {
        self.peers.read().len()
    }

    /// `failed` is not the active controller; ask the one after it, unless somebody else has moved
    /// on already.
    pub(super) fn leave(&self, failed: &Peer) {
        let next = (failed.index + 1) % self.count();
        self.move_from(failed, next);
    }

    /// `refused` named another controller. Says whether that is news.
    pub(super) fn follow(&self, refused: &Peer, hint: &LeaderHint) -> bool {
        let Some(index) = self.find_or_add(hint) else {
            return false;
        };
        if index == refused.index {
            return false;
        }
        self.move_from(refused, index);
        true
    }

    fn move_from(&self, from: &Peer, to: usize) {
        // A failed exchange means that another task has moved on, which is as good.
        let _moved =
            self.active
                .compare_exchange(from.index, to, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn find_or_add(&self, hint: &LeaderHint) -> Option<usize> {
        let mut peers = self.peers.write();
        let known = peers.iter().position(|p| p.is(hint));
        if known.is_some() || hint.address.is_empty() || peers.len() >= PEERS_MAX {
            return known;
        }
        let index = peers.len();
        let connector = Connector::tcp(hint.address.clone());
        peers.push(Arc::new(Peer::new(index, Some(hint.node_id), connector)));
        Some(index)
    }
}

impl Peer {
    fn new(index: usize, node_id: Option<NodeId>, connector: Connector) -> Self {
        Self {
            index,
            node_id,
            connector,
            lanes: Default::default(),
        }
    }

    fn is(&self, hint: &LeaderHint) -> bool {
        self.node_id == Some(hint.node_id)
            || self.connector.address().is_some_and(|a| a == hint.address)
    }

    pub(super) fn stub(&self, lane: Lane, config: &ClientConfig) -> Stub {
        let channel = self.lanes[lane as usize]
            .get_or_init(|| self.connector.channel(&config.transport))
            .clone();
        ControlClient::new(channel)
            .max_decoding_message_size(config.transport.message_bytes_max)
            .max_encoding_message_size(config.transport.message_bytes_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(ids: &[i32]) -> Pool {
        let endpoints = ids.iter().map(|id| ControllerEndpoint {
            node_id: Some(NodeId(*id)),
            connector: Connector::tcp(format!("c{id}:9093")),
        });
        Pool::new(endpoints.collect(), ClientConfig::default())
    }

    fn hint(id: i32, address: &str) -> LeaderHint {
        LeaderHint {
            node_id: NodeId(id),
            address: address.to_owned(),
        }
    }

    #[test]
    fn failures_go_round_the_known_controllers() {
        let pool = pool(&[1, 2]);
        let first = pool.active();
        pool.leave(&first);
        assert_eq!(pool.active().node_id, Some(NodeId(2)));
        // The second caller that failed on the first controller does not skip the next one.
        pool.leave(&first);
        assert_eq!(pool.active().node_id, Some(NodeId(2)));
        pool.leave(&pool.active());
        assert_eq!(pool.active().node_id, Some(NodeId(1)));
    }

    #[test]
    fn a_hint_leads_to_known_and_unknown_controllers() {
        let pool = pool(&[1, 2, 3]);
        assert!(pool.follow(&pool.active(), &hint(3, "")));
        assert_eq!(pool.active().node_id, Some(NodeId(3)));
        assert!(pool.follow(&pool.active(), &hint(9, "c9:9093")));
        assert_eq!(pool.active().connector.address(), Some("c9:9093"));
        assert_eq!(pool.count(), 4);
    }

    #[test]
    fn a_hint_that_names_nobody_new_is_no_progress() {
        let pool = pool(&[1]);
        assert!(!pool.follow(&pool.active(), &hint(1, "c1:9093")));
        assert!(!pool.follow(&pool.active(), &hint(7, "")));
    }
}
