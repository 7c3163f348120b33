//! Short questions about a cluster's life: who leads, does everybody take records, since when.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use protocol::frame::decode_response;
use protocol::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use protocol::messages::describe_quorum::{
    DescribeQuorumRequest, RequestPartitionData, RequestTopicData,
};
use protocol::messages::produce::ProduceRequest;
use protocol::records::Compression;
use serde_json::json;
use types::{Clock as _, SystemClock};

use crate::args::Args;
use crate::batches::{self, PRODUCE_VERSION, Shape};
use crate::link::Link;
use crate::picture::Picture;
use crate::{report, topics};

/// One small record.
const SMALL: Shape = Shape {
    record_bytes: 100,
    batch_bytes: 0,
    compression: Compression::None,
};
/// Between attempts to reach a node that starts.
const PAUSE: Duration = Duration::from_millis(2);
const TIMEOUT_MS: i32 = 10_000;

/// `--topic`: one record to each partition, one after the other, the leaders at the same time.
pub(crate) fn each(args: &Args) -> Result<()> {
    let topic = args.text("topic")?;
    let clock = SystemClock::new();
    let picture = Picture::take(args.text("bootstrap")?, topic)?;
    thread::scope(|scope| {
        let write = |address: &str, partitions: &[i32]| {
            let mut link = Link::connect(address)?;
            let mut all = partitions.iter();
            all.try_for_each(|partition| one_record(&mut link, topic, *partition))
        };
        let writing = picture.leaders.iter();
        let writing = writing.map(|(address, led)| scope.spawn(move || write(address, led)));
        // All are started before the first is waited for.
        let writing: Vec<_> = writing.collect();
        writing.into_iter().try_for_each(|one| {
            let written: Result<()> = one.join().map_err(|_panic| anyhow!("a thread panicked"))?;
            written
        })
    })?;
    report::result(&json!({
        "each_ms": clock.monotonic().as_secs_f64() * 1e3, "partitions": picture.partition_count,
    }))
}

/// The node id of the active controller.
pub(crate) fn who(args: &Args) -> Result<()> {
    let request = DescribeQuorumRequest {
        topics: vec![RequestTopicData {
            topic_name: "__cluster_metadata".into(),
            partitions: vec![RequestPartitionData::default()],
        }],
    };
    let answer = topics::anybody(args.text("bootstrap")?)?.call(&request, 0)?;
    let partition = answer
        .topics
        .first()
        .and_then(|topic| topic.partitions.first());
    let partition = partition.context("an answer without the quorum")?;
    ensure!(partition.leader_id >= 0, "nobody leads the quorum");
    report::result(&json!({ "controller": partition.leader_id }))
}

/// `--topic --patience`: returns when the node has taken a record; makes the topic if it is not there.
pub(crate) fn first(args: &Args) -> Result<()> {
    let (address, topic) = (args.text("bootstrap")?, args.text("topic")?);
    let clock = SystemClock::new();
    let deadline = clock.monotonic() + args.seconds("patience", 120.0)?;
    loop {
        let tried = Link::connect(address).and_then(|mut link| make_and_write(&mut link, topic));
        if tried.is_ok() {
            return report::result(&json!({}));
        }
        ensure!(
            clock.monotonic() < deadline,
            "no record was taken: {tried:?}"
        );
        thread::park_timeout(PAUSE);
    }
}

fn make_and_write(link: &mut Link, topic: &str) -> Result<()> {
    if one_record(link, topic, 0).is_ok() {
        return Ok(());
    }
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: topic.into(),
            num_partitions: 1,
            replication_factor: 1,
            ..CreatableTopic::default()
        }],
        timeout_ms: TIMEOUT_MS,
        ..CreateTopicsRequest::default()
    };
    link.call(&request, topics::CREATE_VERSION)?;
    one_record(link, topic, 0)
}

fn one_record(link: &mut Link, topic: &str, partition: i32) -> Result<()> {
    let batch = SMALL.batch(1)?.bytes;
    let mut request = batches::request(topic, -1, vec![(partition, batch)])?;
    link.writer.resend(&mut request, 1)?;
    let (_, response) = decode_response::<ProduceRequest>(link.reader.frame()?, PRODUCE_VERSION)?;
    batches::check(&response)
}
