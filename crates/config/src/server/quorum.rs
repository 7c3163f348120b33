//! Who votes on the cluster's metadata.

use types::NodeId;

use super::addresses::Endpoint;
use super::problem::Problem;
use super::read::Reader;
use crate::value::items;

/// Who votes on the cluster's metadata, as far as the configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quorum {
    /// This node alone, reached inside the process.
    Embedded,
    /// These nodes: `controller.quorum.voters`.
    Voters(Vec<Voter>),
    /// Whoever these controllers name: `controller.quorum.bootstrap.servers`.
    Bootstrap(Vec<Endpoint>),
}

/// A voter of a quorum written down in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    /// Its `node.id`.
    pub node_id: NodeId,
    /// Its controller listener.
    pub endpoint: Endpoint,
}

pub(super) const VOTERS: &str = "controller.quorum.voters";
pub(super) const BOOTSTRAP: &str = "controller.quorum.bootstrap.servers";

impl Quorum {
    pub(super) fn read(reader: &Reader<'_>) -> Result<Self, Problem> {
        let text = |name| reader.text(name).filter(|text| !text.is_empty());
        if let Some(voters) = text(VOTERS) {
            return read_voters(voters).map(Self::Voters);
        }
        if let Some(servers) = text(BOOTSTRAP) {
            return read_servers(servers).map(Self::Bootstrap);
        }
        Ok(Self::Embedded)
    }
}

impl super::ServerConfig {
    /// Whether this node is the only voter, as far as the configuration says: an embedded quorum, or
    /// one whose only member is this node.
    #[must_use]
    pub fn is_sole_voter(&self) -> bool {
        self.roles.controller
            && match &self.quorum {
                Quorum::Embedded => true,
                Quorum::Voters(voters) => {
                    matches!(&voters[..], [only] if only.node_id == self.node_id)
                }
                Quorum::Bootstrap(servers) => {
                    matches!(&servers[..], [only] if self.is_own_controller(only))
                }
            }
    }

    /// Whether the address is one of this node's own controller listeners. Names are compared, not
    /// resolved; a loopback address with the right port can only be this node's.
    fn is_own_controller(&self, server: &Endpoint) -> bool {
        let told = &self.listeners.advertised_controller;
        let is_told = told.iter().any(|listener| listener.endpoint == *server);
        let bound = self
            .listeners
            .controller
            .iter()
            .map(|listener| &listener.bind);
        let is_bound = bound
            .filter(|bind| bind.port == server.port)
            .any(|bind| bind.host == server.host || server.is_loopback());
        is_told || is_bound
    }
}

fn read_voters(text: &str) -> Result<Vec<Voter>, Problem> {
    let wrong = |item: &str, reason: &str| {
        let remedy = "write it as id@host:port,id@host:port";
        Problem::new(VOTERS, Some(text), format!("{item:?} {reason}"), remedy)
    };
    let mut voters: Vec<Voter> = Vec::new();
    for item in items(text) {
        let voter = read_voter(item).ok_or_else(|| wrong(item, "is not id@host:port"))?;
        if voters.iter().any(|other| other.node_id == voter.node_id) {
            return Err(wrong(item, "repeats a node id"));
        }
        voters.push(voter);
    }
    Ok(voters)
}

fn read_voter(item: &str) -> Option<Voter> {
    let (id, endpoint) = item.split_once('@')?;
    let id: i32 = id.parse().ok()?;
    let endpoint = Endpoint::parse(endpoint)?;
    (id >= 0 && !endpoint.host.is_empty()).then_some(Voter {
        node_id: NodeId(id),
        endpoint,
    })
}

fn read_servers(text: &str) -> Result<Vec<Endpoint>, Problem> {
    let wrong = |item: &str| {
        let reason = format!("{item:?} is not host:port");
        let remedy = "write it as host:port,host:port";
        Problem::new(BOOTSTRAP, Some(text), reason, remedy)
    };
    let read = |item| {
        let endpoint = Endpoint::parse(item).filter(|endpoint| !endpoint.host.is_empty());
        endpoint.ok_or_else(|| wrong(item))
    };
    items(text).map(read).collect()
}
