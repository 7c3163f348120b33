//! The table of keys, one file per scope: facts only, as const data, so that reading them costs
//! nothing at start.

mod broker;
mod client_metrics;
mod group;
mod topic;

use crate::key::{Key, Scope};

/// Every key of one scope, sorted by name.
#[must_use]
pub fn keys(scope: Scope) -> &'static [Key] {
    match scope {
        Scope::Broker => broker::KEYS,
        Scope::Topic => topic::KEYS,
        Scope::Group => group::KEYS,
        Scope::ClientMetrics => client_metrics::KEYS,
    }
}

/// The key of that name, if the scope has one.
#[must_use]
pub fn key(scope: Scope, name: &str) -> Option<&'static Key> {
    let keys = keys(scope);
    let found = keys.binary_search_by(|key| key.name().cmp(name)).ok()?;
    keys.get(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    const SCOPES: [Scope; 4] = [
        Scope::Broker,
        Scope::Topic,
        Scope::Group,
        Scope::ClientMetrics,
    ];

    #[test]
    fn every_key_is_found_by_its_name() {
        for scope in SCOPES {
            for entry in keys(scope) {
                assert_eq!(key(scope, entry.name()).map(Key::name), Some(entry.name()));
            }
            assert!(key(scope, "no.such.key").is_none());
        }
    }

    #[test]
    fn every_default_is_of_its_own_type() {
        for scope in SCOPES {
            for entry in keys(scope) {
                let Some(default) = entry.default_text() else {
                    continue;
                };
                let parsed = Value::parse(entry.kind(), default);
                assert!(parsed.is_ok(), "{}: {parsed:?}", entry.name());
            }
        }
    }

    #[test]
    fn every_synonym_names_a_broker_key() {
        for scope in SCOPES {
            for entry in keys(scope) {
                for synonym in entry.synonym_names() {
                    assert!(key(Scope::Broker, synonym).is_some(), "{synonym}");
                }
            }
        }
    }
}
