//! Many nodes die, or all, or one after the other.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::sleep;

use super::RESUMES_WITHIN;
use crate::histck::figures::figures;
use crate::layout::Layout;
use crate::run::Run;
use crate::target::Target;

const PARTITIONS: i32 = 3;

/// Nobody waits for anybody: at times two of three are down, and replicas die while they catch up.
pub(super) async fn nodes_that_die_again_and_again_lose_nothing(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let started = Run::with_load(target, Layout::default(), PARTITIONS).await?;
    let run = run.insert(started);
    let pauses = [700, 150, 400, 50, 900, 300, 20, 600, 250];
    for (at, pause) in pauses.into_iter().enumerate() {
        let id = i32::try_from(at % 3)? + 1;
        run.breaks("kill");
        run.cluster.kill(id).await?;
        sleep(Duration::from_millis(pause / 3)).await;
        run.cluster.start_node(id)?;
        run.heals("kill");
        sleep(Duration::from_millis(pause)).await;
    }
    run.until_in_sync().await?;
    run.until_acked(RESUMES_WITHIN).await
}

pub(super) async fn a_cluster_killed_as_a_whole_comes_back_with_everything(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let started = Run::with_load(target, Layout::default(), PARTITIONS).await?;
    let run = run.insert(started);
    for _ in 0..2 {
        run.breaks("kill all");
        run.cluster.kill_all().await?;
        for id in run.cluster.layout().node_ids() {
            run.cluster.start_node(id)?;
        }
        run.heals("kill all");
        run.until_in_sync().await?;
        run.until_acked(RESUMES_WITHIN).await?;
    }
    Ok(())
}

/// A2: leaders move first, and clients with their usual retries notice nothing.
pub(super) async fn a_rolling_restart_fails_no_request(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let started = Run::with_load(target, Layout::default(), PARTITIONS).await?;
    let run = run.insert(started);
    for id in run.cluster.brokers() {
        run.breaks("restart");
        run.cluster.stop(id).await?;
        run.until_acked(RESUMES_WITHIN).await?;
        run.cluster.start_node(id)?;
        run.heals("restart");
        run.until_in_sync().await?;
        sleep(Duration::from_millis(300)).await;
    }
    let figures = figures(&run.recorder.events(), |_| true);
    let failed = figures.failed + figures.unknown;
    ensure!(
        failed == 0,
        "{failed} requests failed during a rolling restart"
    );
    Ok(())
}
