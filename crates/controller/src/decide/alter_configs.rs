//! `IncrementalAlterConfigs` and the older `AlterConfigs`, for topics, brokers, groups and client
//! metrics. All edits of one resource are made, or none.

use std::collections::{BTreeMap, BTreeSet};

use config::Invalid;
use metadata::{MetadataImage, MetadataRecord};
use protocol::Str;
use types::NodeId;

use super::config_owner::{Owner, Texts};
use super::{Decision, InvalidName, Settings};

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
    /// A topic's or group's value is unknown or illegal.
    #[error(transparent)]
    Invalid(Invalid),
    /// A client metrics subscription's value is unknown or illegal.
    #[error(transparent)]
    InvalidOfSubscription(Invalid),
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
