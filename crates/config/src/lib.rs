//! Kafka's configuration, as data and pure functions: which keys exist, what a value may be, where
//! the effective value of a key comes from, and how a `server.properties` becomes a typed
//! [`server::ServerConfig`].
//!
//! The crate reads no file, no environment and no clock; callers hand texts in. Broker and
//! controller share it, so that a value is judged the same wherever it arrives.
//!
//! # Where a value comes from
//!
//! ```text
//! topic or group override → dynamic, this broker → dynamic, all brokers → file → default
//!       (resource)              (broker)               (cluster)         (file)
//! ```
//!
//! See [`layers::Layers`]. A topic's key has broker keys as synonyms (`retention.ms` →
//! `log.retention.ms`, `log.retention.minutes`, `log.retention.hours`), which are looked up in the
//! last four places.

pub mod broker;
pub mod cleaner;
pub mod describe;
mod docs;
mod invalid;
pub mod key;
pub mod layers;
pub mod list;
pub mod properties;
mod rule;
pub mod server;
mod table;
pub mod topic;
mod value;

pub use docs::{documentation, has_effect};
pub use invalid::{Invalid, nearest, shown};
pub use key::{Importance, Key, Kind, Mode, Scope};
pub use layers::{Layers, Source};
pub use properties::Properties;
pub use rule::Rule;
pub use table::{key, keys};
pub use value::{Value, items};

/// Checks a value against its key's type and range.
///
/// # Errors
/// The key is unknown to the scope, or the value is not one of its values.
pub fn validate(scope: Scope, name: &str, value: &str) -> Result<Value, Invalid> {
    let Some(key) = key(scope, name) else {
        return Err(Invalid::unknown(scope, name));
    };
    key.validate(value)
}
