//! `UpdateFeatures` (key 57).

use metadata::MetadataImage;
use protocol::Str;
use protocol::messages::update_features::{
    FeatureUpdateKey, UpdatableFeatureResult, UpdateFeaturesRequest, UpdateFeaturesResponse,
};
use types::ErrorCode;

use super::{AdminApi, RequestContext};
use crate::decide::{Decision, FeatureUpdate, UpgradeKind, update_features};

/// From this version on, the direction has a number and nothing is answered feature by feature.
const UPGRADE_TYPE_FROM: i16 = 1;
/// From this version on, the features are not repeated in the answer.
const NO_RESULTS_FROM: i16 = 2;

pub(super) struct Api;

impl AdminApi for Api {
    type Request = UpdateFeaturesRequest;
    type Response = UpdateFeaturesResponse;

    fn evaluate(
        image: &MetadataImage,
        context: &RequestContext<'_>,
        version: i16,
        request: &Self::Request,
    ) -> Decision<Self::Response> {
        let updates = request.feature_updates.iter();
        let updates: Vec<FeatureUpdate> = updates.map(|update| wanted(version, update)).collect();
        let validate_only = request.validate_only;
        let decided = update_features(image, context.controller, &updates, validate_only);
        match decided {
            Ok(decision) => Decision {
                records: decision.records,
                response: UpdateFeaturesResponse {
                    error_message: None,
                    results: results(version, request),
                    ..UpdateFeaturesResponse::default()
                },
            },
            // As Kafka: one wrong update fails all of them, which the top of the answer says.
            Err(refusal) => Decision::only(UpdateFeaturesResponse {
                error_code: ErrorCode::InvalidUpdateVersion.to_wire(),
                error_message: Some(Str::from(refusal.to_string())),
                ..UpdateFeaturesResponse::default()
            }),
        }
    }

    fn refuse(_version: i16, _request: &Self::Request, code: ErrorCode) -> Self::Response {
        UpdateFeaturesResponse {
            error_code: code.to_wire(),
            error_message: None,
            ..UpdateFeaturesResponse::default()
        }
    }
}

fn wanted(version: i16, update: &FeatureUpdateKey) -> FeatureUpdate {
    let kind = match (version, update.upgrade_type) {
        (..UPGRADE_TYPE_FROM, _) if update.allow_downgrade => UpgradeKind::SafeDowngrade,
        (..UPGRADE_TYPE_FROM, _) | (_, 1) => UpgradeKind::Upgrade,
        (_, 2) => UpgradeKind::SafeDowngrade,
        (_, 3) => UpgradeKind::UnsafeDowngrade,
        (_, number) => UpgradeKind::Unknown(number),
    };
    FeatureUpdate {
        feature: update.feature.clone(),
        level: update.max_version_level,
        kind,
    }
}

fn results(version: i16, request: &UpdateFeaturesRequest) -> Vec<UpdatableFeatureResult> {
    if version >= NO_RESULTS_FROM {
        return Vec::new();
    }
    let results = request.feature_updates.iter();
    let results = results.map(|update| UpdatableFeatureResult {
        feature: update.feature.clone(),
        error_code: ErrorCode::None.to_wire(),
        error_message: None,
    });
    results.collect()
}
