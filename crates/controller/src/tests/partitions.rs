//! Leaders propose who is in sync, brokers say where their replicas are.

use metadata::{MetadataImage, PartitionRegistration};
use rpc::{
    BrokerSession, ControllerClient, DirectoryAssignment, DirectoryRefusal, IsrMember,
    PartitionRefusal, PartitionUpdate,
};
use types::{BrokerEpoch, DirectoryId, ErrorCode, NodeId, Uuid};

use super::harness::{PATIENCE, Single, create_topic_on, join};

/// Two brokers, and partition 0 of `t` on both, led by the first.
struct Pair {
    single: Single,
    _sessions: [BrokerSession; 2],
}

impl Pair {
    async fn start() -> Self {
        let single = Single::start().await;
        let sessions = [join(&single.client, 1).await, join(&single.client, 2).await];
        create_topic_on(&single.client, "t", &[1, 2]).await;
        Self {
            single,
            _sessions: sessions,
        }
    }

    fn client(&self) -> &ControllerClient {
        &self.single.client
    }

    fn image(&self) -> std::sync::Arc<MetadataImage> {
        self.single.controller.image()
    }

    fn epoch(&self, broker: i32) -> BrokerEpoch {
        let image = self.image();
        image.broker(NodeId(broker)).expect("registered").epoch
    }

    fn partition(&self) -> PartitionRegistration {
        let image = self.image();
        let topic = image.topic("t").expect("it exists");
        (**topic.partition(0).expect("it exists")).clone()
    }

    fn update(&self, isr: &[i32]) -> PartitionUpdate {
        let partition = self.partition();
        let member = |id: &i32| IsrMember {
            node: NodeId(*id),
            broker_epoch: self.epoch(*id),
        };
        PartitionUpdate {
            topic_id: self.image().topic("t").expect("it exists").id(),
            index: 0,
            leader_epoch: partition.leader_epoch,
            partition_epoch: partition.partition_epoch,
            isr: isr.iter().map(member).collect(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn proposals_are_answered_one_by_one_with_what_was_committed() {
    let pair = Pair::start().await;
    let first = pair.partition();
    let shrink = pair.update(&[1]);
    let stranger = PartitionUpdate {
        index: 7,
        ..shrink.clone()
    };
    let (broker, epoch) = (NodeId(1), pair.epoch(1));
    let told = pair
        .client()
        .alter_partitions(broker, epoch, &[shrink.clone(), stranger], PATIENCE)
        .await;
    let told = told.expect("an active controller");
    let state = told[0].as_ref().expect("accepted");
    assert_eq!(state.isr, [broker]);
    assert_eq!(state.partition_epoch, first.partition_epoch.next());
    assert_eq!(told[1], Err(PartitionRefusal::UnknownPartition));
    assert_eq!(pair.partition().isr, state.isr);

    // The same again is from before now, whoever asks.
    let again = pair
        .client()
        .alter_partitions(broker, epoch, &[shrink], PATIENCE)
        .await;
    let again = again.expect("an active controller");
    assert_eq!(again, [Err(PartitionRefusal::StalePartitionEpoch)]);
    pair.single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_not_registered_proposes_nothing() {
    let pair = Pair::start().await;
    let former = BrokerEpoch(pair.epoch(1).0 - 1);
    let refused = pair
        .client()
        .alter_partitions(NodeId(1), former, &[pair.update(&[1])], PATIENCE)
        .await;
    let refused = refused.expect_err("another process");
    assert_eq!(refused.code(), Some(ErrorCode::StaleBrokerEpoch));
    assert_eq!(pair.partition().isr.len(), 2);
    pair.single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_broker_says_in_which_directory_a_replica_is() {
    let pair = Pair::start().await;
    let topic_id = pair.image().topic("t").expect("it exists").id();
    let registered = pair.image().broker(NodeId(2)).expect("there").log_dirs[0];
    let unknown = DirectoryId(Uuid::from_bytes([9; 16]));
    let assignments = [registered, unknown].map(|directory| DirectoryAssignment {
        topic_id,
        index: 0,
        directory,
    });
    let answers = pair
        .client()
        .assign_directories(NodeId(2), pair.epoch(2), &assignments, PATIENCE)
        .await;
    assert_eq!(
        answers.expect("an active controller"),
        [Ok(()), Err(DirectoryRefusal::UnknownDirectory)]
    );
    assert_eq!(pair.partition().directory_of(NodeId(2)), registered);
    pair.single.controller.shutdown().await;
}
