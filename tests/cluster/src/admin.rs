//! What scenarios ask of a cluster.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use client::Admin;
use client::admin::NewTopic;
use protocol::Str;
use protocol::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use protocol::messages::elect_leaders::{ElectLeadersRequest, TopicPartitions};
use tokio::time::{Instant, sleep};
use types::Uuid;

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Creates a topic with three replicas of each partition and returns its id.
///
/// # Errors
/// It is refused.
pub async fn create_topic(admin: &Admin, name: &str, partition_count: i32) -> Result<Uuid> {
    let topic = NewTopic {
        name: name.to_owned(),
        partition_count: Some(partition_count),
        replication_factor: Some(3),
        configs: [("min.insync.replicas".to_owned(), "2".to_owned())].into(),
        ..NewTopic::default()
    };
    let created = admin.create_topics(&[topic], false).await?;
    let (_, result) = created.into_iter().next().context("no answer")?;
    Ok(result?.id)
}

/// Deletes a topic.
///
/// # Errors
/// It is refused.
pub async fn delete_topic(admin: &Admin, name: &str) -> Result<()> {
    let deleted = admin.delete_topics(&[name.to_owned()]).await?;
    let (_, result) = deleted.into_iter().next().context("no answer")?;
    Ok(result?)
}

/// The leader of a partition as some broker knows it now.
///
/// # Errors
/// There is none within ten seconds.
pub async fn leader(admin: &Admin, topic: &str, partition: usize) -> Result<i32> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        let cluster = admin.client().all_topics().await?;
        let topic = cluster.topics.get(topic);
        let partition = topic.and_then(|topic| topic.partitions.get(partition));
        if let Some(partition) = partition.filter(|p| p.has_leader()) {
            return Ok(partition.leader);
        }
        sleep(LOOK_EVERY).await;
    }
    bail!("{topic}-{partition} has no leader")
}

/// Node id of the active controller.
///
/// # Errors
/// Nobody knows one within ten seconds.
pub async fn active_controller(admin: &Admin) -> Result<i32> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match admin.describe_quorum().await {
            Ok(quorum) if quorum.leader_id >= 0 => return Ok(quorum.leader_id),
            Ok(_) if Instant::now() < deadline => sleep(LOOK_EVERY).await,
            Ok(_) => bail!("the quorum has no leader"),
            Err(_) if Instant::now() < deadline => sleep(LOOK_EVERY).await,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Node id of the broker that coordinates a group.
///
/// # Errors
/// None does within ten seconds.
pub async fn coordinator(admin: &Admin, group: &str) -> Result<i32> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let described = admin.describe_groups(&[group]).await;
        let found = described.ok().and_then(|mut all| all.remove(group)?.ok());
        match found.and_then(|group| group.coordinator) {
            Some(id) => return Ok(id),
            None if Instant::now() < deadline => sleep(LOOK_EVERY).await,
            None => bail!("group {group} has no coordinator"),
        }
    }
}

/// Begins to move a partition to these replicas.
///
/// # Errors
/// It is refused.
pub async fn reassign(admin: &Admin, topic: &str, partition: i32, replicas: &[i32]) -> Result<()> {
    let request = AlterPartitionReassignmentsRequest {
        timeout_ms: 10_000,
        allow_replication_factor_change: true,
        topics: vec![ReassignableTopic {
            name: Str::from(topic),
            partitions: vec![ReassignablePartition {
                partition_index: partition,
                replicas: Some(replicas.to_vec()),
            }],
        }],
    };
    let response = admin.raw(None, &request).await?;
    ensure!(
        response.error_code == 0,
        "reassign: error {}",
        response.error_code
    );
    for answer in response
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions)
    {
        let (index, code) = (answer.partition_index, answer.error_code);
        ensure!(code == 0, "reassign {topic}-{index}: error {code}");
    }
    Ok(())
}

/// Has a partition's preferred leader elected; one that is already is no error.
///
/// # Errors
/// The request is not answered.
pub async fn elect_preferred(admin: &Admin, topic: &str, partition: i32) -> Result<()> {
    let request = ElectLeadersRequest {
        election_type: 0,
        topic_partitions: Some(vec![TopicPartitions {
            topic: Str::from(topic),
            partitions: vec![partition],
        }]),
        timeout_ms: 10_000,
    };
    admin.raw(None, &request).await?;
    Ok(())
}
