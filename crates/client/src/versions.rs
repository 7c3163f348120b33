//! Which version of a request to speak with one broker: the highest that both know.

use std::collections::BTreeMap;

use protocol::ApiKey;
use protocol::messages::api_versions::ApiVersionsResponse;

use crate::{Address, Error, Result};

/// What one broker said it speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrokerVersions {
    /// Lowest and highest version by the number of the request.
    pub ranges: BTreeMap<i16, (i16, i16)>,
    /// Features the broker could take part in: lowest and highest level.
    pub supported_features: BTreeMap<String, (i16, i16)>,
    /// Features in force in the cluster, with their level.
    pub finalized_features: BTreeMap<String, i16>,
    /// Counts changes of the finalized features; -1 from brokers that have none.
    pub finalized_features_epoch: i64,
}

impl BrokerVersions {
    pub(crate) fn from_response(response: &ApiVersionsResponse) -> Self {
        let ranges = response.api_keys.iter();
        let supported = response.supported_features.iter();
        let finalized = response.finalized_features.iter();
        Self {
            ranges: ranges
                .map(|api| (api.api_key, (api.min_version, api.max_version)))
                .collect(),
            supported_features: supported
                .map(|f| (f.name.to_string(), (f.min_version, f.max_version)))
                .collect(),
            finalized_features: finalized
                .map(|f| (f.name.to_string(), f.max_version_level))
                .collect(),
            finalized_features_epoch: response.finalized_features_epoch,
        }
    }

    /// The version to use.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if there is none in common.
    pub(crate) fn choose(&self, key: ApiKey, address: &Address) -> Result<i16> {
        self.choose_up_to(key, i16::MAX, address)
    }

    /// The version to use, at most `cap`.
    pub(crate) fn choose_up_to(&self, key: ApiKey, cap: i16, address: &Address) -> Result<i16> {
        let ours = key.versions();
        let theirs = self.ranges.get(&key.to_wire());
        let common = theirs.map(|(min, max)| (*min.max(ours.start()), *max.min(ours.end())));
        match common {
            Some((low, high)) if low <= high.min(cap) => Ok(high.min(cap)),
            _ => Err(Error::Unsupported {
                api: key.name(),
                address: address.clone(),
                ours: format!("{}-{}", ours.start(), ours.end()),
                theirs: theirs.map_or("nothing".to_owned(), |(min, max)| format!("{min}-{max}")),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(min: i16, max: i16) -> BrokerVersions {
        BrokerVersions {
            ranges: BTreeMap::from([(ApiKey::Metadata.to_wire(), (min, max))]),
            ..BrokerVersions::default()
        }
    }

    fn choose(min: i16, max: i16) -> Option<i16> {
        let address = Address::new("a", 1);
        versions(min, max).choose(ApiKey::Metadata, &address).ok()
    }

    #[test]
    fn the_highest_common_version_is_spoken() {
        let highest = *ApiKey::Metadata.versions().end();
        assert_eq!(choose(0, 5), Some(5));
        assert_eq!(choose(0, i16::MAX), Some(highest));
        assert_eq!(choose(highest + 1, highest + 2), None);
    }

    #[test]
    fn a_request_the_broker_lacks_is_told_with_both_ranges() {
        let address = Address::new("a", 1);
        let error = versions(0, 1).choose(ApiKey::DescribeQuorum, &address);
        let text = error.expect_err("lacks it").to_string();
        assert!(
            text.contains("DescribeQuorum") && text.contains("nothing"),
            "{text}"
        );
    }
}
