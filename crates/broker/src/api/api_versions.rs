//! `ApiVersions` (18): what this broker serves. The only API that answers a version it does not know.

use metadata::MetadataImage;
use metadata::feature::FEATURES;
use net::server::Reply;
use protocol::messages::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};
use protocol::{ApiKey, Str, frame};
use types::ErrorCode;

use super::{Ctx, SERVED};

pub(crate) fn handle(ctx: &Ctx<'_>, request: ApiVersionsRequest) -> Reply {
    if ctx.version() >= 3 && !names_software(&request) {
        return ctx.respond(&refusal(ErrorCode::InvalidRequest));
    }
    ctx.respond(&response(&ctx.image(), ctx.version()))
}

/// The answer to a version that we do not have: in version 0, which every client understands, and with
/// nothing in it but the versions of this API.
pub(super) fn unsupported(correlation_id: i32) -> Reply {
    let response = ApiVersionsResponse {
        api_keys: vec![advertised(ApiKey::ApiVersions)],
        ..refusal(ErrorCode::UnsupportedVersion)
    };
    match frame::encode_response(correlation_id, ApiKey::ApiVersions, 0, &response) {
        Ok(segments) => Reply::Now(segments),
        Err(_) => Reply::Close("response cannot be encoded"),
    }
}

fn refusal(code: ErrorCode) -> ApiVersionsResponse {
    ApiVersionsResponse {
        error_code: code.to_wire(),
        ..ApiVersionsResponse::default()
    }
}

fn response(image: &MetadataImage, version: i16) -> ApiVersionsResponse {
    let mut api_keys: Vec<_> = SERVED.iter().copied().map(advertised).collect();
    api_keys.sort_unstable_by_key(|api| api.api_key);
    if version < 3 {
        return ApiVersionsResponse {
            api_keys,
            ..ApiVersionsResponse::default()
        };
    }
    ApiVersionsResponse {
        api_keys,
        supported_features: supported_features(version),
        finalized_features_epoch: image.offset(),
        finalized_features: finalized_features(image),
        ..ApiVersionsResponse::default()
    }
}

fn advertised(key: ApiKey) -> ApiVersion {
    let versions = key.advertised_versions();
    ApiVersion {
        api_key: key.to_wire(),
        min_version: *versions.start(),
        max_version: *versions.end(),
    }
}

/// A minimum of 0 makes Java clients before version 4 of this API throw, so they do not learn of such a
/// feature (KAFKA-17011).
fn supported_features(version: i16) -> Vec<SupportedFeatureKey> {
    let may_name = |min_level: i16| version >= 4 || min_level > 0;
    let features = FEATURES
        .iter()
        .filter(|feature| may_name(feature.min_level));
    features
        .map(|feature| SupportedFeatureKey {
            name: Str::from_static(feature.name),
            min_version: feature.min_level,
            max_version: feature.max_level,
        })
        .collect()
}

fn finalized_features(image: &MetadataImage) -> Vec<FinalizedFeatureKey> {
    image
        .features()
        .map(|(name, level)| FinalizedFeatureKey {
            name: name.into(),
            max_version_level: level,
            min_version_level: level,
        })
        .collect()
}

/// Letters, digits, dots and dashes; the first and the last one a letter or digit (KIP-511).
fn names_software(request: &ApiVersionsRequest) -> bool {
    let is_name = |name: &str| {
        let bytes = name.as_bytes();
        let ends_well = |end: Option<&u8>| end.is_some_and(u8::is_ascii_alphanumeric);
        ends_well(bytes.first())
            && ends_well(bytes.last())
            && bytes
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b".-".contains(b))
    };
    is_name(&request.client_software_name) && is_name(&request.client_software_version)
}
