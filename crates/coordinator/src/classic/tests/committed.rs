//! In a shard: nothing is said that a failover could take back.

use std::time::Duration;

use metadata::MetadataImage;
use protocol::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use protocol::messages::sync_group::SyncGroupRequest;
use types::Uuid;

use crate::env::{Caller, Now, Surroundings, Token};
use crate::request::{Answer, Request};
use crate::settings::Settings;
use crate::shard::Shard;

#[test]
fn assignments_leave_when_the_record_that_holds_them_is_committed() {
    let image = MetadataImage::default();
    let settings = Settings::default();
    let at = |ms| Surroundings {
        now: Now {
            monotonic: Duration::from_millis(ms),
            wall_ms: 0,
        },
        image: &image,
        settings: &settings,
    };
    let caller = Caller {
        client_id: "a".into(),
        client_host: "/10.0.0.1".into(),
        version: 3,
        fresh_id: Uuid::ONE,
    };
    let mut shard = Shard::loading();
    shard.on_loaded(&at(0), 0, 0);

    let born = shard.handle(&at(0), &caller, Token(1), &join());
    assert_eq!(born.len(), 1);
    shard.on_appended(&born, 1);
    let none = shard.on_time(&at(3000));
    assert!(none.is_empty() && shard.take_ready().is_empty());
    shard.on_high_watermark(&at(3000), 1);
    let [(Token(1), Answer::Join(joined))] = &*shard.take_ready() else {
        panic!("the join is to be answered");
    };

    let sync = SyncGroupRequest {
        group_id: "g".into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id.clone(),
        ..SyncGroupRequest::default()
    };
    let assigned = shard.handle(&at(3000), &caller, Token(2), &Request::Sync(sync));
    shard.on_appended(&assigned, 2);
    assert!(shard.take_ready().is_empty());
    shard.on_high_watermark(&at(3001), 2);
    let [(Token(2), Answer::Sync(synced))] = &*shard.take_ready() else {
        panic!("the sync is to be answered");
    };
    assert_eq!(synced.error_code, 0);
}

fn join() -> Request {
    Request::Join(JoinGroupRequest {
        group_id: "g".into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 10_000,
        protocol_type: "consumer".into(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".into(),
            ..JoinGroupRequestProtocol::default()
        }],
        ..JoinGroupRequest::default()
    })
}
