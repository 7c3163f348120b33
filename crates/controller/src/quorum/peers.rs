//! The ways to the other nodes of the quorum.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use rpc::proto::quorum::v1 as wire;
use rpc::proto::quorum::v1::quorum_client::QuorumClient;
use rpc::transport::{Connector, TransportConfig};
use tonic::transport::Channel;
use types::{DirectoryId, NodeId};

use super::config::QuorumConfig;
use super::published::KnownClusterId;
use super::raft_types::{VoterNode, node_id};

/// Ways remembered at most. More only means dialling anew.
const WAYS_MAX: usize = 64;

/// What goes between two nodes, each kind on a connection of its own, so that a snapshot never stands
/// in front of an entry, nor an entry in front of a sign of life.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lane {
    /// Votes and entries.
    Log,
    /// Signs of life, and questions that no disk takes part in.
    Signs,
    /// Snapshots.
    Snapshots,
}

/// Cheap to clone; all clones share their connections. The lock guards a small map and is never held
/// across a wait.
#[derive(Debug, Clone)]
pub(crate) struct Peers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    own_id: NodeId,
    cluster_id: KnownClusterId,
    /// Ways to the voters that the configuration names. Others are dialled by the address that the
    /// membership holds.
    connectors: BTreeMap<NodeId, Connector>,
    transport: TransportConfig,
    ways: Mutex<BTreeMap<u64, Way>>,
}

#[derive(Debug)]
struct Way {
    address: String,
    lanes: [Channel; 3],
}

impl Peers {
    pub(crate) fn new(config: &QuorumConfig, cluster_id: KnownClusterId) -> Self {
        let connectors = config
            .voters
            .iter()
            .map(|voter| (voter.node_id, voter.connector.clone()));
        Self(Arc::new(Inner {
            own_id: config.identity.node_id,
            cluster_id,
            connectors: connectors.collect(),
            transport: config.transport.clone(),
            ways: Mutex::default(),
        }))
    }

    /// The client of one node. Dials when it is first used, and again after each break.
    pub(crate) fn client(&self, id: u64, address: &str, lane: Lane) -> QuorumClient<Channel> {
        let size = self.0.transport.message_bytes_max;
        QuorumClient::new(self.channel(id, address, lane))
            .max_decoding_message_size(size)
            .max_encoding_message_size(size)
    }

    /// A client of whoever answers at the address.
    pub(crate) fn stranger(&self, connector: &Connector) -> QuorumClient<Channel> {
        QuorumClient::new(connector.channel(&self.0.transport))
    }

    /// The way to one node, for a look whether somebody listens there.
    pub(crate) fn connector(&self, id: u64, address: &str) -> Connector {
        let named = self.0.connectors.get(&node_id(id));
        let named = named.filter(|c| c.address().is_none_or(|known| known == address));
        named
            .cloned()
            .unwrap_or_else(|| Connector::tcp(address.to_owned()))
    }

    /// Who speaks to whom.
    pub(crate) fn envelope(&self, to: u64, directory_id: DirectoryId) -> wire::Envelope {
        wire::Envelope {
            cluster_id: self.0.cluster_id.get().unwrap_or_default(),
            from_node_id: self.0.own_id.0,
            to_node_id: node_id(to).0,
            to_directory_id: directory_id_to_wire(directory_id),
        }
    }

    /// As [`Peers::envelope`], to a member.
    pub(crate) fn envelope_for(&self, to: u64, node: &VoterNode) -> wire::Envelope {
        self.envelope(to, node.directory_id)
    }

    fn channel(&self, id: u64, address: &str, lane: Lane) -> Channel {
        let mut ways = self.0.ways.lock();
        if ways.get(&id).is_none_or(|way| way.address != address) {
            if ways.len() >= WAYS_MAX {
                ways.clear();
            }
            let connector = self.connector(id, address);
            let channel = || connector.channel(&self.0.transport);
            let way = Way {
                address: address.to_owned(),
                lanes: [channel(), channel(), channel()],
            };
            ways.insert(id, way);
        }
        let lanes = &ways.get(&id).expect("it is there now").lanes;
        match lane {
            Lane::Log => lanes[0].clone(),
            Lane::Signs => lanes[1].clone(),
            Lane::Snapshots => lanes[2].clone(),
        }
    }
}

/// Empty for "unknown".
pub(crate) fn directory_id_to_wire(directory_id: DirectoryId) -> Bytes {
    match directory_id == DirectoryId::ZERO {
        true => Bytes::new(),
        false => Bytes::copy_from_slice(directory_id.0.as_bytes()),
    }
}
