//! Groups whose members and coordinators die and stand still while records are written.

use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::{Instant, sleep};

use super::RESUMES_WITHIN;
use crate::admin::coordinator;
use crate::layout::Layout;
use crate::load::LoadSpec;
use crate::load::group::{GroupSpec, Program, Protocol, SESSION};
use crate::run::Run;
use crate::target::Target;

const PARTITIONS: i32 = 6;
/// Longer than a session: a member that stands still so long has lost its partitions.
const ZOMBIE: Duration = Duration::from_secs(8);
/// How long members come and go.
const CHURN: Duration = Duration::from_secs(60);
const SEED: u64 = 5;

/// Three brokers with less load than elsewhere, as members are whole programs; two groups read all of
/// it, one of each protocol, with two members each.
async fn begin<'a>(
    run: &'a mut Option<Run>,
    target: &Target,
    programs: [Program; 2],
    protocols: &[Protocol],
) -> Result<&'a mut Run> {
    let session = SESSION.as_millis().to_string();
    let layout = Layout::default()
        .with("group.initial.rebalance.delay.ms", "500")
        .with("group.consumer.session.timeout.ms", &session)
        .with("group.consumer.min.session.timeout.ms", &session)
        .with("group.consumer.heartbeat.interval.ms", "1000")
        .with("group.consumer.min.heartbeat.interval.ms", "1000")
        .with("offsets.topic.num.partitions", "6");
    let run = run.insert(Run::start(target, layout).await?);
    let load = LoadSpec {
        producer_count: 1,
        reader_count: 0,
        ..LoadSpec::new("t", PARTITIONS)
    };
    run.add_load(load).await?;
    for protocol in protocols {
        let name = format!("{protocol:?}").to_lowercase();
        let protocol = *protocol;
        run.add_group(GroupSpec { name, protocol })?;
    }
    for group in run.groups() {
        for program in programs {
            group.join(program).await?;
        }
    }
    for group in run.groups() {
        group.until_shared(2, RESUMES_WITHIN).await?;
    }
    until_committed(run).await?;
    Ok(run)
}

async fn until_committed(run: &mut Run) -> Result<()> {
    for group in run.groups() {
        group.until_committed(RESUMES_WITHIN).await?;
    }
    Ok(())
}

async fn until_shared(run: &mut Run, count: usize) -> Result<()> {
    for group in run.groups() {
        group.until_shared(count, RESUMES_WITHIN).await?;
    }
    Ok(())
}

pub(super) async fn groups_survive_their_coordinator_and_their_members(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    everything(run, target, [Program::Own, Program::Java]).await
}

pub(super) async fn groups_of_librdkafka_survive_their_coordinator_and_their_members(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    everything(run, target, [Program::Librdkafka; 2]).await
}

/// In turn: the coordinator is killed, a member comes, one is killed, one stands still and wakes.
async fn everything(run: &mut Option<Run>, target: &Target, programs: [Program; 2]) -> Result<()> {
    let protocols = [Protocol::Classic, Protocol::Consumer];
    let run = begin(run, target, programs, &protocols).await?;
    let victim = coordinator(&run.admin().await?, "classic").await?;
    run.breaks("kill coordinator");
    run.cluster.kill(victim).await?;
    until_committed(run).await?;
    run.cluster.start_node(victim)?;
    run.heals("kill coordinator");

    for group in run.groups() {
        group.join(programs[0]).await?;
    }
    until_shared(run, 3).await?;
    run.breaks("kill member");
    for group in run.groups() {
        group.kill(0).await?;
    }
    until_shared(run, 2).await?;
    until_committed(run).await?;
    run.heals("kill member");

    run.breaks("pause member");
    for group in run.groups() {
        group.pause(1)?;
    }
    sleep(ZOMBIE).await;
    until_committed(run).await?;
    for group in run.groups() {
        group.resume(1)?;
    }
    run.heals("pause member");
    until_shared(run, 2).await?;
    for group in run.groups() {
        group.leave(2).await?;
    }
    until_shared(run, 1).await?;
    until_committed(run).await?;
    run.until_in_sync().await
}

/// It believes that it has the groups until it hears better. What it then still writes, nobody may
/// take for true, and what it remembers it may not tell: Apache Kafka's does, for a moment.
pub(super) async fn a_coordinator_that_comes_back_from_a_stop_of_its_time_coordinates_no_more(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let protocols = [Protocol::Cooperative, Protocol::Consumer];
    let run = begin(run, target, [Program::Own, Program::Java], &protocols).await?;
    for name in ["cooperative", "consumer"] {
        let victim = coordinator(&run.admin().await?, name).await?;
        run.breaks("pause coordinator");
        run.cluster.pause(victim);
        until_committed(run).await?;
        sleep(Duration::from_secs(2)).await;
        run.cluster.resume(victim);
        run.heals("pause coordinator");
        until_committed(run).await?;
        run.until_in_sync().await?;
    }
    Ok(())
}

/// A coordinator that hands its groups over knows no more how far they are: Apache Kafka's tells it
/// until it hears that somebody else has them.
pub(super) async fn groups_survive_a_rolling_restart(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let protocols = [Protocol::Cooperative, Protocol::Consumer];
    let run = begin(run, target, [Program::Own, Program::Java], &protocols).await?;
    for id in run.cluster.brokers() {
        run.breaks("restart");
        run.cluster.stop(id).await?;
        until_committed(run).await?;
        run.cluster.start_node(id)?;
        run.heals("restart");
        run.until_in_sync().await?;
        until_committed(run).await?;
    }
    Ok(())
}

/// G1: what is committed survives as what is written does. Apache Kafka's coordinators answer before
/// their high watermark is back: for a moment the places are older, or gone.
pub(super) async fn groups_survive_the_death_of_the_whole_cluster(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let protocols = [Protocol::Classic, Protocol::Consumer];
    let run = begin(run, target, [Program::Own, Program::Java], &protocols).await?;
    for _ in 0..2 {
        run.breaks("kill all");
        run.cluster.kill_all().await?;
        for id in run.cluster.layout().node_ids() {
            run.cluster.start_node(id)?;
        }
        run.heals("kill all");
        run.until_in_sync().await?;
        until_committed(run).await?;
    }
    until_shared(run, 2).await
}

/// The coordinators die now and then, too.
pub(super) async fn members_that_come_and_go_all_the_time_miss_nothing(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let protocols = [Protocol::Classic, Protocol::Cooperative, Protocol::Consumer];
    let run = begin(run, target, [Program::Librdkafka; 2], &protocols).await?;
    let mut draw = StdRng::seed_from_u64(SEED);
    let until = Instant::now() + CHURN;
    while Instant::now() < until {
        if draw.random_bool(0.15) {
            let victim = draw.random_range(1..=3);
            run.breaks("kill broker");
            run.cluster.kill(victim).await?;
            sleep(Duration::from_millis(draw.random_range(10..1500))).await;
            run.cluster.start_node(victim)?;
            run.heals("kill broker");
        }
        for group in run.groups() {
            // The youngest stay, so that somebody is always there.
            let gone = group.member_count().saturating_sub(2);
            match draw.random_range(0..6) {
                0 => group.join(Program::Librdkafka).await?,
                1 => group.join(Program::Own).await?,
                2 | 3 if gone > 0 => group.leave(draw.random_range(0..gone)).await?,
                4 if gone > 0 => group.kill(draw.random_range(0..gone)).await?,
                _ => {}
            }
        }
        sleep(Duration::from_millis(draw.random_range(50..3000))).await;
    }
    until_committed(run).await
}
