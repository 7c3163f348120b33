//! Dynamic configs: what was set on a topic, a broker, a group, beyond the server's own file.

use std::fmt;
use std::sync::Arc;

use imbl::OrdMap;

use crate::v1;

/// What a config belongs to, under Kafka's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// A topic, by name.
    Topic,
    /// A broker, by id; the empty name stands for all brokers.
    Broker,
    /// A subscription to client metrics (KIP-714).
    ClientMetrics,
    /// A group, by id.
    Group,
}

impl ResourceKind {
    /// Kafka's number.
    #[must_use]
    pub const fn to_wire(self) -> i8 {
        match self {
            Self::Topic => 2,
            Self::Broker => 4,
            Self::ClientMetrics => 16,
            Self::Group => 32,
        }
    }

    /// The kind of Kafka's number, `None` for those that are not stored in the metadata.
    #[must_use]
    pub const fn from_wire(number: i8) -> Option<Self> {
        match number {
            2 => Some(Self::Topic),
            4 => Some(Self::Broker),
            16 => Some(Self::ClientMetrics),
            32 => Some(Self::Group),
            _ => None,
        }
    }

    pub(crate) const fn to_record(self) -> v1::ResourceType {
        match self {
            Self::Topic => v1::ResourceType::Topic,
            Self::Broker => v1::ResourceType::Broker,
            Self::ClientMetrics => v1::ResourceType::ClientMetrics,
            Self::Group => v1::ResourceType::Group,
        }
    }

    pub(crate) const fn from_record(kind: v1::ResourceType) -> Option<Self> {
        match kind {
            v1::ResourceType::Unspecified => None,
            v1::ResourceType::Topic => Some(Self::Topic),
            v1::ResourceType::Broker => Some(Self::Broker),
            v1::ResourceType::ClientMetrics => Some(Self::ClientMetrics),
            v1::ResourceType::Group => Some(Self::Group),
        }
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Topic => "topic",
            Self::Broker => "broker",
            Self::ClientMetrics => "client-metrics",
            Self::Group => "group",
        })
    }
}

/// The owner of a set of configs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigResource {
    /// What it is.
    pub kind: ResourceKind,
    /// Its name; empty for the defaults of all brokers.
    pub name: Arc<str>,
}

impl ConfigResource {
    /// Puts the two together.
    pub fn new(kind: ResourceKind, name: impl Into<Arc<str>>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }

    /// A topic.
    pub fn topic(name: impl Into<Arc<str>>) -> Self {
        Self::new(ResourceKind::Topic, name)
    }

    /// One broker.
    #[must_use]
    pub fn broker(id: types::NodeId) -> Self {
        Self::new(ResourceKind::Broker, id.to_string())
    }

    /// The defaults of all brokers.
    #[must_use]
    pub fn broker_defaults() -> Self {
        Self::new(ResourceKind::Broker, "")
    }
}

impl fmt::Display for ConfigResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == ResourceKind::Broker && self.name.is_empty() {
            return f.write_str("broker defaults");
        }
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// The configs set on one resource, in the order of their keys. Cheap to clone; never holds defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configs(OrdMap<Arc<str>, Arc<str>>);

impl Configs {
    /// The value set for a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|value| &**value)
    }

    /// All keys with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>)> {
        self.0.iter()
    }

    /// How many keys are set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a key, or with `None` unsets it.
    pub fn set(&mut self, key: Arc<str>, value: Option<Arc<str>>) {
        match value {
            Some(value) => self.0.insert(key, value),
            None => self.0.remove(&key),
        };
    }
}
