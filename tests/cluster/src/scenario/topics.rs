//! Topics come, go and move while brokers are away.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::time::{Instant, sleep};

use super::RESUMES_WITHIN;
use crate::admin::{create_topic, delete_topic, leader, reassign};
use crate::history::TopicAct;
use crate::layout::Layout;
use crate::load::LoadSpec;
use crate::run::Run;
use crate::target::Target;

const TOPIC: &str = "again";
const WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Trap 53: a stray replica is known by its topic's id, never by its name.
pub(super) async fn a_topic_deleted_and_made_again_without_a_broker_starts_empty_there(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let layout = Layout::default().with("file.delete.delay.ms", "500");
    let run = run.insert(Run::with_load(target, layout, 3).await?);
    let labelled = |label: &str| LoadSpec {
        label: label.to_owned(),
        ..LoadSpec::new(TOPIC, 2)
    };
    let first = run.load_for_a_moment(labelled("first")).await?;
    let victim = leader(&run.admin().await?, TOPIC, 0).await?;
    run.breaks("kill");
    run.cluster.kill(victim).await?;
    run.until_acked(RESUMES_WITHIN).await?;
    let admin = run.admin().await?;
    delete_topic(&admin, TOPIC).await?;
    run.topic(TopicAct::Deleted, TOPIC, &first);
    let second = create_when_gone(run).await?;
    ensure!(second != first, "the new topic has the old one's id");
    run.topic(TopicAct::Created, TOPIC, &second);
    run.cluster.start_node(victim)?;
    run.heals("kill");
    run.load_on(labelled("second")).await?;
    run.until_in_sync().await
}

/// Of a topic that is being deleted the name is not free at once.
async fn create_when_gone(run: &Run) -> Result<String> {
    let admin = run.admin().await?;
    let deadline = Instant::now() + WITHIN;
    loop {
        match create_topic(&admin, TOPIC, 2).await {
            Ok(id) => return Ok(id.to_string()),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => sleep(LOOK_EVERY).await,
        }
    }
}

/// Four brokers: the partition goes from three of them to three others while its leader is killed.
pub(super) async fn a_partition_moves_while_its_leader_dies(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let layout = Layout {
        broker_count: 4,
        ..Layout::default()
    };
    let run = run.insert(Run::with_load(target, layout, 2).await?);
    let admin = run.admin().await?;
    let victim = leader(&admin, "t", 0).await?;
    let cluster = admin.client().all_topics().await?;
    let topic = cluster.topics.get("t").context("the topic is there")?;
    let old = topic
        .partition(0)
        .context("the partition is there")?
        .replicas
        .clone();
    let newcomer = run.cluster.brokers().find(|id| !old.contains(id));
    let newcomer = newcomer.context("one of four")?;
    let rest = old.iter().copied().filter(|id| *id != victim);
    let new: Vec<i32> = [newcomer].into_iter().chain(rest).collect();
    run.breaks("reassignment");
    reassign(&admin, "t", 0, &new).await?;
    run.breaks("kill");
    run.cluster.kill(victim).await?;
    run.until_acked(RESUMES_WITHIN).await?;
    run.cluster.start_node(victim)?;
    run.heals("kill");
    until_moved(run, &new).await?;
    run.heals("reassignment");
    run.until_in_sync().await
}

async fn until_moved(run: &Run, replicas: &[i32]) -> Result<()> {
    let admin = run.admin().await?;
    let deadline = Instant::now() + WITHIN;
    loop {
        let cluster = admin.client().all_topics().await?;
        let topic = cluster.topics.get("t").context("the topic is there")?;
        let partition = topic.partition(0).context("the partition is there")?;
        if partition.replicas == replicas {
            return Ok(());
        }
        if Instant::now() >= deadline {
            bail!(
                "t-0 is still on {:?} and not on {replicas:?}",
                partition.replicas
            );
        }
        sleep(LOOK_EVERY).await;
    }
}
