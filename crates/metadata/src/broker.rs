//! A broker as the cluster knows it.

use std::collections::BTreeMap;
use std::sync::Arc;

use types::{BrokerEpoch, DirectoryId, NodeId, Uuid};

/// How a listener is secured, under Kafka's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecurityProtocol {
    /// Neither encrypted nor authenticated.
    #[default]
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL without encryption.
    SaslPlaintext,
    /// SASL over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// Kafka's number.
    #[must_use]
    pub const fn to_wire(self) -> u32 {
        match self {
            Self::Plaintext => 0,
            Self::Ssl => 1,
            Self::SaslPlaintext => 2,
            Self::SaslSsl => 3,
        }
    }

    /// The protocol of Kafka's number, `None` for any other.
    #[must_use]
    pub const fn from_wire(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Plaintext),
            1 => Some(Self::Ssl),
            2 => Some(Self::SaslPlaintext),
            3 => Some(Self::SaslSsl),
            _ => None,
        }
    }
}

/// Where clients reach a broker under one listener name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Listener {
    /// The listener's name, such as `PLAINTEXT` or `INTERNAL`.
    pub name: Arc<str>,
    /// The advertised host.
    pub host: Arc<str>,
    /// The advertised port.
    pub port: u16,
    /// How it is secured.
    pub security_protocol: SecurityProtocol,
}

/// The levels of a feature that a node can serve, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SupportedLevels {
    /// The lowest level.
    pub min: i16,
    /// The highest level.
    pub max: i16,
}

/// A broker's registration: one process of one broker, until it registers again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerRegistration {
    /// The broker's node id.
    pub id: NodeId,
    /// The process that registered.
    pub incarnation: Uuid,
    /// The metadata offset of the registration. Grows with every new incarnation, never otherwise.
    pub epoch: BrokerEpoch,
    /// Where clients reach it.
    pub listeners: Vec<Listener>,
    /// Its rack or zone.
    pub rack: Option<Arc<str>>,
    /// What it can serve.
    pub features: BTreeMap<Arc<str>, SupportedLevels>,
    /// Its log directories that are online.
    pub log_dirs: Vec<DirectoryId>,
    /// Out of service: leads nothing, is in no ISR that has another member, is not shown to clients.
    pub fenced: bool,
    /// About to stop: serves what it has, but may lead nothing more.
    pub in_controlled_shutdown: bool,
}

impl BrokerRegistration {
    /// Whether it may lead partitions and be added to an ISR.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }

    /// Whether a replica in that log directory is in service, as far as its disk goes. One that is not
    /// known yet is believed to be.
    #[must_use]
    pub fn has_online(&self, directory: DirectoryId) -> bool {
        directory == DirectoryId::ZERO || self.log_dirs.contains(&directory)
    }

    /// The listener of that name. Names are compared without regard to case, as Kafka does.
    #[must_use]
    pub fn listener(&self, name: &str) -> Option<&Listener> {
        self.listeners
            .iter()
            .find(|listener| listener.name.eq_ignore_ascii_case(name))
    }
}
