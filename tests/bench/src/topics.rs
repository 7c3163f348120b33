//! Topics come and go, and are ready when every broker says so.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use protocol::Str;
use protocol::messages::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use protocol::messages::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest, CreateTopicsResponse,
};
use protocol::messages::delete_topics::DeleteTopicsRequest;
use protocol::messages::fetch::FetchResponse;
use protocol::messages::metadata::MetadataResponse;
use serde_json::json;
use types::{Clock as _, ErrorCode, SystemClock};

use crate::args::Args;
use crate::consume::Reader;
use crate::link::Link;
use crate::picture::{self, Picture};
use crate::report;

pub(crate) const CREATE_VERSION: i16 = 5;
const WIDEN_VERSION: i16 = 2;
const DELETE_VERSION: i16 = 5;
/// Kafka refuses requests that come to more than 10,000 records of metadata: wider topics grow in steps.
const PARTITIONS_AT_ONCE_MAX: i32 = 5000;
const TIMEOUT_MS: i32 = 120_000;
const PAUSE: Duration = Duration::from_millis(10);
/// How long brokers that have opened their ports may be unknown to their controller.
const EARLY_MAX: Duration = Duration::from_secs(20);

/// `--topic --partitions --replicas --configs KEY=VALUE,…`: creates it and waits until each of the bootstrap
/// servers shows all partitions led and in sync, then until their leaders serve them: a broker may be named
/// long before it has made its logs. Says how long creation and each of the two took.
pub(crate) fn create(args: &Args) -> Result<()> {
    let clock = SystemClock::new();
    let topic = args.text("topic")?;
    let partition_count = args.number("partitions", 12)?;
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: topic.into(),
            num_partitions: partition_count.min(PARTITIONS_AT_ONCE_MAX),
            replication_factor: args.number("replicas", 3)?,
            configs: configs(args)?,
            ..CreatableTopic::default()
        }],
        timeout_ms: TIMEOUT_MS,
        ..CreateTopicsRequest::default()
    };
    let mut link = anybody(args.text("bootstrap")?)?;
    while let Some((code, message)) = refused(&link.call(&request, CREATE_VERSION)?) {
        // Right after the start the controller may not know all brokers yet.
        let is_early = code == Some(ErrorCode::InvalidReplicationFactor);
        ensure!(
            is_early && clock.monotonic() < EARLY_MAX,
            "{code:?}: {message:?}"
        );
        thread::park_timeout(PAUSE);
    }
    widen(&mut link, topic, partition_count)?;
    let created_after = clock.monotonic();
    await_everywhere(args, &clock)?;
    let in_sync_after = clock.monotonic();
    await_leaders(args, &clock)?;
    report::result(&json!({
        "create_ms": created_after.as_secs_f64() * 1e3,
        "in_sync_ms": in_sync_after.as_secs_f64() * 1e3,
        "led_ms": clock.monotonic().as_secs_f64() * 1e3,
    }))
}

fn configs(args: &Args) -> Result<Vec<CreatableTopicConfig>> {
    let pairs = args.text_or("configs", "").split(',');
    let config = |pair: &str| {
        let (name, value) = pair.split_once('=').context("--configs KEY=VALUE,…")?;
        Ok(CreatableTopicConfig {
            name: name.into(),
            value: Some(value.into()),
        })
    };
    pairs.filter(|pair| !pair.is_empty()).map(config).collect()
}

/// From what can be made at once to as many partitions as asked for.
fn widen(link: &mut Link, topic: &str, partition_count: i32) -> Result<()> {
    let mut count = PARTITIONS_AT_ONCE_MAX;
    while count < partition_count {
        count = partition_count.min(count + PARTITIONS_AT_ONCE_MAX);
        let request = CreatePartitionsRequest {
            topics: vec![CreatePartitionsTopic {
                name: topic.into(),
                count,
                assignments: None,
            }],
            timeout_ms: TIMEOUT_MS,
            ..CreatePartitionsRequest::default()
        };
        for widened in link.call(&request, WIDEN_VERSION)?.results {
            let code = ErrorCode::from_wire(widened.error_code);
            ensure!(widened.error_code == 0, "{count} partitions: {code:?}");
        }
    }
    Ok(())
}

/// Why the topic was not made.
fn refused(answer: &CreateTopicsResponse) -> Option<(Option<ErrorCode>, Option<Str>)> {
    let mut topics = answer.topics.iter();
    let refused = topics.find(|topic| topic.error_code != 0)?;
    let code = ErrorCode::from_wire(refused.error_code);
    Some((code, refused.error_message.clone()))
}

/// `--topic`
pub(crate) fn delete(args: &Args) -> Result<()> {
    let topic = args.text("topic")?;
    let request = DeleteTopicsRequest {
        topic_names: vec![topic.into()],
        timeout_ms: TIMEOUT_MS,
        ..DeleteTopicsRequest::default()
    };
    let answer = anybody(args.text("bootstrap")?)?.call(&request, DELETE_VERSION)?;
    for deleted in &answer.responses {
        let code = ErrorCode::from_wire(deleted.error_code);
        ensure!(deleted.error_code == 0, "{code:?}");
    }
    report::result(&json!({}))
}

/// `--topic --partitions --replicas`: waits until it is led and in sync everywhere.
pub(crate) fn ready(args: &Args) -> Result<()> {
    let clock = SystemClock::new();
    await_everywhere(args, &clock)?;
    report::result(&json!({ "in_sync_ms": clock.monotonic().as_secs_f64() * 1e3 }))
}

pub(crate) fn anybody(bootstrap: &str) -> Result<Link> {
    let mut links = bootstrap.split(',').map(Link::connect);
    let connected = links.find(Result::is_ok);
    connected.context("no bootstrap server can be reached")?
}

/// The bootstrap servers one after the other: a broker may know later than another.
fn await_everywhere(args: &Args, clock: &SystemClock) -> Result<()> {
    let topic = args.text("topic")?;
    let partition_count: usize = args.number("partitions", 12)?;
    let replica_count: usize = args.number("replicas", 3)?;
    let deadline = clock.monotonic() + patience(args)?;
    for address in args.text("bootstrap")?.split(',') {
        let mut link = Link::connect(address)?;
        while !is_in_sync(
            &picture::ask(&mut link, topic)?,
            partition_count,
            replica_count,
        ) {
            ensure!(
                clock.monotonic() < deadline,
                "{topic} is not in sync on {address}"
            );
            thread::park_timeout(PAUSE);
        }
    }
    Ok(())
}

fn patience(args: &Args) -> Result<Duration> {
    args.seconds("patience", 180.0)
}

/// A broker may be named as leader a while before it acts as one.
fn await_leaders(args: &Args, clock: &SystemClock) -> Result<()> {
    let deadline = clock.monotonic() + patience(args)?;
    let (bootstrap, topic) = (args.text("bootstrap")?, args.text("topic")?);
    for (address, partitions) in Picture::take(bootstrap, topic)?.leaders {
        let mut reader = Reader::new(&address, topic, &partitions, 1, 0)?;
        while !leads_all(&reader.fetch()?) {
            ensure!(clock.monotonic() < deadline, "{address} does not lead");
            thread::park_timeout(PAUSE);
        }
    }
    Ok(())
}

fn leads_all(answer: &FetchResponse) -> bool {
    let mut partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
    partitions.all(|partition| partition.error_code == 0)
}

fn is_in_sync(answer: &MetadataResponse, partition_count: usize, replica_count: usize) -> bool {
    let Ok(found) = picture::partitions(answer) else {
        return false;
    };
    let mut found_in_sync = found.iter();
    found.len() == partition_count
        && found_in_sync.all(|one| one.leader_id >= 0 && one.isr_nodes.len() >= replica_count)
}
