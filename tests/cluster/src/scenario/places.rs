//! What groups have committed, by the thousand, while coordinators die and logs are compacted.
//!
//! Apache Kafka's coordinators answer before their high watermark is back, with places that are older
//! or gone until it is; nothing is lost in the end. So these are not played against it.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::RESUMES_WITHIN;
use crate::admin::create_topic;
use crate::layout::Layout;
use crate::load::LoadSpec;
use crate::load::places::Places;
use crate::run::Run;
use crate::target::Target;

const WRITERS: usize = 8;
const PARTITIONS: i32 = 4;
/// The topic has no records: places alone are looked at.
const TOPIC: &str = "places";

/// A small internal topic that is compacted all the time.
fn layout() -> Layout {
    Layout::default()
        .with("offsets.topic.num.partitions", "3")
        .with("offsets.topic.segment.bytes", "1048576")
        .with("log.cleaner.backoff.ms", "300")
}

async fn begin<'a>(run: &'a mut Option<Run>, target: &Target) -> Result<(&'a mut Run, Places)> {
    let run = run.insert(Run::start(target, layout()).await?);
    let load = LoadSpec::new(TOPIC, PARTITIONS);
    create_topic(&run.admin().await?, TOPIC, PARTITIONS).await?;
    let places = Places::start(WRITERS, &load, &run.cluster.bootstrap(), &run.recorder);
    places.until_committed(RESUMES_WITHIN).await?;
    Ok((run, places))
}

/// One after the other, without waiting for anybody, so that coordinators die while they load.
pub(super) async fn places_survive_coordinators_that_die_again_and_again(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let (run, places) = begin(run, target).await?;
    for pause in [2500, 900, 200, 1500_u64] {
        for id in run.cluster.brokers() {
            run.breaks("kill");
            run.cluster.kill(id).await?;
            sleep(Duration::from_millis(pause / 4)).await;
            run.cluster.start_node(id)?;
            run.heals("kill");
            sleep(Duration::from_millis(pause / 2)).await;
        }
        places.until_committed(RESUMES_WITHIN).await?;
    }
    run.until_in_sync().await?;
    places.finish().await
}

pub(super) async fn places_survive_the_death_of_the_whole_cluster(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let (run, places) = begin(run, target).await?;
    for _ in 0..3 {
        sleep(Duration::from_secs(2)).await;
        run.breaks("kill all");
        run.cluster.kill_all().await?;
        for id in run.cluster.layout().node_ids() {
            run.cluster.start_node(id)?;
        }
        run.heals("kill all");
        run.until_in_sync().await?;
        places.until_committed(RESUMES_WITHIN).await?;
    }
    places.finish().await
}
