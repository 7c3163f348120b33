//! Disks that are full, or new.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::sleep;

use super::RESUMES_WITHIN;
use crate::history::Tp;
use crate::layout::Layout;
use crate::run::Run;
use crate::target::Target;

const PARTITIONS: i32 = 3;
const BROKER: i32 = 2;
const DISK_BYTES: u64 = 96 << 20;
const FULL: Duration = Duration::from_secs(4);

/// R11: refusal is the worst that may come of it. What others lead goes on. Whether the broker itself
/// goes on, hands its partitions over or ends is its own affair (Apache Kafka's ends); with room again
/// everything is written to, after a restart if the broker has ended.
pub(super) async fn a_full_disk_refuses_and_recovers(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let layout = Layout {
        small_disk: Some((BROKER, DISK_BYTES)),
        ..Layout::default()
    };
    // The controllers are others', so that the quorum's own disk is not the subject here.
    let layout = layout.with_controllers();
    let run = run.insert(Run::with_load(target, layout, PARTITIONS).await?);
    let others = led_by_others(run).await?;
    run.breaks("full disk");
    run.cluster.disk(BROKER).context("a small disk")?.fill()?;
    sleep(FULL).await;
    run.until_acked_in(&others, RESUMES_WITHIN).await?;
    run.cluster.disk(BROKER).context("a small disk")?.free()?;
    run.heals("full disk");
    if !run.cluster.running().contains(&BROKER) {
        run.cluster.start_node(BROKER)?;
    }
    run.until_acked(RESUMES_WITHIN).await?;
    run.until_in_sync().await
}

async fn led_by_others(run: &Run) -> Result<Vec<Tp>> {
    let admin = run.admin().await?;
    let cluster = admin.client().all_topics().await?;
    let topic = cluster.topics.get("t").context("the topic is there")?;
    let others = topic.partitions.iter().filter(|p| p.leader != BROKER);
    Ok(others.map(|p| format!("t-{}", p.index).into()).collect())
}

/// A broker that is no controller comes back on a disk with nothing on it.
pub(super) async fn a_broker_with_an_empty_disk_gets_everything_back(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let layout = Layout::default().with_controllers();
    let run = run.insert(Run::with_load(target, layout, PARTITIONS).await?);
    run.breaks("wipe");
    run.cluster.kill(BROKER).await?;
    run.cluster.wipe(BROKER).await?;
    run.until_acked(RESUMES_WITHIN).await?;
    run.cluster.start_node(BROKER)?;
    run.heals("wipe");
    run.until_in_sync().await?;
    run.until_acked(RESUMES_WITHIN).await
}
