use metadata::feature;
use protocol::Str;
use protocol::messages::unregister_broker::UnregisterBrokerRequest;
use protocol::messages::update_features::{
    FeatureUpdateKey, UpdateFeaturesRequest, UpdateFeaturesResponse,
};
use types::{ErrorCode, NodeId};

use super::{Answer, OK, answer, error};
use crate::decide::testing::{Cluster, registration};

const UPGRADE: i8 = 1;
const SAFE_DOWNGRADE: i8 = 2;
const UNSAFE_DOWNGRADE: i8 = 3;

fn request(updates: &[(&str, i16, i8)]) -> UpdateFeaturesRequest {
    let updates = updates.iter().map(|(name, level, kind)| FeatureUpdateKey {
        feature: Str::from(*name),
        max_version_level: *level,
        upgrade_type: *kind,
        ..FeatureUpdateKey::default()
    });
    UpdateFeaturesRequest {
        feature_updates: updates.collect(),
        ..UpdateFeaturesRequest::default()
    }
}

fn words(response: &UpdateFeaturesResponse) -> Answer {
    answer(response.error_code, response.error_message.as_ref())
}

fn refused(cluster: &Cluster, update: (&str, i16, i8), reason: &str) {
    let (name, level, _) = update;
    let text = format!(
        "The update failed for all features since the following feature had an error: Invalid update \
         version {level} for feature {name}. {reason}"
    );
    let response = cluster.ask(2, &request(&[update]));
    assert_eq!(
        words(&response),
        error(ErrorCode::InvalidUpdateVersion, &text)
    );
}

#[test]
fn levels_that_are_not_served_are_refused() {
    let cluster = Cluster::of(1);
    for level in [31, 29, 0] {
        refused(
            &cluster,
            ("metadata.version", level, UNSAFE_DOWNGRADE),
            "Local controller 100 only supports versions 30-30",
        );
    }
    refused(
        &cluster,
        ("eligible.leader.replicas.version", -1, UPGRADE),
        "A feature version cannot be less than 0.",
    );
    for name in ["no.such", "transaction.version", "share.version"] {
        refused(
            &cluster,
            (name, 1, UPGRADE),
            "Local controller 100 does not support this feature.",
        );
    }
}

#[test]
fn a_level_goes_down_only_when_asked_to() {
    let mut cluster = Cluster::of(1);
    let elr = feature::ELIGIBLE_LEADER_REPLICAS;
    refused(
        &cluster,
        (elr, 0, UPGRADE),
        "Can't downgrade the version of this feature without setting the upgrade type to either safe \
         or unsafe downgrade.",
    );
    for kind in [0, 9, -1] {
        refused(
            &cluster,
            (elr, 0, kind),
            "The controller does not support the given upgrade type.",
        );
    }
    let response = cluster.tell(2, &request(&[(elr, 0, SAFE_DOWNGRADE)]));
    assert_eq!(words(&response), OK);
    assert_eq!(cluster.image.feature_level(elr), 0);
    let response = cluster.tell(2, &request(&[(elr, 1, UPGRADE)]));
    assert_eq!(words(&response), OK);
    assert_eq!(cluster.image.feature_level(elr), 1);
}

#[test]
fn the_oldest_version_says_yes_or_no_to_downgrades() {
    let cluster = Cluster::of(1);
    let mut request = request(&[(feature::ELIGIBLE_LEADER_REPLICAS, 0, UPGRADE)]);
    assert_eq!(cluster.ask(0, &request).error_code, 95);
    request.feature_updates[0].allow_downgrade = true;
    let response = cluster.ask(0, &request);
    assert_eq!(words(&response), OK);
    assert_eq!(response.results.len(), 1);
    assert_eq!(response.results[0].error_code, 0);
}

#[test]
fn one_wrong_update_fails_all_of_them() {
    let cluster = Cluster::of(1);
    let updates = [
        (feature::ELIGIBLE_LEADER_REPLICAS, 0, SAFE_DOWNGRADE),
        ("no.such", 1, UPGRADE),
    ];
    assert_eq!(cluster.evaluate(1, &request(&updates)).records, []);
    assert_eq!(cluster.ask(1, &request(&updates)).results, []);
    let twice = [
        (feature::METADATA_VERSION, 30, UPGRADE),
        (feature::METADATA_VERSION, 30, UPGRADE),
    ];
    assert_eq!(cluster.ask(1, &request(&twice)).error_code, 95);
}

#[test]
fn levels_that_a_broker_does_not_serve_are_refused() {
    let mut cluster = Cluster::of(1);
    let elr = feature::ELIGIBLE_LEADER_REPLICAS;
    cluster.tell(2, &request(&[(elr, 0, SAFE_DOWNGRADE)]));
    let mut old = registration(2);
    old.features.remove(elr);
    cluster.join(&old);
    refused(
        &cluster,
        (elr, 1, UPGRADE),
        "Broker 2 does not support this version; upgrade it first.",
    );
}

#[test]
fn a_dry_run_and_no_change_at_all_record_nothing() {
    let cluster = Cluster::of(1);
    let mut dry = request(&[(feature::ELIGIBLE_LEADER_REPLICAS, 0, SAFE_DOWNGRADE)]);
    dry.validate_only = true;
    assert_eq!(cluster.evaluate(2, &dry).records, []);
    assert_eq!(words(&cluster.ask(2, &dry)), OK);
    let same = request(&[(feature::METADATA_VERSION, 30, UPGRADE)]);
    assert_eq!(cluster.evaluate(2, &same).records, []);
    assert_eq!(words(&cluster.ask(2, &request(&[]))), OK);
}

#[test]
fn a_broker_is_forgotten_and_an_unknown_one_is_not() {
    let mut cluster = Cluster::of(2);
    let unregister = |broker_id| UnregisterBrokerRequest { broker_id };
    for unknown in [7, -1] {
        let response = cluster.tell(0, &unregister(unknown));
        assert_eq!(
            answer(response.error_code, response.error_message.as_ref()),
            error(
                ErrorCode::BrokerIdNotRegistered,
                &format!("Broker ID {unknown} is not currently registered")
            )
        );
    }
    assert_eq!(cluster.tell(0, &unregister(2)).error_code, 0);
    assert!(cluster.image.broker(NodeId(2)).is_none());
}
