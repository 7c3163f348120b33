//! Where a node listens, and what it tells others.

use std::fmt;

use super::addresses::Endpoint;

/// How a listener talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecurityProtocol {
    /// Neither encrypted nor authenticated.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL without TLS.
    SaslPlaintext,
    /// SASL over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// Reads Kafka's name, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let all = [
            Self::Plaintext,
            Self::Ssl,
            Self::SaslPlaintext,
            Self::SaslSsl,
        ];
        all.into_iter()
            .find(|protocol| protocol.name().eq_ignore_ascii_case(text))
    }

    /// Kafka's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    /// Kafka's number, as broker registrations carry it.
    #[must_use]
    pub const fn to_wire(self) -> i16 {
        match self {
            Self::Plaintext => 0,
            Self::Ssl => 1,
            Self::SaslPlaintext => 2,
            Self::SaslSsl => 3,
        }
    }
}

impl fmt::Display for SecurityProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A place where the node accepts connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The name, in upper case.
    pub name: String,
    /// How it talks.
    pub protocol: SecurityProtocol,
    /// Where to bind. An empty host stands for every address.
    pub bind: Endpoint,
}

/// What the node tells others about one of its listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvertisedListener {
    /// The name, in upper case.
    pub name: String,
    /// How it talks.
    pub protocol: SecurityProtocol,
    /// Where to connect. The port is 0 if the listener was given port 0 and no advertised address:
    /// whoever binds puts in the real one.
    pub endpoint: Endpoint,
}

/// All listeners of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listeners {
    /// Those for clients and other brokers. Empty unless the node is a broker.
    pub broker: Vec<Listener>,
    /// Those for other nodes' controllers and brokers. Empty if the quorum is embedded, or the node
    /// is not a controller.
    pub controller: Vec<Listener>,
    /// What clients and other brokers are told. Empty unless the node is a broker.
    pub advertised: Vec<AdvertisedListener>,
    /// What other nodes are told about the controller listeners.
    pub advertised_controller: Vec<AdvertisedListener>,
    /// The listener other brokers use, by name.
    pub inter_broker_name: String,
}
