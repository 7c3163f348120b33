//! What there is before anything is broken.

use client::Admin;
use client::admin::{Resource, ResourceKind};

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::topics;

/// The topic and those who keep it.
#[derive(Debug, Clone, Default)]
pub(super) struct Scene {
    pub(super) cluster_id: String,
    pub(super) topic: String,
    /// Live brokers: id and where they can be reached.
    pub(super) brokers: Vec<(i32, client::Address)>,
    pub(super) partitions: Vec<PartitionScene>,
    /// What counts: never more than there are replicas.
    pub(super) min_isr: usize,
    pub(super) is_compacted: bool,
    pub(super) may_elect_unclean: bool,
    /// Voters of the metadata quorum and its leader, if there is one.
    pub(super) voters: Vec<i32>,
    pub(super) active_controller: Option<i32>,
    /// Internal topics with fewer replicas than there could be, and their replication factor.
    pub(super) weak_internal: Vec<(String, usize)>,
}

/// One partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PartitionScene {
    pub(super) index: i32,
    pub(super) leader: i32,
    pub(super) replicas: Vec<i32>,
    pub(super) isr: Vec<i32>,
}

impl Scene {
    /// Looks around.
    ///
    /// # Errors
    /// The cluster does not answer, the topic is unknown or is none to drill with.
    pub(super) async fn look(admin: &Admin, topic: &str, context: &Context) -> Result<Self> {
        let found = topics::find(admin.client(), topic).await?;
        if found.is_internal {
            return Err(
                Failure::usage(format!("{topic} belongs to the cluster itself"))
                    .hint("make a topic for drills: kcli topic create drills -p 3 -r 3"),
            );
        }
        let cluster = admin.describe_cluster().await?;
        let live = cluster
            .brokers
            .iter()
            .filter(|it| it.is_fenced != Some(true));
        let brokers: Vec<_> = live
            .map(|it| (it.broker.id, it.broker.address.clone()))
            .collect();
        let partitions = found.partitions.iter().map(|partition| PartitionScene {
            index: partition.index,
            leader: partition.leader,
            replicas: partition.replicas.clone(),
            isr: partition.isr.clone(),
        });
        let partitions: Vec<_> = partitions.collect();
        let mut scene = Self {
            cluster_id: cluster.cluster_id,
            topic: topic.to_owned(),
            brokers,
            partitions,
            min_isr: 1,
            ..Self::default()
        };
        scene.look_at_configs(admin, context).await;
        match admin.describe_quorum().await {
            Ok(quorum) => {
                scene.voters = quorum.voters.iter().map(|voter| voter.node_id).collect();
                scene.active_controller = (quorum.leader_id >= 0).then_some(quorum.leader_id);
            }
            Err(error) => context.remark(&format!("the metadata quorum is not told: {error}")),
        }
        scene.look_at_internal(admin).await?;
        Ok(scene)
    }

    async fn look_at_configs(&mut self, admin: &Admin, context: &Context) {
        let resource = Resource {
            kind: ResourceKind::Topic,
            name: self.topic.clone(),
        };
        let configs = match admin.describe_configs(&resource, false).await {
            Ok(configs) => configs,
            Err(error) => {
                context.remark(&format!("the topic's settings are not told: {error}"));
                return;
            }
        };
        let value = |name: &str| {
            let entry = configs.iter().find(|config| config.name == name);
            entry
                .and_then(|config| config.value.clone())
                .unwrap_or_default()
        };
        let most = self.partitions.iter().map(|p| p.replicas.len()).max();
        let min_isr = value("min.insync.replicas").parse().unwrap_or(1);
        self.min_isr = usize::min(min_isr, most.unwrap_or(1));
        self.is_compacted = value("cleanup.policy").contains("compact");
        self.may_elect_unclean = value("unclean.leader.election.enable") == "true";
    }

    async fn look_at_internal(&mut self, admin: &Admin) -> Result {
        let most = self.brokers.len().min(3);
        let all = admin.client().all_topics().await?;
        let internal = all.topics.values().filter(|topic| topic.is_internal);
        let weak = internal.filter_map(|topic| {
            let replicas = topic.partitions.iter().map(|p| p.replicas.len()).min()?;
            (replicas < most).then(|| (topic.name.to_string(), replicas))
        });
        self.weak_internal = weak.collect();
        self.weak_internal.sort();
        Ok(())
    }

    /// Where a broker can be reached.
    pub(super) fn address(&self, id: i32) -> Option<&client::Address> {
        let broker = self.brokers.iter().find(|(broker, _)| *broker == id);
        broker.map(|(_, address)| address)
    }

    /// All replicas' brokers, once each.
    pub(super) fn replica_brokers(&self) -> Vec<i32> {
        let mut all: Vec<i32> = self
            .partitions
            .iter()
            .flat_map(|p| p.replicas.clone())
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// How many partitions a broker leads.
    pub(super) fn led_by(&self, id: i32) -> usize {
        self.partitions.iter().filter(|p| p.leader == id).count()
    }
}
