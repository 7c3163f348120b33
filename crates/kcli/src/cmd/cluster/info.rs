//! `kcli cluster info`.

use std::sync::Arc;

use client::admin::ClusterDescription;
use client::metadata::{Cluster, Topic};
use serde_json::json;

use crate::cmd::broker::list;
use crate::context::Context;
use crate::failure::Result;
use crate::output::{Cell, Page, Report, Tone};

/// Shows the cluster.
pub(crate) async fn run(context: &Context) -> Result {
    let admin = context.admin().await?;
    let description = admin.describe_cluster().await?;
    let topics = admin.client().all_topics().await?;
    let counts = Counts::new(&topics);
    // Old clusters have no quorum to describe.
    let quorum = admin.describe_quorum().await.ok();
    let controller = quorum.as_ref().map(|quorum| quorum.leader_id);
    let drains = &list::draining(&admin, &description).await;
    let brokers = list::json(&description, &topics, drains);
    let json = json!({
        "clusterId": description.cluster_id,
        "controller": controller,
        "brokers": brokers,
        "topics": counts.topics,
        "internalTopics": counts.internal_topics,
        "partitions": counts.partitions,
        "leaderlessPartitions": counts.leaderless,
        "underReplicatedPartitions": counts.under_replicated,
    });
    context.output.print(&Report::new(
        &json,
        page(&counts, &description, controller).table(list::table(&description, &topics, drains)),
    ))
}

struct Counts {
    topics: usize,
    internal_topics: usize,
    partitions: usize,
    leaderless: usize,
    under_replicated: usize,
}

impl Counts {
    fn new(cluster: &Cluster) -> Self {
        let internal = cluster
            .topics
            .values()
            .filter(|topic| topic.is_internal)
            .count();
        let partitions = || {
            cluster
                .topics
                .values()
                .flat_map(|t: &Arc<Topic>| &t.partitions)
        };
        Self {
            topics: cluster.topics.len() - internal,
            internal_topics: internal,
            partitions: partitions().count(),
            leaderless: partitions().filter(|p| !p.has_leader()).count(),
            under_replicated: partitions()
                .filter(|p| p.isr.len() < p.replicas.len())
                .count(),
        }
    }
}

fn page(counts: &Counts, description: &ClusterDescription, controller: Option<i32>) -> Page {
    let worry =
        |n: usize, tone| Cell::toned(n.to_string(), if n == 0 { Tone::Plain } else { tone });
    Page::default().facts(vec![
        ("cluster id", Cell::from(description.cluster_id.as_str())),
        ("controller", Cell::optional(controller)),
        (
            "topics",
            Cell::from(format!(
                "{} and {} internal",
                counts.topics, counts.internal_topics
            )),
        ),
        ("partitions", Cell::from(counts.partitions.to_string())),
        ("without leader", worry(counts.leaderless, Tone::Bad)),
        (
            "under-replicated",
            worry(counts.under_replicated, Tone::Warn),
        ),
    ])
}
