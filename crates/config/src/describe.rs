//! What `DescribeConfigs` says about a resource: every key with its value, where the value comes
//! from, and what would hold without it.

use crate::docs::documentation;
use crate::key::{Key, Kind, Scope};
use crate::layers::{Layers, Source};
use crate::table;
use crate::topic::default_min_insync_replicas;
use crate::value::Value;

/// One key of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub name: String,
    /// The value that holds, `None` if there is none or it is sensitive.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: Source,
    /// The value's type; `None` for a key that no table knows.
    pub kind: Option<Kind>,
    /// Whether only a restart changes it.
    pub is_read_only: bool,
    /// Whether the value is kept back.
    pub is_sensitive: bool,
    /// Every place that has a value, the one that holds first.
    pub synonyms: Vec<Synonym>,
    /// What the key does, if the server acts on it.
    pub documentation: Option<&'static str>,
}

/// A value in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synonym {
    /// The key it is set under, which may be another one.
    pub name: &'static str,
    /// The text there, `None` if it is sensitive.
    pub value: Option<String>,
    /// The place.
    pub source: Source,
}

/// Describes a topic. `replication_factor` decides the default of `min.insync.replicas`.
#[must_use]
pub fn topic(layers: &Layers<'_>, replication_factor: i32) -> Vec<Entry> {
    let entry = |key| resource_entry(Scope::Topic, key, layers, replication_factor);
    listed(Scope::Topic).map(entry).collect()
}

/// Describes a group or a client metrics subscription.
#[must_use]
pub fn resource(scope: Scope, layers: &Layers<'_>) -> Vec<Entry> {
    let entry = |key| resource_entry(scope, key, layers, 1);
    listed(scope).map(entry).collect()
}

/// Describes a broker. `names_set` are the keys its dynamic configs hold: those that no table
/// lists are described as well.
#[must_use]
pub fn broker<'n>(layers: &Layers<'_>, names_set: impl IntoIterator<Item = &'n str>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = listed(Scope::Broker)
        .map(|key| broker_entry(key, layers))
        .collect();
    let mut others: Vec<&str> = names_set.into_iter().collect();
    others.sort_unstable();
    others.dedup();
    for name in others {
        match table::key(Scope::Broker, name) {
            Some(key) if key.is_hidden() => entries.push(broker_entry(key, layers)),
            Some(_) => {}
            None => entries.push(unknown_entry(name, layers)),
        }
    }
    entries
}

/// Describes the dynamic configs of all brokers: only what is set.
#[must_use]
pub fn cluster<'n>(
    layers: &Layers<'_>,
    names_set: impl IntoIterator<Item = &'n str>,
) -> Vec<Entry> {
    let only_cluster = Layers {
        cluster: layers.cluster,
        ..Layers::default()
    };
    let entry = |name| match table::key(Scope::Broker, name) {
        Some(key) => {
            let mut entry = broker_entry(key, &only_cluster);
            entry
                .synonyms
                .retain(|synonym| synonym.source == Source::Cluster);
            entry
        }
        None => unknown_entry(name, &only_cluster),
    };
    names_set.into_iter().map(entry).collect()
}

fn listed(scope: Scope) -> impl Iterator<Item = &'static Key> {
    table::keys(scope).iter().filter(|key| !key.is_hidden())
}

fn resource_entry(
    scope: Scope,
    key: &'static Key,
    layers: &Layers<'_>,
    replication_factor: i32,
) -> Entry {
    let mut synonyms = Vec::new();
    let own = layers.resource.and_then(|get| get(key.name()));
    if let Some(text) = own {
        synonyms.push(synonym(key, text, Source::of(scope)));
    }
    push_broker_synonyms(
        &mut synonyms,
        key.synonym_names(),
        layers,
        replication_factor,
    );
    let set = layers.set_value(scope, key);
    let default = || default_text(key, replication_factor);
    let (value, source) = match set {
        Some((value, source)) => (Some(own_text(own, source, scope, value)), source),
        None => (default(), Source::Default),
    };
    Entry {
        name: key.name().to_owned(),
        value: value.filter(|_| !key.is_sensitive()),
        source,
        kind: Some(key.kind()),
        is_read_only: false,
        is_sensitive: key.is_sensitive(),
        synonyms,
        documentation: documentation(scope, key.name()),
    }
}

/// The text as it was set, or, from a synonym, the value in the key's own unit.
fn own_text(own: Option<&str>, source: Source, scope: Scope, value: Value) -> String {
    match own {
        Some(text) if source == Source::of(scope) => text.to_owned(),
        _ => value.into_text(),
    }
}

fn broker_entry(key: &'static Key, layers: &Layers<'_>) -> Entry {
    let replication_factor = default_replication_factor(layers);
    let mut synonyms = Vec::new();
    push_broker_synonyms(&mut synonyms, family(key), layers, replication_factor);
    let own = layers.broker_texts(key.name()).next();
    let value = match own {
        Some((text, _)) => Some(text.to_owned()),
        None => default_text(key, replication_factor),
    };
    let source = synonyms
        .first()
        .map_or(Source::Default, |first| first.source);
    Entry {
        name: key.name().to_owned(),
        value: value.filter(|_| !key.is_sensitive()),
        source,
        kind: Some(key.kind()),
        is_read_only: key.mode() == crate::key::Mode::ReadOnly,
        is_sensitive: key.is_sensitive(),
        synonyms,
        documentation: documentation(Scope::Broker, key.name()),
    }
}

/// A key that no table knows may hold a secret, so its value is kept back.
fn unknown_entry(name: &str, layers: &Layers<'_>) -> Entry {
    let set = layers.broker_texts(name).next();
    Entry {
        name: name.to_owned(),
        value: None,
        source: set.map_or(Source::Default, |(_, source)| source),
        kind: None,
        is_read_only: false,
        is_sensitive: true,
        synonyms: Vec::new(),
        documentation: None,
    }
}

/// Adds every place that has a value for one of these broker keys: place by place, and the keys in
/// their order within each.
fn push_broker_synonyms(
    synonyms: &mut Vec<Synonym>,
    names: &[&str],
    layers: &Layers<'_>,
    replication_factor: i32,
) {
    let keys = || {
        names
            .iter()
            .filter_map(|name| table::key(Scope::Broker, name))
    };
    for place in [Source::Broker, Source::Cluster, Source::File] {
        for key in keys() {
            let mut texts = layers.broker_texts(key.name());
            if let Some((text, source)) = texts.find(|(_, source)| *source == place) {
                synonyms.push(synonym(key, text, source));
            }
        }
    }
    for key in keys() {
        if let Some(text) = default_text(key, replication_factor) {
            synonyms.push(synonym(key, &text, Source::Default));
        }
    }
}

fn synonym(key: &'static Key, text: &str, source: Source) -> Synonym {
    Synonym {
        name: key.name(),
        value: (!key.is_sensitive()).then(|| text.to_owned()),
        source,
    }
}

fn default_text(key: &Key, replication_factor: i32) -> Option<String> {
    if key.name() == "min.insync.replicas" {
        return Some(default_min_insync_replicas(replication_factor).to_string());
    }
    key.default_text().map(str::to_owned)
}

fn default_replication_factor(layers: &Layers<'_>) -> i32 {
    let mut texts = layers.broker_texts("default.replication.factor");
    let factor = texts.next().and_then(|(text, _)| text.trim().parse().ok());
    factor.unwrap_or(1)
}

/// A broker key and those that stand in for it.
fn family(key: &'static Key) -> &'static [&'static str] {
    const FAMILIES: &[&[&str]] = &[
        &[
            "log.retention.ms",
            "log.retention.minutes",
            "log.retention.hours",
        ],
        &["log.retention.minutes", "log.retention.hours"],
        &["log.roll.ms", "log.roll.hours"],
        &["log.roll.jitter.ms", "log.roll.jitter.hours"],
        &["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
    ];
    let family = FAMILIES.iter().find(|names| names[0] == key.name());
    family.map_or(key.own_name(), |names| *names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::Properties;

    fn described(dynamic: &str, cluster_wide: &str, file: &str) -> Vec<Entry> {
        let read = |text| Properties::parse(text).expect("a properties text");
        let (dynamic, cluster_wide, file) = (read(dynamic), read(cluster_wide), read(file));
        let layers = Layers {
            resource: None,
            broker: Some(&|name| dynamic.get(name)),
            cluster: Some(&|name| cluster_wide.get(name)),
            file: Some(&|name| file.get(name)),
        };
        let names: Vec<&str> = dynamic.iter().map(|(name, _)| name).collect();
        broker(&layers, names)
    }

    fn find<'e>(entries: &'e [Entry], name: &str) -> &'e Entry {
        let found = entries.iter().find(|entry| entry.name == name);
        found.expect("the key is described")
    }

    fn chain(entry: &Entry) -> Vec<String> {
        let text = |it: &Synonym| format!("{}={:?}", it.name, it.value.as_deref().unwrap_or("-"));
        entry.synonyms.iter().map(text).collect()
    }

    #[test]
    fn a_broker_lists_as_many_keys_as_kafka_and_our_own_and_hides_the_same() {
        let entries = described("", "", "");
        let ours = entries
            .iter()
            .filter(|entry| entry.name.starts_with("raudal."));
        assert_eq!((entries.len(), ours.count()), (341, 1));
        assert!(
            entries
                .iter()
                .all(|entry| entry.name != "unstable.api.versions.enable")
        );
    }

    #[test]
    fn the_chain_of_a_broker_key_names_every_place() {
        let entries = described(
            "log.retention.ms=1",
            "log.retention.ms=2",
            "log.retention.minutes=60",
        );
        let entry = find(&entries, "log.retention.ms");
        assert_eq!(entry.value.as_deref(), Some("1"));
        assert_eq!(entry.source, Source::Broker);
        assert_eq!(
            chain(entry),
            [
                "log.retention.ms=\"1\"",
                "log.retention.ms=\"2\"",
                "log.retention.minutes=\"60\"",
                "log.retention.hours=\"168\"",
            ]
        );
    }

    #[test]
    fn secrets_and_keys_nobody_knows_keep_their_values() {
        let entries = described("no.such=1", "", "ssl.key.password=hunter2");
        let secret = find(&entries, "ssl.key.password");
        assert!(secret.is_sensitive && secret.value.is_none());
        assert_eq!(secret.source, Source::File);
        assert_eq!(secret.synonyms[0].value, None);
        let unknown = find(&entries, "no.such");
        assert!(unknown.is_sensitive && unknown.value.is_none() && unknown.kind.is_none());
    }

    #[test]
    fn all_brokers_together_have_only_what_is_set() {
        let set = Properties::parse("compression.type=lz4").expect("a properties text");
        let layers = Layers {
            cluster: Some(&|name| set.get(name)),
            ..Layers::default()
        };
        let entries = cluster(&layers, set.iter().map(|(name, _)| name));
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].source, Source::Cluster);
        assert_eq!(chain(&entries[0]), ["compression.type=\"lz4\""]);
    }

    #[test]
    fn a_topic_tells_values_in_its_own_units() {
        let file = Properties::parse("log.retention.hours=2").expect("a properties text");
        let layers = Layers {
            file: Some(&|name| file.get(name)),
            ..Layers::default()
        };
        let entries = topic(&layers, 3);
        assert_eq!(entries.len(), 33);
        let retention = find(&entries, "retention.ms");
        assert_eq!(retention.value.as_deref(), Some("7200000"));
        assert_eq!(retention.source, Source::File);
        let min_insync = find(&entries, "min.insync.replicas");
        assert_eq!(min_insync.value.as_deref(), Some("2"));
        assert_eq!(min_insync.source, Source::Default);
    }
}
