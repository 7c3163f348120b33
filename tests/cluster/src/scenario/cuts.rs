//! Links break, not nodes.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::sleep;

use super::RESUMES_WITHIN;
use crate::admin::{active_controller, leader};
use crate::layout::Layout;
use crate::proxy::{Flow, Plane, Rule};
use crate::run::Run;
use crate::target::Target;

const PARTITIONS: i32 = 3;
/// Longer than a session.
const CUT: Duration = Duration::from_secs(5);
/// With followers that are cut off a leader waits at most so long.
const LAG: (&str, &str) = ("replica.lag.time.max.ms", "3000");

/// Three brokers and three controllers, every link through the proxy.
async fn begin<'a>(run: &'a mut Option<Run>, target: &Target) -> Result<&'a mut Run> {
    let layout = Layout::default()
        .with_controllers()
        .proxied()
        .with(LAG.0, LAG.1);
    let started = Run::with_load(target, layout, PARTITIONS).await?;
    Ok(run.insert(started))
}

/// Cuts, lets the others go on, and mends.
async fn cut(run: &mut Run, name: &str, flows: Vec<Flow>) -> Result<()> {
    run.breaks(name);
    run.cluster
        .proxy()
        .rules()
        .set(flows.iter().copied(), Rule::Cut);
    sleep(CUT).await;
    run.cluster.proxy().rules().clear(flows);
    run.heals(name);
    run.until_acked(RESUMES_WITHIN).await?;
    run.until_in_sync().await
}

fn others(run: &Run, id: i32) -> Vec<i32> {
    run.cluster
        .layout()
        .node_ids()
        .filter(|other| *other != id)
        .collect()
}

/// It still has its session, so nobody takes the lead from it; its followers must leave the ISR.
pub(super) async fn a_leader_cut_off_from_its_followers_loses_nothing(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let run = begin(run, target).await?;
    let id = leader(&run.admin().await?, "t", 0).await?;
    let flows = others(run, id)
        .into_iter()
        .flat_map(|other| Flow::both(id, other, Plane::Brokers));
    let flows = flows.collect();
    cut(run, "leader | followers", flows).await
}

/// It still replicates, but somebody else will be elected: a zombie with willing followers.
pub(super) async fn a_leader_cut_off_from_the_controllers_loses_nothing(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let run = begin(run, target).await?;
    let id = leader(&run.admin().await?, "t", 0).await?;
    let controllers = 4..=6;
    let flows = controllers.flat_map(|other| Flow::both(id, other, Plane::Controllers));
    cut(run, "leader | controllers", flows.collect()).await
}

/// Clients still reach it, and it tells them that it leads; they must find the new leader all the same,
/// before the cut is mended.
pub(super) async fn a_leader_cut_off_from_everybody_loses_nothing(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let run = begin(run, target).await?;
    let id = leader(&run.admin().await?, "t", 0).await?;
    let others = others(run, id).into_iter();
    let flows: Vec<Flow> = others.flat_map(|other| Flow::between(id, other)).collect();
    run.breaks("leader | all");
    let cut = flows.iter().copied();
    run.cluster.proxy().rules().set(cut.clone(), Rule::Cut);
    run.until_acked(RESUMES_WITHIN).await?;
    run.cluster.proxy().rules().clear(cut);
    run.heals("leader | all");
    run.until_acked(RESUMES_WITHIN).await?;
    run.until_in_sync().await
}

/// What the leader says arrives; what it is told does not.
pub(super) async fn a_link_that_is_cut_one_way_loses_nothing(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let run = begin(run, target).await?;
    let id = leader(&run.admin().await?, "t", 0).await?;
    let flows = others(run, id)
        .into_iter()
        .flat_map(|other| Flow::one_way(other, id));
    let flows = flows.collect();
    cut(run, "all -> leader", flows).await
}

/// Between a leader and one of its followers, and between that follower and the active controller.
pub(super) async fn a_link_that_flaps_loses_nothing(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let run = begin(run, target).await?;
    let admin = run.admin().await?;
    let (id, controller) = (
        leader(&admin, "t", 0).await?,
        active_controller(&admin).await?,
    );
    let follower = run.cluster.brokers().find(|other| *other != id);
    let follower = follower.context("three brokers")?;
    let flows = [
        Flow::between(id, follower),
        Flow::between(follower, controller),
    ]
    .concat();
    run.breaks("flapping link");
    for pause in [200, 500, 300, 800, 250, 600, 400, 700_u64] {
        let pause = Duration::from_millis(pause);
        run.cluster
            .proxy()
            .rules()
            .set(flows.iter().copied(), Rule::Cut);
        sleep(pause).await;
        run.cluster.proxy().rules().clear(flows.iter().copied());
        run.cluster.proxy().rules().reset(id, follower);
        sleep(pause / 2).await;
    }
    run.heals("flapping link");
    run.until_acked(RESUMES_WITHIN).await?;
    run.until_in_sync().await
}
