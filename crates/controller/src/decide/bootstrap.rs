//! What a controller records first when it becomes active.

use metadata::feature::FEATURES;
use metadata::{MetadataImage, MetadataRecord, ResourceKind, v1};
use types::NodeId;

use super::{Decision, Settings, new_uuid};

/// Keys that elections depend on and that a node's own file may set. Every node must derive the same
/// leaders, so the first active controller writes its file's value down for all.
const SHARED_KEYS: &[&str] = &["min.insync.replicas"];

/// The reign that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// The controller epoch, higher than any before.
    pub epoch: i32,
    /// The cluster's id.
    pub cluster_id: String,
}

/// Why a controller must not become active.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActivationError {
    /// The store is another cluster's.
    #[error(
        "this node was formatted for cluster {formatted}, but the metadata log is that of cluster \
         {log}; check metadata.log.dir and controller.quorum.voters"
    )]
    ClusterId {
        /// The id in the node's `meta.properties`.
        formatted: String,
        /// The id in the metadata log.
        log: String,
    },
    /// The counter is at its end, after two billion elections.
    #[error("the controller epoch {0} cannot grow any more")]
    EpochsExhausted(i32),
}

/// Decides the records of a new active controller: the cluster's id if it has none yet, the feature
/// levels a new cluster starts with, and in any case a higher controller epoch.
///
/// `cluster_id` is what this node was formatted with, if it was.
///
/// # Errors
/// This node must not be active.
pub fn activate(
    image: &MetadataImage,
    settings: &Settings,
    random: &mut dyn rand::Rng,
    node_id: NodeId,
    cluster_id: Option<&str>,
) -> Result<Decision<Activation>, ActivationError> {
    let mut records = Vec::new();
    let cluster_id = match (image.cluster_id(), cluster_id) {
        (Some(log), Some(formatted)) if log != formatted => {
            return Err(ActivationError::ClusterId {
                formatted: formatted.to_owned(),
                log: log.to_owned(),
            });
        }
        (Some(log), _) => log.to_owned(),
        (None, formatted) => {
            let id = formatted.map_or_else(|| new_uuid(random).to_string(), str::to_owned);
            records.push(v1::ClusterId { id: id.clone() }.into());
            records.extend(first_records(image, settings));
            id
        }
    };
    let current = image.controller().map_or(-1, |active| active.epoch);
    let epoch = current
        .checked_add(1)
        .ok_or(ActivationError::EpochsExhausted(current))?;
    let change = v1::ControllerChange {
        node_id: node_id.0,
        epoch,
    };
    records.push(change.into());
    let response = Activation { epoch, cluster_id };
    Ok(Decision { records, response })
}

fn first_records(image: &MetadataImage, settings: &Settings) -> Vec<MetadataRecord> {
    let features = FEATURES
        .iter()
        .filter(|feature| feature.default_level > 0 && image.feature_level(feature.name) == 0)
        .map(|feature| {
            v1::FeatureLevel {
                name: feature.name.to_owned(),
                level: i32::from(feature.default_level),
            }
            .into()
        });
    let configs = SHARED_KEYS
        .iter()
        .filter(|key| image.config(ResourceKind::Broker, "", key).is_none())
        .filter_map(|key| {
            let value = settings.file.get(key)?;
            let config = v1::Config {
                resource_type: v1::ResourceType::Broker.into(),
                resource_name: String::new(),
                key: (*key).to_owned(),
                value: Some(value.trim().to_owned()),
            };
            Some(config.into())
        });
    features.chain(configs).collect()
}
