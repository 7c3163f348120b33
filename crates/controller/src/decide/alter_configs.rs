//! `IncrementalAlterConfigs` and the older `AlterConfigs`, for topics, brokers, groups and client
//! metrics. All edits of one resource are made, or none.

use std::collections::{BTreeMap, BTreeSet};

use config::{Invalid, Scope};
use metadata::{MetadataImage, MetadataRecord, ResourceKind, feature, v1};
use protocol::Str;
use types::NodeId;

use super::effective::inherited_text;
use super::{Decision, InvalidName, Settings, check_topic_name};

/// Longest value in bytes, as in Kafka.
const VALUE_BYTES_MAX: usize = 32_767;

/// The key whose value the election of leaders depends on.
const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";

/// A resource and what to do with its configs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Kafka's number of its type, known or not.
    pub kind: i8,
    /// Its name.
    pub name: Str,
    /// The edits, in the order of the request.
    pub edits: Vec<Edit>,
}

/// One edit of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The key.
    pub key: Str,
    /// What to do.
    pub kind: EditKind,
    /// The value; ignored when deleting.
    pub value: Option<Str>,
}

/// What to do with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditKind {
    /// Give it this value.
    Set,
    /// Take its value away, so that the next source decides.
    Delete,
    /// Add these items to the list it is.
    Append,
    /// Take these items off the list it is.
    Subtract,
    /// A number that means nothing.
    Unknown(i8),
}

/// Why the configs of a resource stay as they are.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The request has the resource more than once.
    #[error("Each resource must appear at most once.")]
    DuplicateResource,
    /// The request has a key more than once.
    #[error("Error due to duplicate config keys")]
    DuplicateKey,
    /// Nothing of that type is configured here.
    #[error("Unknown resource type {0}")]
    UnknownKind(i8),
    /// Only brokers have cluster-wide defaults.
    #[error("Default {0} resources are not allowed.")]
    NoDefaults(&'static str),
    /// The name cannot be a topic's.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// No topic of that name.
    #[error("The topic '{0}' does not exist.")]
    UnknownTopic(Str),
    /// The name of a broker is its id.
    #[error("Node id must be an integer, but it is: {0}")]
    BrokerName(Str),
    /// The request came through another broker than the one it is about.
    #[error("Unexpected broker id, expected {via}, but received {named}")]
    OtherBroker {
        /// The broker that received the request.
        via: NodeId,
        /// The broker that it names.
        named: i32,
    },
    /// No broker of that id.
    #[error("No broker with id {0} found.")]
    UnknownBroker(i32),
    /// Setting, appending and subtracting need a value.
    #[error("Null value not supported for : {0}")]
    NullValue(Str),
    /// The operation is none of the four.
    #[error(
        "Unknown config operation {number} for key {key}; 0 sets, 1 deletes, 2 appends, 3 subtracts."
    )]
    UnknownOperation {
        /// The key.
        key: Str,
        /// The number.
        number: i8,
    },
    /// Only lists can be appended to and subtracted from.
    #[error("Can't {verb} to key {key} because its type is not LIST.")]
    NotAList {
        /// The operation.
        verb: &'static str,
        /// The key.
        key: Str,
    },
    /// Elections depend on one value for the whole cluster.
    #[error("Broker-level min.insync.replicas cannot be altered while ELR is enabled.")]
    MinIsrOfOneBroker,
    /// A topic's, group's or subscription's value is unknown or illegal.
    #[error(transparent)]
    Invalid(Invalid),
    /// A broker's value is illegal, or cannot change while the broker runs.
    #[error(transparent)]
    InvalidOfBroker(Invalid),
}

/// Decides an `IncrementalAlterConfigs` request: one answer for each resource of it, in its order.
/// `via` is the broker that received it, if known: a broker's own configs are changed through that
/// broker. With `validate_only`, everything is checked and nothing is recorded.
#[must_use]
pub fn incremental_alter_configs(
    image: &MetadataImage,
    settings: &Settings,
    via: Option<NodeId>,
    resources: &[Resource],
    validate_only: bool,
) -> Decision<Vec<Result<(), Refusal>>> {
    decide(image, via, resources, validate_only, |owner, resource| {
        let mut next = owner.current(image);
        for edit in &resource.edits {
            apply(image, settings, owner, edit, &mut next)?;
        }
        Ok(next)
    })
}

/// Decides an `AlterConfigs` request, in which the edits (all of them [`EditKind::Set`]) are the whole
/// new set of configs: keys that it does not name are deleted.
#[must_use]
pub fn alter_configs(
    image: &MetadataImage,
    settings: &Settings,
    via: Option<NodeId>,
    resources: &[Resource],
    validate_only: bool,
) -> Decision<Vec<Result<(), Refusal>>> {
    decide(image, via, resources, validate_only, |owner, resource| {
        let mut next = BTreeMap::new();
        for edit in &resource.edits {
            apply(image, settings, owner, edit, &mut next)?;
        }
        Ok(next)
    })
}

type Texts = BTreeMap<String, String>;

fn decide(
    image: &MetadataImage,
    via: Option<NodeId>,
    resources: &[Resource],
    validate_only: bool,
    next: impl Fn(&Owner, &Resource) -> Result<Texts, Refusal>,
) -> Decision<Vec<Result<(), Refusal>>> {
    let mut copies: BTreeMap<(i8, &str), usize> = BTreeMap::new();
    for resource in resources {
        *copies.entry((resource.kind, &resource.name)).or_insert(0) += 1;
    }
    let mut decision = Decision::only(Vec::with_capacity(resources.len().min(1024)));
    for resource in resources {
        let is_copied = copies
            .get(&(resource.kind, &*resource.name))
            .is_some_and(|count| *count > 1);
        let result = if is_copied {
            Err(Refusal::DuplicateResource)
        } else {
            alter(image, via, resource, &next)
        };
        let result = result.map(|records| {
            if !validate_only {
                decision.records.extend(records);
            }
        });
        decision.response.push(result);
    }
    decision
}

fn alter(
    image: &MetadataImage,
    via: Option<NodeId>,
    resource: &Resource,
    next: impl Fn(&Owner, &Resource) -> Result<Texts, Refusal>,
) -> Result<Vec<MetadataRecord>, Refusal> {
    let keys: BTreeSet<&str> = resource.edits.iter().map(|edit| &*edit.key).collect();
    if keys.len() != resource.edits.len() {
        return Err(Refusal::DuplicateKey);
    }
    let owner = Owner::find(image, via, resource)?;
    let next = next(&owner, resource)?;
    owner.check(image, &next)?;
    Ok(owner.records(&owner.current(image), &next))
}

fn apply(
    image: &MetadataImage,
    settings: &Settings,
    owner: &Owner,
    edit: &Edit,
    next: &mut Texts,
) -> Result<(), Refusal> {
    let key = &edit.key;
    match (edit.kind, edit.value.as_deref()) {
        (EditKind::Unknown(number), _) => {
            let key = key.clone();
            return Err(Refusal::UnknownOperation { key, number });
        }
        (EditKind::Delete, _) => {
            next.remove(&**key);
        }
        (_, None) => return Err(Refusal::NullValue(key.clone())),
        (EditKind::Set, Some(value)) => {
            next.insert(key.to_string(), value.to_owned());
        }
        (EditKind::Append, Some(value)) => {
            let list = owner.list(image, settings, "APPEND", key, next)?;
            next.insert(key.to_string(), config::list::append(&list, value));
        }
        (EditKind::Subtract, Some(value)) => {
            let list = owner.list(image, settings, "SUBTRACT", key, next)?;
            next.insert(key.to_string(), config::list::subtract(&list, value));
        }
    }
    Ok(())
}

/// A resource that exists.
struct Owner {
    kind: ResourceKind,
    scope: Scope,
    name: Str,
}

impl Owner {
    fn find(
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

    fn current(&self, image: &MetadataImage) -> Texts {
        let set = image.configs_of(self.kind, &self.name);
        set.into_iter()
            .flat_map(metadata::Configs::iter)
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect()
    }

    /// The list that an edit starts from.
    fn list(
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
    fn check(&self, image: &MetadataImage, next: &Texts) -> Result<(), Refusal> {
        for (key, value) in next {
            check_length(key, value).map_err(Refusal::Invalid)?;
        }
        let texts = || next.iter().map(|(key, value)| (&**key, &**value));
        match self.scope {
            Scope::Topic => config::topic::check(texts()).map_err(Refusal::Invalid),
            Scope::Broker => self.check_broker(image, next),
            Scope::Group | Scope::ClientMetrics => {
                for (key, value) in texts() {
                    config::validate(self.scope, key, value).map_err(Refusal::Invalid)?;
                }
                Ok(())
            }
        }
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

    fn records(&self, current: &Texts, next: &Texts) -> Vec<MetadataRecord> {
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
