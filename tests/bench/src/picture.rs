//! Who leads what.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponsePartition,
};
use types::ErrorCode;

use crate::link::Link;

const METADATA_VERSION: i16 = 12;

/// A topic's leaders: address and the partitions led there, in the order of broker ids.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) leaders: Vec<(String, Vec<i32>)>,
    pub(crate) partition_count: usize,
}

impl Picture {
    /// Asks the brokers one after the other until one answers.
    ///
    /// # Errors
    /// Nobody answers, or a partition has no leader.
    pub(crate) fn take(bootstrap: &str, topic: &str) -> Result<Self> {
        Self::of(&ask_anybody(bootstrap, topic)?)
    }

    pub(crate) fn of(answer: &MetadataResponse) -> Result<Self> {
        let addresses: BTreeMap<i32, String> = answer
            .brokers
            .iter()
            .map(|broker| (broker.node_id, format!("{}:{}", broker.host, broker.port)))
            .collect();
        let partitions = partitions(answer)?;
        let mut led: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for partition in partitions {
            let led_there = led.entry(partition.leader_id).or_default();
            led_there.push(partition.partition_index);
        }
        let leaders = led.into_iter().map(|(node, mut led)| {
            let address = addresses.get(&node).context("a partition has no leader")?;
            led.sort_unstable();
            Ok((address.clone(), led))
        });
        Ok(Self {
            leaders: leaders.collect::<Result<_>>()?,
            partition_count: partitions.len(),
        })
    }
}

/// The partitions of the one topic that was asked for.
pub(crate) fn partitions(answer: &MetadataResponse) -> Result<&[MetadataResponsePartition]> {
    let topic = answer.topics.first().context("an answer without topics")?;
    let code = ErrorCode::from_wire(topic.error_code);
    ensure!(topic.error_code == 0, "the topic's metadata: {code:?}");
    Ok(&topic.partitions)
}

pub(crate) fn ask(link: &mut Link, topic: &str) -> Result<MetadataResponse> {
    let topic = MetadataRequestTopic {
        name: Some(topic.into()),
        ..MetadataRequestTopic::default()
    };
    let request = MetadataRequest {
        topics: Some(vec![topic]),
        ..MetadataRequest::default()
    };
    link.call(&request, METADATA_VERSION)
}

fn ask_anybody(bootstrap: &str, topic: &str) -> Result<MetadataResponse> {
    let mut failure = None;
    for address in bootstrap.split(',') {
        match Link::connect(address).and_then(|mut link| ask(&mut link, topic)) {
            Ok(answer) => return Ok(answer),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.context("no bootstrap server is named")?)
}
