//! Scenarios: one thing that goes wrong, the same for Apache Kafka and for Raudal.
//!
//! A scenario starts a cluster, puts load on it, breaks something, mends it, and hands the run back to
//! be judged. Beyond what [`crate::histck`] says, a few have something to say themselves.

mod cuts;
mod disks;
mod groups;
mod kills;
mod places;
mod restarts;
mod sabotage;
mod topics;

use std::pin::Pin;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use tokio::time::timeout;

use crate::run::{Run, Verdict};
use crate::target::Target;

/// No scenario takes longer.
const AT_MOST: Duration = Duration::from_secs(300);
/// Writing goes on within this time, whatever has happened: longer than Kafka's session timeout.
const RESUMES_WITHIN: Duration = Duration::from_secs(40);

type Play =
    for<'a> fn(&'a mut Option<Run>, &'a Target) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// One scenario.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Its name, a sentence.
    pub name: &'static str,
    /// Whether it is played with every change, or only when asked for.
    pub is_quick: bool,
    /// Whether it is played with every change against Apache Kafka, too.
    pub is_control: bool,
    /// Whether it asks for more than Apache Kafka promises, which is not tried then.
    pub is_beyond_kafka: bool,
    /// Whether it mounts file systems.
    pub needs_root: bool,
    /// Whether it runs clients of Apache Kafka's.
    pub needs_java: bool,
    /// Whether it runs librdkafka, as the interop suite installs it.
    pub needs_librdkafka: bool,
    /// Whether something must be found: the harness is on trial, not the cluster.
    pub is_sabotage: bool,
    play: Play,
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A scenario from a function that puts its run where it can be judged, and looked at if it fails.
macro_rules! scenario {
    ($module:ident :: $name:ident $(, $flag:ident)*) => {{
        #[allow(unused_mut, reason = "not every scenario has flags")]
        let mut scenario = Scenario {
            name: stringify!($name),
            is_quick: false,
            is_control: false,
            is_beyond_kafka: false,
            needs_root: false,
            needs_java: false,
            needs_librdkafka: false,
            is_sabotage: false,
            play: |run, target| Box::pin($module::$name(run, target)),
        };
        $(scenario.$flag = true;)*
        scenario
    }};
}

/// All of them.
#[must_use]
pub fn all() -> Vec<Scenario> {
    vec![
        scenario!(
            kills::a_killed_leader_loses_nothing_acknowledged,
            is_quick,
            is_control
        ),
        scenario!(kills::a_killed_follower_loses_nothing_acknowledged),
        scenario!(kills::a_killed_active_controller_loses_nothing_acknowledged),
        scenario!(
            kills::a_killed_leader_that_is_active_controller_loses_nothing,
            is_quick
        ),
        scenario!(
            kills::a_leader_that_comes_back_from_a_stop_of_its_time_leads_no_more,
            is_quick
        ),
        scenario!(
            kills::a_java_producer_loses_nothing_when_its_leader_dies,
            is_quick,
            needs_java
        ),
        scenario!(
            restarts::nodes_that_die_again_and_again_lose_nothing,
            is_quick
        ),
        scenario!(
            restarts::a_cluster_killed_as_a_whole_comes_back_with_everything,
            is_quick
        ),
        scenario!(restarts::a_rolling_restart_fails_no_request, is_quick),
        scenario!(
            cuts::a_leader_cut_off_from_its_followers_loses_nothing,
            is_quick
        ),
        scenario!(
            cuts::a_leader_cut_off_from_the_controllers_loses_nothing,
            is_quick
        ),
        scenario!(cuts::a_leader_cut_off_from_everybody_loses_nothing),
        scenario!(cuts::a_link_that_is_cut_one_way_loses_nothing, is_quick),
        scenario!(cuts::a_link_that_flaps_loses_nothing),
        scenario!(
            disks::a_full_disk_refuses_and_recovers,
            is_quick,
            needs_root
        ),
        scenario!(
            disks::a_broker_with_an_empty_disk_gets_everything_back,
            is_quick
        ),
        scenario!(
            topics::a_topic_deleted_and_made_again_without_a_broker_starts_empty_there,
            is_quick
        ),
        scenario!(topics::a_partition_moves_while_its_leader_dies, is_quick),
        scenario!(
            groups::groups_survive_their_coordinator_and_their_members,
            is_quick,
            needs_java
        ),
        scenario!(
            groups::groups_of_librdkafka_survive_their_coordinator_and_their_members,
            needs_librdkafka
        ),
        scenario!(
            groups::a_coordinator_that_comes_back_from_a_stop_of_its_time_coordinates_no_more,
            is_beyond_kafka,
            needs_java
        ),
        scenario!(
            groups::groups_survive_a_rolling_restart,
            is_beyond_kafka,
            needs_java
        ),
        scenario!(
            groups::groups_survive_the_death_of_the_whole_cluster,
            is_beyond_kafka,
            needs_java
        ),
        scenario!(
            groups::members_that_come_and_go_all_the_time_miss_nothing,
            needs_librdkafka
        ),
        scenario!(
            places::places_survive_coordinators_that_die_again_and_again,
            is_quick,
            is_beyond_kafka
        ),
        scenario!(
            places::places_survive_the_death_of_the_whole_cluster,
            is_beyond_kafka
        ),
        scenario!(
            sabotage::records_cut_off_every_replica_are_found_missing,
            is_quick,
            is_sabotage
        ),
        scenario!(
            sabotage::a_batch_altered_in_one_replica_is_found,
            is_sabotage
        ),
    ]
}

impl Scenario {
    /// Plays it.
    ///
    /// # Errors
    /// What went wrong, where its folders are and what the nodes said at the end.
    pub async fn play(&self, target: &Target) -> Result<Verdict> {
        let mut run = None;
        let judged = timeout(AT_MOST, self.judge(&mut run, target)).await;
        let error = match judged {
            Ok(Ok(verdict)) => {
                if let (Some(run), true) = (&mut run, keeps_all()) {
                    run.keep();
                }
                return Ok(verdict);
            }
            Ok(Err(error)) => format!("{error:#}"),
            Err(_elapsed) => format!("not over after {AT_MOST:?}"),
        };
        match run {
            None => bail!(error),
            Some(mut run) => {
                let (tails, dir) = (run.cluster.tails(), run.keep());
                bail!("{error}\nkept in {}\n{tails}", dir.display())
            }
        }
    }

    async fn judge(&self, run: &mut Option<Run>, target: &Target) -> Result<Verdict> {
        (self.play)(run, target).await?;
        let Some(run) = run else {
            bail!("the scenario has no run");
        };
        let verdict = run.finish().await?;
        let is_right = verdict.findings.is_empty() != self.is_sabotage;
        ensure!(is_right, "{verdict}");
        Ok(verdict)
    }
}

/// Whether folders of runs that went well are kept, too: `CHAOS_KEEP`.
pub(crate) fn keeps_all() -> bool {
    std::env::var_os("CHAOS_KEEP").is_some()
}
