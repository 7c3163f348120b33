use metadata::{MetadataImage, ResourceKind, feature};
use rand::SeedableRng;
use rand::rngs::StdRng;
use types::{BrokerEpoch, NodeId, ProducerId};

use crate::decide::testing::{CONTROLLER, Cluster, settings};
use crate::decide::{
    Activation, ActivationError, BLOCK_LEN, HeartbeatRefusal, activate, allocate_producer_ids,
};

fn random() -> StdRng {
    StdRng::from_seed([1; 32])
}

#[test]
fn the_first_controller_names_the_cluster_and_sets_its_levels() {
    let empty = MetadataImage::empty();
    let decision = activate(&empty, &settings(), &mut random(), NodeId(3), None);
    let decision = decision.expect("a new cluster");
    let id = decision.response.cluster_id.clone();
    assert!(id.parse::<types::Uuid>().is_ok());
    let (image, _) = metadata::replay(&empty, 0, &decision.records).expect("it fits");
    assert_eq!(image.cluster_id(), Some(&*id));
    let active = image.controller().expect("active");
    assert_eq!((active.node_id, active.epoch), (NodeId(3), 0));
    // What Java clients look at must be what is served: the first transaction protocol.
    let levels: Vec<_> = image.features().collect();
    assert_eq!(
        levels,
        [
            ("eligible.leader.replicas.version", 1),
            ("group.version", 1),
            ("kraft.version", 1),
            ("metadata.version", 30),
            ("raudal.version", 1)
        ]
    );
    assert_eq!(image.feature_level("transaction.version"), 0);
}

#[test]
fn a_formatted_node_keeps_the_id_it_was_formatted_with() {
    let empty = MetadataImage::empty();
    let decision = activate(&empty, &settings(), &mut random(), NodeId(3), Some("mine"));
    assert_eq!(decision.expect("new").response.cluster_id, "mine");
}

#[test]
fn a_later_controller_only_raises_the_epoch() {
    let mut cluster = Cluster::empty();
    let decision = activate(
        &cluster.image,
        &cluster.settings,
        &mut random(),
        NodeId(5),
        None,
    );
    let decision = decision.expect("an old cluster");
    assert_eq!(decision.records.len(), 1);
    assert_eq!(
        decision.response,
        Activation {
            epoch: 1,
            cluster_id: "J7s9e8PPTKOO47PxzI39VA".to_owned()
        }
    );
    cluster.commit(&decision.records);
    assert_eq!(cluster.image.controller().map(|c| c.epoch), Some(1));
}

#[test]
fn a_node_of_another_cluster_never_becomes_active() {
    let cluster = Cluster::empty();
    let refused = activate(
        &cluster.image,
        &cluster.settings,
        &mut random(),
        CONTROLLER,
        Some("other"),
    );
    assert!(matches!(refused, Err(ActivationError::ClusterId { .. })));
}

#[test]
fn a_min_isr_in_the_file_of_the_first_controller_holds_for_the_cluster() {
    let mut settings = settings();
    settings.file.set("min.insync.replicas", " 2 ");
    let empty = MetadataImage::empty();
    let decision = activate(&empty, &settings, &mut random(), NodeId(1), None);
    let records = decision.expect("a new cluster").records;
    let (image, _) = metadata::replay(&empty, 0, &records).expect("it fits");
    let set = image.config(ResourceKind::Broker, "", "min.insync.replicas");
    assert_eq!(set, Some("2"));
    assert_eq!(image.min_insync_replicas("t", 3), 2);
    assert!(feature::feature("min.insync.replicas").is_none());
}

#[test]
fn producer_ids_are_given_out_once() {
    let mut cluster = Cluster::of(2);
    let mut allocate = |broker| {
        let broker = NodeId(broker);
        let epoch = cluster.epoch(broker);
        let decision = allocate_producer_ids(&cluster.image, broker, epoch).expect("registered");
        cluster.commit(&decision.records);
        (decision.response.first, decision.response.count)
    };
    let blocks = [allocate(1), allocate(2), allocate(1)];
    let first = |n: i64| (ProducerId(n * i64::from(BLOCK_LEN)), BLOCK_LEN);
    assert_eq!(blocks, [first(0), first(1), first(2)]);
    assert_eq!(cluster.image.next_producer_id(), 3000);
}

#[test]
fn producer_ids_are_for_registered_brokers() {
    let cluster = Cluster::of(1);
    let ask = |id, epoch| allocate_producer_ids(&cluster.image, NodeId(id), BrokerEpoch(epoch));
    assert_eq!(ask(7, 1), Err(HeartbeatRefusal::NotRegistered(NodeId(7))));
    assert!(matches!(
        ask(1, 999),
        Err(HeartbeatRefusal::StaleEpoch { .. })
    ));
}
