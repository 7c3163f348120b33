//! What configs come to once every source is asked: the cluster's dynamic defaults and the
//! controller's own file. No broker's own dynamic configs are among them, because a topic lives on
//! many brokers.

use std::collections::BTreeMap;

use config::describe::{self, Entry};
use config::{Key, Layers, Scope};
use metadata::{MetadataImage, ResourceKind};
use protocol::Str;

use super::Settings;

/// All configs of a topic with these overrides, in the order of their names.
pub(super) fn topic_configs(
    image: &MetadataImage,
    settings: &Settings,
    overrides: &BTreeMap<Str, Str>,
    replication_factor: usize,
) -> Vec<Entry> {
    let factor = i32::try_from(replication_factor).unwrap_or(i32::MAX);
    let layers = &Layers {
        resource: Some(&|key| overrides.get(key).map(|value| &**value)),
        broker: None,
        cluster: Some(&|key| image.config(ResourceKind::Broker, "", key)),
        file: Some(&|key| settings.file.get(key)),
    };
    describe::topic(layers, factor)
}

/// The text of a key that nobody has set on the resource itself: what APPEND and SUBTRACT start from.
pub(super) fn inherited_text(
    image: &MetadataImage,
    settings: &Settings,
    scope: Scope,
    key: &Key,
) -> String {
    let cluster = |key: &str| image.config(ResourceKind::Broker, "", key);
    let layers = Layers {
        resource: None,
        broker: None,
        cluster: Some(&cluster),
        file: Some(&|key| settings.file.get(key)),
    };
    let inherited = match scope {
        Scope::Topic | Scope::Group | Scope::ClientMetrics => layers
            .set_value(scope, key)
            .map(|(value, _source)| value.into_text()),
        Scope::Broker => cluster(key.name())
            .or_else(|| settings.file.get(key.name()))
            .map(str::to_owned),
    };
    inherited.unwrap_or_else(|| key.default_text().unwrap_or_default().to_owned())
}
