//! One node dies or stands still.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::sleep;

use super::RESUMES_WITHIN;
use crate::admin::{active_controller, leader};
use crate::layout::Layout;
use crate::load::LoadSpec;
use crate::load::java::JavaProducer;
use crate::run::Run;
use crate::target::{self, Target};

/// One leader for each broker.
const PARTITIONS: i32 = 3;
/// Ten seconds of writing.
const JAVA_RECORDS: u32 = 5000;
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long the cluster goes on without the node.
const WITHOUT: Duration = Duration::from_secs(1);

/// Begins a run with load on three brokers.
async fn begin<'a>(run: &'a mut Option<Run>, target: &Target) -> Result<&'a mut Run> {
    let started = Run::with_load(target, Layout::default(), PARTITIONS).await?;
    Ok(run.insert(started))
}

/// Kills a node, waits until everything is written to again, and brings it back.
async fn kill_and_restart(run: &mut Run, id: i32) -> Result<()> {
    run.breaks("kill");
    run.cluster.kill(id).await?;
    run.until_acked(RESUMES_WITHIN).await?;
    sleep(WITHOUT).await;
    run.cluster.start_node(id)?;
    run.heals("kill");
    run.until_in_sync().await
}

pub(super) async fn a_killed_leader_loses_nothing_acknowledged(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let run = begin(run, target).await?;
    let controller = active_controller(&run.admin().await?).await?;
    let victim = run.cluster.brokers().find(|id| *id != controller);
    kill_and_restart(run, victim.context("three brokers")?).await
}

pub(super) async fn a_killed_follower_loses_nothing_acknowledged(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let started = Run::with_load(target, Layout::default(), 1).await?;
    let run = run.insert(started);
    let admin = run.admin().await?;
    let busy = [
        active_controller(&admin).await?,
        leader(&admin, "t", 0).await?,
    ];
    let victim = run.cluster.brokers().find(|id| !busy.contains(id));
    kill_and_restart(run, victim.context("three brokers")?).await
}

pub(super) async fn a_killed_active_controller_loses_nothing_acknowledged(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let layout = Layout::default().with_controllers();
    let run = run.insert(Run::with_load(target, layout, PARTITIONS).await?);
    for _ in 0..2 {
        let controller = active_controller(&run.admin().await?).await?;
        kill_and_restart(run, controller).await?;
    }
    Ok(())
}

pub(super) async fn a_killed_leader_that_is_active_controller_loses_nothing(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let run = begin(run, target).await?;
    let controller = active_controller(&run.admin().await?).await?;
    kill_and_restart(run, controller).await
}

/// A zombie: it believes that it leads until it hears better.
pub(super) async fn a_leader_that_comes_back_from_a_stop_of_its_time_leads_no_more(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let run = begin(run, target).await?;
    let victim = leader(&run.admin().await?, "t", 0).await?;
    run.breaks("pause");
    run.cluster.pause(victim);
    run.until_acked(RESUMES_WITHIN).await?;
    sleep(Duration::from_secs(2)).await;
    run.cluster.resume(victim);
    run.heals("pause");
    run.until_in_sync().await
}

/// The same for a client that is not ours.
pub(super) async fn a_java_producer_loses_nothing_when_its_leader_dies(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let libs = target::java_libs().context("needs KAFKA_LIBS")?;
    let run = begin(run, target).await?;
    let spec = LoadSpec {
        producer_count: 0,
        ..LoadSpec::new("java", PARTITIONS)
    };
    run.add_load(spec.clone()).await?;
    let dir = run.cluster.dir().to_owned();
    let bootstrap = run.cluster.bootstrap();
    let recorder = &run.recorder;
    let java = JavaProducer::start(
        &libs,
        &dir,
        spec.clone(),
        &bootstrap,
        recorder,
        JAVA_RECORDS,
    )?;
    let java = tokio::spawn(java.finish());
    let victim = leader(&run.admin().await?, "java", 0).await?;
    while run.recorder.last_acked_ns(&spec.tp(0)).is_none() && !java.is_finished() {
        sleep(LOOK_EVERY).await;
    }
    kill_and_restart(run, victim).await?;
    java.await?
}
