//! Which APIs there are, in which versions, and how their headers look.

mod table;

use std::fmt;
use std::ops::RangeInclusive;

pub use table::ApiKey;
use table::FACTS;

/// One line of the table.
struct Facts {
    name: &'static str,
    /// First and last.
    versions: (i16, i16),
    advertised_min: i16,
    /// Above every version if none is flexible.
    first_flexible: i16,
    flags: u8,
}

/// Brokers answer it.
const BROKER: u8 = 1;
/// Controllers answer it.
const CONTROLLER: u8 = 2;
/// Brokers hand it on to the controller.
const FORWARDABLE: u8 = 4;
/// It takes the cluster's own privileges.
const CLUSTER_ACTION: u8 = 8;
/// Fills the place of a key that Kafka has removed; no `ApiKey` has it.
const REMOVED: Facts = facts("", (0, -1), 0, i16::MAX, 0);

const fn facts(
    name: &'static str,
    versions: (i16, i16),
    advertised_min: i16,
    first_flexible: i16,
    flags: u8,
) -> Facts {
    Facts {
        name,
        versions,
        advertised_min,
        first_flexible,
        flags,
    }
}

impl ApiKey {
    /// The name in Kafka's documentation, such as `OffsetFetch`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The versions that are served: Kafka's stable ones.
    #[must_use]
    pub fn versions(self) -> RangeInclusive<i16> {
        let (min, max) = self.facts().versions;
        min..=max
    }

    /// The versions that an `ApiVersions` response names. They are the served ones except for
    /// `Produce`, whose long-gone versions are named because old librdkafka looks for them.
    #[must_use]
    pub fn advertised_versions(self) -> RangeInclusive<i16> {
        let Facts {
            versions,
            advertised_min,
            ..
        } = self.facts();
        *advertised_min..=versions.1
    }

    /// The first version with compact lengths and tagged fields, if there is one.
    #[must_use]
    pub fn first_flexible_version(self) -> Option<i16> {
        Some(self.facts().first_flexible).filter(|version| *version < i16::MAX)
    }

    /// Whether this version has compact lengths and tagged fields.
    #[must_use]
    pub fn is_flexible(self, version: i16) -> bool {
        version >= self.facts().first_flexible
    }

    /// The version of the header before a request of this version.
    #[must_use]
    pub fn request_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) { 2 } else { 1 }
    }

    /// The version of the header before a response of this version. For `ApiVersions` it is always
    /// 0, because a client must be able to read it before it knows the server (KIP-511).
    #[must_use]
    pub fn response_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) && self != Self::ApiVersions {
            1
        } else {
            0
        }
    }

    /// Whether Kafka's brokers answer it.
    #[must_use]
    pub fn is_on_broker(self) -> bool {
        self.facts().flags & BROKER != 0
    }

    /// Whether Kafka's controllers answer it.
    #[must_use]
    pub fn is_on_controller(self) -> bool {
        self.facts().flags & CONTROLLER != 0
    }

    /// Whether a broker hands it on to the active controller.
    #[must_use]
    pub fn is_forwardable(self) -> bool {
        self.facts().flags & FORWARDABLE != 0
    }

    /// Whether it takes the cluster's own privileges.
    #[must_use]
    pub fn is_cluster_action(self) -> bool {
        self.facts().flags & CLUSTER_ACTION != 0
    }

    fn facts(self) -> &'static Facts {
        &FACTS[usize::from(self.to_wire().unsigned_abs())]
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_survives_the_wire() {
        for key in ApiKey::ALL {
            assert_eq!(ApiKey::from_wire(key.to_wire()), Some(*key));
            assert!(!key.versions().is_empty(), "{key}");
        }
        // Removed in 4.0, and never given.
        for key in [4, 5, 6, 7, -1, 93, i16::MAX] {
            assert_eq!(ApiKey::from_wire(key), None);
        }
    }

    #[test]
    fn produce_names_versions_it_does_not_serve() {
        assert_eq!(ApiKey::Produce.versions(), 3..=13);
        assert_eq!(ApiKey::Produce.advertised_versions(), 0..=13);
        for key in ApiKey::ALL.iter().filter(|key| **key != ApiKey::Produce) {
            assert_eq!(key.versions(), key.advertised_versions(), "{key}");
        }
    }

    #[test]
    fn unstable_versions_are_not_served() {
        assert_eq!(ApiKey::InitProducerId.versions(), 0..=5);
    }

    #[test]
    fn the_answer_to_api_versions_never_has_a_flexible_header() {
        assert_eq!(ApiKey::ApiVersions.request_header_version(4), 2);
        assert_eq!(ApiKey::ApiVersions.response_header_version(4), 0);
        assert_eq!(ApiKey::Fetch.response_header_version(12), 1);
        assert_eq!(ApiKey::Fetch.response_header_version(11), 0);
        assert_eq!(ApiKey::SaslHandshake.first_flexible_version(), None);
        assert_eq!(ApiKey::SaslHandshake.request_header_version(1), 1);
    }
}
