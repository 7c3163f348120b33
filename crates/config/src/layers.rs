//! Where the effective value of a key comes from.

use crate::key::{Key, Scope};
use crate::table;
use crate::value::Value;

/// Values by key name, wherever they are kept.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

/// The places a value may stand in, nearest first. The default comes last and needs no place.
#[derive(Clone, Copy, Default)]
pub struct Layers<'a> {
    /// Overrides of the topic or group itself.
    pub resource: Option<Lookup<'a>>,
    /// Dynamic configs of this broker.
    pub broker: Option<Lookup<'a>>,
    /// Dynamic configs of all brokers.
    pub cluster: Option<Lookup<'a>>,
    /// This node's `server.properties`, overrides and environment.
    pub file: Option<Lookup<'a>>,
}

impl std::fmt::Debug for Layers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layers")
            .field("resource", &self.resource.is_some())
            .field("broker", &self.broker.is_some())
            .field("cluster", &self.cluster.is_some())
            .field("file", &self.file.is_some())
            .finish()
    }
}

/// Where a value stands. The discriminant is the code of a `DescribeConfigs` response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i8)]
pub enum Source {
    /// Set on the topic.
    Topic = 1,
    /// Set on the broker at run time.
    Broker = 2,
    /// Set on all brokers at run time.
    Cluster = 3,
    /// In the broker's file.
    File = 4,
    /// Not set at all.
    Default = 5,
    /// A broker's log level.
    BrokerLogger = 6,
    /// Set on the client metrics subscription.
    ClientMetrics = 7,
    /// Set on the group.
    Group = 8,
}

impl Source {
    /// The code of a `DescribeConfigs` response.
    #[must_use]
    pub const fn to_wire(self) -> i8 {
        self as i8
    }

    /// The source of overrides on a resource of that scope.
    #[must_use]
    pub const fn of(scope: Scope) -> Self {
        match scope {
            Scope::Broker => Self::Broker,
            Scope::Topic => Self::Topic,
            Scope::Group => Self::Group,
            Scope::ClientMetrics => Self::ClientMetrics,
        }
    }
}

impl<'a> Layers<'a> {
    /// The effective value of a topic's or group's key that somebody set, in the key's own unit;
    /// `None` if the default holds. A text that is not a value of its key counts as not set: it
    /// cannot have passed [`crate::validate`].
    #[must_use]
    pub fn set_value(&self, scope: Scope, key: &Key) -> Option<(Value, Source)> {
        let own = self.resource.and_then(|get| get(key.name()));
        if let Some(value) = own.and_then(|text| key.validate(text).ok()) {
            return Some((value, Source::of(scope)));
        }
        for name in key.synonym_names() {
            let Some(synonym) = table::key(Scope::Broker, name) else {
                continue;
            };
            for (text, source) in self.broker_texts(name) {
                let Ok(value) = synonym.validate(text) else {
                    continue;
                };
                return Some((converted(value, key.name(), name), source));
            }
        }
        None
    }

    /// All texts of a broker key, nearest first.
    pub(crate) fn broker_texts(&self, name: &str) -> impl Iterator<Item = (&'a str, Source)> {
        [
            (self.broker, Source::Broker),
            (self.cluster, Source::Cluster),
            (self.file, Source::File),
        ]
        .map(|(layer, source)| Some((layer.and_then(|get| get(name))?, source)))
        .into_iter()
        .flatten()
    }
}

/// A synonym's value in the unit of the key it stands in for.
fn converted(value: Value, key: &str, synonym: &str) -> Value {
    const MINUTE_MS: i64 = 60_000;
    let factor = match synonym.rsplit_once('.') {
        _ if !key.ends_with(".ms") => 1,
        Some((_, "hours")) => 60 * MINUTE_MS,
        Some((_, "minutes")) => MINUTE_MS,
        _ => 1,
    };
    match value {
        Value::Whole(n) if n > 0 => Value::Whole(n.saturating_mul(factor)),
        other => other,
    }
}
