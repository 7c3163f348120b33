//! `UpdateFeatures`: which levels of which features the cluster runs at.

use std::collections::BTreeMap;

use metadata::feature::{Feature, feature};
use metadata::{MetadataImage, v1};
use protocol::Str;
use types::NodeId;

use super::Decision;

/// One feature and where it is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureUpdate {
    /// The feature.
    pub feature: Str,
    /// The level asked for; 0 switches it off.
    pub level: i16,
    /// In which direction it may go.
    pub kind: UpgradeKind,
}

/// In which direction a level may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeKind {
    /// Up only.
    Upgrade,
    /// Down, unless metadata would be lost.
    SafeDowngrade,
    /// Down, even if metadata is lost.
    UnsafeDowngrade,
    /// None of these.
    Unknown(i8),
}

/// Why no feature changes its level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "The update failed for all features since the following feature had an error: Invalid update \
     version {level} for feature {feature}. {reason}"
)]
pub struct Refusal {
    /// The feature.
    pub feature: Str,
    /// The level asked for.
    pub level: i16,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with one update.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The feature is named twice.
    #[error("The feature is listed more than once.")]
    Duplicate,
    /// The direction is no direction.
    #[error("The controller does not support the given upgrade type.")]
    UpgradeKind,
    /// A level below zero.
    #[error("A feature version cannot be less than 0.")]
    Negative,
    /// This version does not serve the feature.
    #[error("Local controller {0} does not support this feature.")]
    UnknownFeature(NodeId),
    /// This version does not serve the level.
    #[error("Local controller {controller} only supports versions {min}-{max}")]
    Unsupported {
        /// The controller.
        controller: NodeId,
        /// The lowest level.
        min: i16,
        /// The highest level.
        max: i16,
    },
    /// A broker does not serve the level.
    #[error("Broker {broker} does not support this version; upgrade it first.")]
    UnsupportedByBroker {
        /// The broker.
        broker: NodeId,
    },
    /// The level is lower than it is, which was not allowed.
    #[error(
        "Can't downgrade the version of this feature without setting the upgrade type to either \
         safe or unsafe downgrade."
    )]
    Downgrade,
}

/// Decides an `UpdateFeatures` request: all updates, or none. `controller` is this node. With
/// `validate_only`, everything is checked and nothing is recorded.
///
/// # Errors
/// The first update that cannot be made.
pub fn update_features(
    image: &MetadataImage,
    controller: NodeId,
    updates: &[FeatureUpdate],
    validate_only: bool,
) -> Result<Decision<()>, Refusal> {
    let mut levels: BTreeMap<&str, i16> = BTreeMap::new();
    for update in updates {
        let is_new = levels.insert(&update.feature, update.level).is_none();
        let checked = match is_new {
            true => check(image, controller, update),
            false => Err(Reason::Duplicate),
        };
        checked.map_err(|reason| Refusal {
            feature: update.feature.clone(),
            level: update.level,
            reason,
        })?;
    }
    let changed = levels
        .into_iter()
        .filter(|(name, level)| !validate_only && image.feature_level(name) != *level);
    let records = changed.map(|(name, level)| {
        let name = name.to_owned();
        let level = i32::from(level);
        v1::FeatureLevel { name, level }.into()
    });
    Ok(Decision {
        records: records.collect(),
        response: (),
    })
}

fn check(image: &MetadataImage, controller: NodeId, update: &FeatureUpdate) -> Result<(), Reason> {
    if let UpgradeKind::Unknown(_) = update.kind {
        return Err(Reason::UpgradeKind);
    }
    let level = update.level;
    if level < 0 {
        return Err(Reason::Negative);
    }
    let known = feature(&update.feature).ok_or(Reason::UnknownFeature(controller))?;
    let Feature {
        min_level: min,
        max_level: max,
        ..
    } = *known;
    if !(min..=max).contains(&level) {
        return Err(Reason::Unsupported {
            controller,
            min,
            max,
        });
    }
    let refuses = image.brokers().find(|broker| {
        let supported = broker.features.get(known.name);
        level > 0 && !supported.is_some_and(|levels| (levels.min..=levels.max).contains(&level))
    });
    if let Some(broker) = refuses {
        return Err(Reason::UnsupportedByBroker { broker: broker.id });
    }
    if level < image.feature_level(known.name) && update.kind == UpgradeKind::Upgrade {
        return Err(Reason::Downgrade);
    }
    Ok(())
}
