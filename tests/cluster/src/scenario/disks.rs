//! Disks that are full, or new.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::sleep;

use super::RESUMES_WITHIN;
use crate::layout::Layout;
use crate::run::Run;
use crate::target::Target;

const PARTITIONS: i32 = 3;
const BROKER: i32 = 2;
const DISK_BYTES: u64 = 96 << 20;
const FULL: Duration = Duration::from_secs(4);

/// R11: refusal is the worst that may come of it. Whether the broker stays or ends is its own affair;
/// once there is room again it comes back, after a restart if it has ended.
pub(super) async fn a_full_disk_refuses_and_recovers(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let layout = Layout {
        small_disk: Some((BROKER, DISK_BYTES)),
        // Whoever reserves space for a segment shall find it.
        ..Layout::default().with("log.segment.bytes", "8388608")
    };
    // The controllers are others', so that the quorum's own disk is not the subject here.
    let layout = layout.with_controllers();
    let run = run.insert(Run::with_load(target, layout, PARTITIONS).await?);
    run.breaks("full disk");
    run.cluster.disk(BROKER).context("a small disk")?.fill()?;
    sleep(FULL).await;
    run.until_acked(RESUMES_WITHIN).await?;
    run.cluster.disk(BROKER).context("a small disk")?.free()?;
    run.heals("full disk");
    // A disk that has failed is looked at again by a restart, as in Kafka.
    if run.cluster.running().contains(&BROKER) {
        run.cluster.kill(BROKER).await?;
    }
    run.cluster.start_node(BROKER)?;
    run.until_acked(RESUMES_WITHIN).await?;
    run.until_in_sync().await
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
