//! The features of this version: which levels this node can serve, which one a new cluster starts
//! with, and what a level switches on.
//!
//! The one table below decides what is finalized in a new cluster and so what clients are told in
//! `ApiVersions`. A feature that is not in it is not served. In particular `transaction.version`,
//! `share.version` and `streams.version` are absent: Java clients read an absent `transaction.version`
//! as 0 and use the first transaction protocol, and would speak the second one as soon as the table
//! said 2.

use crate::MetadataImage;
use crate::mutant::{self, Mutant};

/// One feature of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Kafka's name, or ours.
    pub name: &'static str,
    /// The lowest level that may be finalized.
    pub min_level: i16,
    /// The highest level that may be finalized.
    pub max_level: i16,
    /// The level that a new cluster starts with.
    pub default_level: i16,
}

/// Kafka's own level of metadata. It tells tools which Kafka we match; 30 is that of 4.3.
pub const METADATA_VERSION: &str = "metadata.version";
/// Dynamic voters (KIP-853).
pub const KRAFT_VERSION: &str = "kraft.version";
/// Eligible leader replicas (KIP-966).
pub const ELIGIBLE_LEADER_REPLICAS: &str = "eligible.leader.replicas.version";
/// Groups whose members are assigned by the coordinator (KIP-848).
pub const GROUP_VERSION: &str = "group.version";
/// Our own level: gates record versions and the rules of [`crate::derive`], which Kafka's levels know
/// nothing about.
pub const RAUDAL_VERSION: &str = "raudal.version";

/// Everything this version serves.
pub const FEATURES: &[Feature] = &[
    Feature {
        name: ELIGIBLE_LEADER_REPLICAS,
        min_level: 0,
        max_level: 1,
        default_level: 1,
    },
    Feature {
        name: GROUP_VERSION,
        min_level: 0,
        max_level: 1,
        default_level: 1,
    },
    Feature {
        name: KRAFT_VERSION,
        min_level: 1,
        max_level: 1,
        default_level: 1,
    },
    Feature {
        name: METADATA_VERSION,
        min_level: 30,
        max_level: 30,
        default_level: 30,
    },
    Feature {
        name: RAUDAL_VERSION,
        min_level: 1,
        max_level: 1,
        default_level: 1,
    },
];

/// The feature of that name, `None` if this version does not serve it.
#[must_use]
pub fn feature(name: &str) -> Option<&'static Feature> {
    FEATURES.iter().find(|feature| feature.name == name)
}

/// The rules in force at the finalized levels of an image.
///
/// Pure functions that replay calls take this, and never look at their own version: two nodes of
/// different versions that hold equal images must derive equal images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether replicas that leave a small ISR become eligible leaders.
    pub eligible_leader_replicas: bool,
}

impl Rules {
    /// The rules of that image.
    #[must_use]
    pub fn of(image: &MetadataImage) -> Self {
        Self {
            eligible_leader_replicas: image.feature_level(ELIGIBLE_LEADER_REPLICAS) >= 1
                && !mutant::is(Mutant::NoElr),
        }
    }
}
