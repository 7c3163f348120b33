//! A cluster of one controller.

use futures_util::future::join_all;
use protocol::ApiKey;
use rpc::Error;
use tokio::time::Instant;
use types::{BrokerEpoch, ErrorCode, NodeId};

use super::harness::{
    CLUSTER_ID, PATIENCE, Single, create_topic, create_topic_request, created, forward, join,
    register, registration, state,
};

#[tokio::test(start_paused = true)]
async fn a_broker_registers_catches_up_and_is_unfenced() {
    let single = Single::start().await;
    let registered = single.client.register(&registration(1, 1), PATIENCE).await;
    let registered = registered.expect("a good registration");
    assert_eq!(registered.cluster_id, CLUSTER_ID);
    let epoch = registered.broker_epoch;
    let broker = single.controller.image().broker(NodeId(1)).cloned();
    assert_eq!(broker.map(|b| (b.epoch, b.fenced)), Some((epoch, true)));

    let mut session = single.client.session(NodeId(1), epoch);
    let behind = session.heartbeat(&state(epoch.0 - 1), PATIENCE).await;
    assert!(behind.expect("registered").fenced);
    let answer = session.heartbeat(&state(epoch.0), PATIENCE).await;
    let answer = answer.expect("registered");
    assert!(!answer.fenced && answer.caught_up);
    // The answer is true already when it is given.
    assert!(single.controller.image().is_live(NodeId(1)));
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_comes_after_its_commit_and_names_its_offset() {
    let single = Single::start().await;
    let _session = join(&single.client, 1).await;
    let (code, offset) = create_topic(&single.client, "t").await;
    assert_eq!(code, 0);
    let image = single.controller.image();
    assert!(image.topic("t").is_some());
    assert_eq!(image.offset(), offset);
    // Nothing to record: the answer rests on what is there.
    let (code, again) = create_topic(&single.client, "t").await;
    assert_eq!(code, ErrorCode::TopicAlreadyExists.to_wire());
    assert_eq!(again, offset);
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_together_are_committed_as_one_entry() {
    const COUNT: usize = 100;
    let single = Single::start().await;
    let _session = join(&single.client, 1).await;
    let before = single.controller.image().offset();
    let requests = (0..COUNT).map(|i| {
        let request = create_topic_request(&format!("t{i}"));
        single.client.forward(request, PATIENCE)
    });
    for forwarded in join_all(requests).await {
        assert_eq!(created(&forwarded.expect("an active controller")).0, 0);
    }
    let image = single.controller.image();
    assert_eq!(image.topic_count(), COUNT);
    let entries = image.offset() - before;
    assert!(entries <= 10, "{COUNT} requests took {entries} entries");
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn of_two_equal_requests_in_one_entry_the_second_sees_the_first() {
    let single = Single::start().await;
    let _session = join(&single.client, 1).await;
    let ask = || single.client.forward(create_topic_request("t"), PATIENCE);
    let answers = join_all([ask(), ask(), ask()]).await;
    let codes = answers.into_iter().map(|a| created(&a.expect("active")).0);
    let mut codes: Vec<i16> = codes.collect();
    codes.sort_unstable();
    let exists = ErrorCode::TopicAlreadyExists.to_wire();
    assert_eq!(codes, [0, exists, exists]);
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn everything_committed_is_there_after_a_restart_under_a_higher_epoch() {
    let single = Single::start().await;
    let _session = join(&single.client, 1).await;
    create_topic(&single.client, "t").await;
    let before = single.controller.image();

    let single = single.restart().await;
    let quorum = single.client.describe_quorum(PATIENCE).await;
    let quorum = quorum.expect("an active controller");
    let after = single.controller.image();
    assert!(after.topic("t").is_some());
    assert_eq!(after.cluster_id(), Some(CLUSTER_ID));
    let epoch = |image: &metadata::MetadataImage| image.controller().map(|c| c.epoch);
    assert!(epoch(&after) > epoch(&before));
    assert_eq!(Some(quorum.leader_epoch), epoch(&after));
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn producer_ids_are_never_given_out_twice() {
    let single = Single::start().await;
    let epoch = register(&single.client, 1).await;
    let mut firsts = Vec::new();
    for _ in 0..3 {
        let asked = single
            .client
            .allocate_producer_ids(NodeId(1), epoch, PATIENCE);
        let block = asked.await.expect("registered");
        assert!(block.count > 0);
        firsts.push((block.first.0, block.first.0 + i64::from(block.count)));
    }
    assert!(
        firsts.windows(2).all(|pair| pair[0].1 <= pair[1].0),
        "{firsts:?}"
    );
    let stale = BrokerEpoch(epoch.0 + 1);
    let asked = single
        .client
        .allocate_producer_ids(NodeId(1), stale, PATIENCE);
    let refused = asked.await.expect_err("not the epoch");
    assert_eq!(refused.code(), Some(ErrorCode::StaleBrokerEpoch));
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_quorum_describes_its_voter_and_its_observers() {
    let single = Single::start().await;
    let _session = join(&single.client, 7).await;
    let quorum = single.client.describe_quorum(PATIENCE).await;
    let quorum = quorum.expect("an active controller");
    assert_eq!(quorum.leader_id, NodeId(1));
    assert_eq!(
        quorum.high_watermark,
        single.controller.image().offset() + 1
    );
    let voter = &quorum.voters[0];
    assert_eq!(
        (voter.node_id, voter.log_end_offset),
        (NodeId(1), quorum.high_watermark)
    );
    assert!(!voter.directory_id.0.is_zero());
    let observers: Vec<_> = quorum.observers.iter().map(|o| o.node_id).collect();
    assert_eq!(observers, [NodeId(7)]);
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_admin_request_is_refused_and_not_asked_again() {
    let single = Single::start().await;
    for request in [
        forward(ApiKey::Produce, 9, vec![0; 4].into()),
        forward(ApiKey::CreateTopics, 99, vec![0; 4].into()),
        forward(ApiKey::CreateTopics, 7, vec![0xff; 4].into()),
    ] {
        let refused = single.client.forward(request, PATIENCE).await;
        assert!(matches!(refused, Err(Error::Malformed(_))), "{refused:?}");
    }
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_disk_ends_the_controller_and_acknowledges_nothing() {
    let single = Single::start().await;
    let _session = join(&single.client, 1).await;
    single.node.store.fail();
    let request = single.client.forward(create_topic_request("t"), PATIENCE);
    let (asked, reason) = tokio::join!(request, single.controller.failed());
    assert!(
        matches!(asked, Err(Error::NoController { .. })),
        "{asked:?}"
    );
    assert!(reason.to_string().contains("the disk failed"), "{reason}");
    assert!(single.controller.image().topic("t").is_none());
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_nobody() {
    let single = Single::start().await;
    let mut session = join(&single.client, 1).await;
    let mut tail = single.client.tail(0, NodeId(1));
    tail.next().await.expect("an event");
    let before = Instant::now();
    single.controller.shutdown().await;
    assert!(before.elapsed().as_millis() < 100, "{:?}", before.elapsed());
    session.broken().await;
}
