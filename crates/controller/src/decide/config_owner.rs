//! The resource whose configs a request edits: whether it exists, what is set on it, and what may be.

use std::collections::{BTreeMap, BTreeSet};

use config::{Invalid, Scope};
use metadata::{MetadataImage, MetadataRecord, ResourceKind, feature, v1};
use protocol::Str;
use types::NodeId;

use super::alter_configs::{Refusal, Resource};
use super::effective::inherited_text;
use super::{Settings, check_topic_name};

/// Longest value in bytes, as in Kafka.
const VALUE_BYTES_MAX: usize = 32_767;

/// The key whose value the election of leaders depends on.
const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";

/// The configs of one resource, by key.
pub(super) type Texts = BTreeMap<String, String>;

/// A resource that exists.
pub(super) struct Owner {
    kind: ResourceKind,
    scope: Scope,
    name: Str,
}

impl Owner {
    pub(super) fn find(
        image: &MetadataImage,
        via: Option<NodeId>,
        resource: &Resource,
    ) -> Result<Self, Refusal> {
        let kind = ResourceKind::from_wire(resource.kind);
        let kind = kind.ok_or(Refusal::UnknownKind(resource.kind))?;
        let name = &resource.name;
        let scope = match kind {
            ResourceKind::Topic => {
                find_topic(image, name)?;
                Scope::Topic
            }
            ResourceKind::Broker => {
                find_broker(image, via, name)?;
                Scope::Broker
            }
            ResourceKind::Group if name.is_empty() => return Err(Refusal::NoDefaults("group")),
            ResourceKind::Group => Scope::Group,
            ResourceKind::ClientMetrics if name.is_empty() => {
                return Err(Refusal::NoDefaults("client metrics"));
            }
            ResourceKind::ClientMetrics => Scope::ClientMetrics,
        };
        let name = name.clone();
        Ok(Self { kind, scope, name })
    }

    pub(super) fn current(&self, image: &MetadataImage) -> Texts {
        let set = image.configs_of(self.kind, &self.name);
        set.into_iter()
            .flat_map(metadata::Configs::iter)
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect()
    }

    /// The list that an edit starts from.
    pub(super) fn list(
        &self,
        image: &MetadataImage,
        settings: &Settings,
        verb: &'static str,
        name: &Str,
        next: &Texts,
    ) -> Result<String, Refusal> {
        let key = config::key(self.scope, name);
        let Some(key) = key.filter(|key| key.kind() == config::Kind::List) else {
            let key = name.clone();
            return Err(Refusal::NotAList { verb, key });
        };
        let own = next.get(key.name()).cloned();
        Ok(own.unwrap_or_else(|| inherited_text(image, settings, self.scope, key)))
    }

    /// Judges all configs of the resource together, as they would stand.
    pub(super) fn check(&self, image: &MetadataImage, next: &Texts) -> Result<(), Refusal> {
        for (key, value) in next {
            check_length(key, value).map_err(Refusal::Invalid)?;
        }
        let texts = || next.iter().map(|(key, value)| (&**key, &**value));
        match self.scope {
            Scope::Topic => config::topic::check(texts()).map_err(Refusal::Invalid),
            Scope::Broker => self.check_broker(image, next),
            Scope::Group => self.check_each(next).map_err(Refusal::Invalid),
            Scope::ClientMetrics => self
                .check_each(next)
                .map_err(Refusal::InvalidOfSubscription),
        }
    }

    fn check_each(&self, next: &Texts) -> Result<(), Invalid> {
        for (key, value) in next {
            config::validate(self.scope, key, value)?;
        }
        Ok(())
    }

    fn check_broker(&self, image: &MetadataImage, next: &Texts) -> Result<(), Refusal> {
        let has_elr = image.feature_level(feature::ELIGIBLE_LEADER_REPLICAS) > 0;
        let is_for_all = self.name.is_empty();
        if has_elr && !is_for_all && next.contains_key(MIN_INSYNC_REPLICAS) {
            return Err(Refusal::MinIsrOfOneBroker);
        }
        let texts = next.iter().map(|(key, value)| (&**key, &**value));
        config::broker::check(is_for_all, texts).map_err(Refusal::InvalidOfBroker)
    }

    pub(super) fn records(&self, current: &Texts, next: &Texts) -> Vec<MetadataRecord> {
        let record = |key: &str, value: Option<&String>| {
            v1::Config {
                resource_type: i32::from(self.kind.to_wire()),
                resource_name: self.name.to_string(),
                key: key.to_owned(),
                value: value.cloned(),
            }
            .into()
        };
        let keys: BTreeSet<&String> = current.keys().chain(next.keys()).collect();
        keys.into_iter()
            .filter(|key| current.get(*key) != next.get(*key))
            .map(|key| record(key, next.get(key)))
            .collect()
    }
}

fn find_topic(image: &MetadataImage, name: &Str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(Refusal::NoDefaults("topic"));
    }
    check_topic_name(name)?;
    match image.topic(name) {
        Some(_) => Ok(()),
        None => Err(Refusal::UnknownTopic(name.clone())),
    }
}

fn find_broker(image: &MetadataImage, via: Option<NodeId>, name: &Str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Ok(());
    }
    let named: i32 = name
        .parse()
        .map_err(|_not_a_number| Refusal::BrokerName(name.clone()))?;
    // One spelling for each broker, or its configs would be kept under several names.
    if named.to_string() != **name {
        return Err(Refusal::BrokerName(name.clone()));
    }
    match via {
        Some(via) if via != NodeId(named) => Err(Refusal::OtherBroker { via, named }),
        _ if image.broker(NodeId(named)).is_none() => Err(Refusal::UnknownBroker(named)),
        Some(_) | None => Ok(()),
    }
}

/// A request's own texts are no longer than this; appending could make them so.
fn check_length(key: &str, value: &str) -> Result<(), Invalid> {
    if value.len() > VALUE_BYTES_MAX {
        return Err(Invalid::Conflict(format!(
            "The configuration value of {key} cannot be added because it exceeds the maximum value \
             size of {VALUE_BYTES_MAX} bytes"
        )));
    }
    Ok(())
}
