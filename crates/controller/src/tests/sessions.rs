//! Who is fenced, and who is not.

use std::time::Duration;

use metadata::MetadataImage;
use tokio::time::timeout;
use types::{BrokerEpoch, ErrorCode, NodeId};

use super::harness::{
    PATIENCE, SESSION_TIMEOUT, Single, create_topic, join, join_as, listening, register,
    registration, state,
};
use crate::Controller;

const B: NodeId = NodeId(1);

async fn until_live_is(controller: &Controller, live: bool) {
    let mut offset = controller.watch_offset();
    let reached = offset.wait_for(|_| controller.image().is_live(B) == live);
    timeout(PATIENCE, reached)
        .await
        .expect("in time")
        .expect("running");
}

#[tokio::test(start_paused = true)]
async fn a_silent_broker_is_fenced_when_its_session_ends() {
    let single = Single::start().await;
    let mut session = join(&single.client, 1).await;
    let joined = tokio::time::Instant::now();
    let image = single.controller.image();
    // The stream stays open: nothing but silence speaks against the broker.
    until_live_is(&single.controller, false).await;
    let silent = joined.elapsed();
    assert!(
        silent >= SESSION_TIMEOUT && silent < SESSION_TIMEOUT * 2,
        "{silent:?}"
    );

    // It comes back by itself, with its old epoch, once it has caught up.
    let epoch = image.broker(B).map(|b| b.epoch).expect("registered");
    let offset = single.controller.image().offset();
    let answer = session.heartbeat(&state(offset), PATIENCE).await;
    assert!(!answer.expect("still registered").fenced);
    assert_eq!(
        single.controller.image().broker(B).map(|b| b.epoch),
        Some(epoch)
    );
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_beats_is_never_fenced() {
    let single = Single::start().await;
    let mut session = join(&single.client, 1).await;
    for _ in 0..20 {
        tokio::time::advance(SESSION_TIMEOUT / 3).await;
        let offset = single.controller.image().offset();
        let answer = session.heartbeat(&state(offset), PATIENCE).await;
        assert!(!answer.expect("registered").fenced);
    }
    single.controller.shutdown().await;
}

#[tokio::test]
async fn a_broker_whose_process_is_gone_is_fenced_at_once() {
    let single = Single::start().await;
    let session = join(&single.client, 1).await;
    // The stream breaks, and its port refuses connections.
    drop(session);
    until_live_is(&single.controller, false).await;
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn another_process_waits_until_the_first_one_is_gone() {
    let single = Single::start().await;
    let session = join(&single.client, 1).await;
    let before = single.controller.image().broker(B).map(|b| b.epoch);
    let second = registration(1, 2);
    let refused = single.client.register(&second, PATIENCE).await;
    let refused = refused.expect_err("the first one is alive");
    assert_eq!(refused.code(), Some(ErrorCode::DuplicateBrokerRegistration));

    drop(session);
    let mut tries = 0;
    let registered = loop {
        match single.client.register(&second, PATIENCE).await {
            Ok(registered) => break registered,
            Err(error) => assert_eq!(error.code(), Some(ErrorCode::DuplicateBrokerRegistration)),
        }
        tries += 1;
        assert!(tries < 1000, "the end of the stream is evidence");
        tokio::task::yield_now().await;
    };
    assert!(Some(registered.broker_epoch) > before);
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_killed_broker_comes_back_at_once_after_the_controller_was_restarted_too() {
    let single = Single::start().await;
    let _session = join(&single.client, 1).await;
    let single = single.restart().await;
    let registered = single.client.register(&registration(1, 2), PATIENCE).await;
    registered.expect("this controller has never heard of the first process");
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_controller_gives_everybody_a_full_session_whose_process_is_there() {
    let single = Single::start().await;
    let (registration, _listener) = listening(1).await;
    let _session = join_as(&single.client, &registration).await;
    tokio::time::advance(SESSION_TIMEOUT - Duration::from_secs(1)).await;
    let single = single.restart().await;
    single
        .client
        .describe_quorum(PATIENCE)
        .await
        .expect("active");
    let active = tokio::time::Instant::now();
    until_live_is(&single.controller, false).await;
    assert!(active.elapsed() > SESSION_TIMEOUT - Duration::from_secs(1));
    single.controller.shutdown().await;
}

#[tokio::test]
async fn a_new_controller_fences_at_once_whose_process_is_gone() {
    let single = Single::start().await;
    let _session = join(&single.client, 1).await;
    let restarted = tokio::time::Instant::now();
    let single = single.restart().await;
    until_live_is(&single.controller, false).await;
    assert!(restarted.elapsed() < SESSION_TIMEOUT);
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_controller_that_was_stopped_itself_fences_nobody() {
    let single = Single::start().await;
    let mut session = join(&single.client, 1).await;
    // Nobody runs meanwhile, as when a virtual machine is moved.
    tokio::time::advance(SESSION_TIMEOUT * 3).await;
    let offset = single.controller.image().offset();
    let topic = create_topic(&single.client, "t").await;
    assert_eq!(topic.0, 0, "the broker is live, so it gets replicas");
    let answer = session.heartbeat(&state(offset), PATIENCE).await;
    assert!(!answer.expect("registered").fenced);
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_broker_may_stop_only_when_the_others_know_who_leads_instead() {
    let single = Single::start().await;
    let mut first = join(&single.client, 1).await;
    let mut second = join(&single.client, 2).await;
    let mut leaving = state(single.controller.image().offset());
    leaving.want_shutdown = true;
    let may_stop = async |session: &mut rpc::BrokerSession| {
        let answer = session.heartbeat(&leaving, PATIENCE).await;
        answer.expect("registered").should_shutdown
    };
    assert!(!may_stop(&mut first).await, "nobody has heard of it");
    assert!(!may_stop(&mut first).await);
    let seen = state(single.controller.image().offset());
    second.heartbeat(&seen, PATIENCE).await.expect("registered");
    assert!(may_stop(&mut first).await);
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_leaving_may_stop_under_the_next_controller_too() {
    let single = Single::start().await;
    let (one, _listener) = listening(1).await;
    let (two, _other_listener) = listening(2).await;
    let mut first = join_as(&single.client, &one).await;
    let mut second = join_as(&single.client, &two).await;
    let mut leaving = state(single.controller.image().offset());
    leaving.want_shutdown = true;
    let told = first.heartbeat(&leaving, PATIENCE).await;
    assert!(!told.expect("registered").should_shutdown);
    let epoch = |broker, image: &MetadataImage| image.broker(broker).expect("known").epoch;
    let epochs = [B, NodeId(2)].map(|broker| epoch(broker, &single.controller.image()));
    drop((first, second));

    let single = single.restart().await;
    first = single.client.session(B, epochs[0]);
    second = single.client.session(NodeId(2), epochs[1]);
    let told = first.heartbeat(&leaving, PATIENCE).await;
    assert!(
        !told.expect("registered").should_shutdown,
        "not heard of yet"
    );
    // Nothing more is recorded, so this is all that the other broker can have seen.
    let seen = state(single.controller.image().offset());
    second.heartbeat(&seen, PATIENCE).await.expect("registered");
    let told = first.heartbeat(&leaving, PATIENCE).await;
    assert!(told.expect("registered").should_shutdown);
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn heartbeats_of_strangers_and_former_processes_are_refused() {
    let single = Single::start().await;
    let epoch = register(&single.client, 1).await;
    let expected = [
        (NodeId(9), epoch, ErrorCode::BrokerIdNotRegistered),
        (B, BrokerEpoch(epoch.0 - 1), ErrorCode::StaleBrokerEpoch),
    ];
    for (broker, epoch, code) in expected {
        let mut session = single.client.session(broker, epoch);
        let refused = session.heartbeat(&state(epoch.0), PATIENCE).await;
        assert_eq!(refused.expect_err("refused").code(), Some(code));
    }
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_leads_nothing_may_stop_once_its_wish_is_committed() {
    let single = Single::start().await;
    let mut session = join(&single.client, 1).await;
    let mut leaving = state(single.controller.image().offset());
    leaving.want_shutdown = true;
    let answer = session.heartbeat(&leaving, PATIENCE).await;
    assert!(answer.expect("registered").should_shutdown);
    // By then nobody else counts on it any more.
    assert!(!single.controller.image().is_live(B));
    single.controller.shutdown().await;
}
