//! Topics and partitions come, change and go.

use std::sync::Arc;

use types::{LeaderEpoch, NodeId, PartitionEpoch, PartitionIndex, TopicId};

use super::{Misfit, Replay, convert};
use crate::image::collision_key;
use crate::{Change, ConfigResource, PartitionRegistration, ResourceKind, TopicImage, v1};

impl Replay {
    pub(super) fn on_topic(&mut self, body: &v1::Topic) -> Result<(), Misfit> {
        let id = convert::topic_id(&body.topic_id)?;
        if body.name.is_empty() {
            return Err(convert::illegal("name", &"\"\""));
        }
        let name: Arc<str> = body.name.as_str().into();
        if self.image.topic_ids.contains_key(&name) || self.image.topics.contains_key(&id) {
            let name = body.name.clone();
            return Err(Misfit::TopicExists { name, id });
        }
        if let Some(key) = collision_key(&name) {
            self.image.topic_collisions.insert(key, Arc::clone(&name));
        }
        self.image.topic_ids.insert(Arc::clone(&name), id);
        self.delta.on_topic(id, &name, Change::Created);
        self.image.topics.insert(id, TopicImage::new(id, name));
        Ok(())
    }

    pub(super) fn on_partition(&mut self, body: &v1::Partition) -> Result<(), Misfit> {
        let topic_id = convert::topic_id(&body.topic_id)?;
        let partition = new_partition(body)?;
        check(topic_id, body.index, &partition)?;
        let topic = self.image.topics.get_mut(&topic_id);
        let topic = topic.ok_or(Misfit::UnknownTopicId(topic_id))?;
        if usize::try_from(body.index) != Ok(topic.partitions.len()) {
            return Err(Misfit::PartitionIndex {
                index: body.index,
                next: topic.partitions.len(),
            });
        }
        topic.partitions.push_back(Arc::new(partition));
        let name = Arc::clone(&topic.name);
        self.image.partition_count += 1;
        self.delta.on_partition(topic_id, &name, body.index);
        Ok(())
    }

    pub(super) fn on_partition_change(&mut self, body: &v1::PartitionChange) -> Result<(), Misfit> {
        let topic_id = convert::topic_id(&body.topic_id)?;
        let index = body.index;
        let topic = self.image.topics.get(&topic_id);
        let topic = topic.ok_or(Misfit::UnknownTopicId(topic_id))?;
        let partition = topic.partition(index);
        let partition = partition.ok_or(Misfit::UnknownPartition { topic_id, index })?;
        let next = changed_partition(partition, body)?;
        check(topic_id, index, &next)?;
        let topic = topic.clone();
        self.put_partitions(topic, vec![(index, next)]);
        Ok(())
    }

    pub(super) fn on_remove_topic(&mut self, body: &v1::RemoveTopic) -> Result<(), Misfit> {
        let id = convert::topic_id(&body.topic_id)?;
        let topic = self.image.topics.remove(&id);
        let topic = topic.ok_or(Misfit::UnknownTopicId(id))?;
        self.image.topic_ids.remove(&topic.name);
        if let Some(key) = collision_key(&topic.name)
            && self.image.topic_collisions.get(&key) == Some(&topic.name)
        {
            self.image.topic_collisions.remove(&key);
        }
        self.image.partition_count -= topic.partitions.len();
        self.remove_configs(ResourceKind::Topic, &topic.name);
        self.delta.on_topic(id, &topic.name, Change::Removed);
        Ok(())
    }

    fn remove_configs(&mut self, kind: ResourceKind, name: &Arc<str>) {
        let Some(resources) = self.image.configs.get_mut(&kind) else {
            return;
        };
        let removed = resources.remove(name);
        if resources.is_empty() {
            self.image.configs.remove(&kind);
        }
        for (key, _) in removed.iter().flat_map(crate::Configs::iter) {
            let resource = ConfigResource::new(kind, Arc::clone(name));
            self.delta.on_config(resource, Arc::clone(key));
        }
    }
}

fn new_partition(body: &v1::Partition) -> Result<PartitionRegistration, Misfit> {
    let leader = body.leader.map(|leader| convert::node_id("leader", leader));
    Ok(PartitionRegistration {
        replicas: convert::node_ids("replicas", &body.replicas)?,
        directories: convert::directories(&body.directories)?,
        isr: convert::node_ids("isr", &body.isr)?,
        elr: convert::node_ids("elr", &body.elr)?,
        last_known_elr: convert::node_ids("last_known_elr", &body.last_known_elr)?,
        adding_replicas: convert::node_ids("adding_replicas", &body.adding_replicas)?,
        removing_replicas: convert::node_ids("removing_replicas", &body.removing_replicas)?,
        leader: leader.transpose()?,
        leader_epoch: LeaderEpoch(body.leader_epoch),
        partition_epoch: PartitionEpoch(body.partition_epoch),
    })
}

fn changed_partition(
    before: &PartitionRegistration,
    body: &v1::PartitionChange,
) -> Result<PartitionRegistration, Misfit> {
    let given = PartitionEpoch(body.partition_epoch);
    let current = before.partition_epoch;
    if given <= current || given != current.next() {
        return Err(Misfit::PartitionEpoch { current, given });
    }
    let mut next = before.clone();
    next.partition_epoch = given;
    let directories = body.directories.as_ref();
    if let Some(list) = directories {
        next.directories = convert::directories(&list.directories)?;
    }
    replace(&mut next.replicas, "replicas", body.replicas.as_ref())?;
    replace(&mut next.isr, "isr", body.isr.as_ref())?;
    replace(&mut next.elr, "elr", body.elr.as_ref())?;
    let last_known_elr = body.last_known_elr.as_ref();
    replace(&mut next.last_known_elr, "last_known_elr", last_known_elr)?;
    let adding = body.adding_replicas.as_ref();
    replace(&mut next.adding_replicas, "adding_replicas", adding)?;
    let removing = body.removing_replicas.as_ref();
    replace(&mut next.removing_replicas, "removing_replicas", removing)?;
    if let Some(leader) = body.leader {
        next.leader = (leader != NodeId::NONE.0)
            .then(|| convert::node_id("leader", leader))
            .transpose()?;
        next.leader_epoch = before.leader_epoch.next();
    }
    Ok(next)
}

fn replace(
    nodes: &mut Vec<NodeId>,
    field: &'static str,
    list: Option<&v1::NodeList>,
) -> Result<(), Misfit> {
    if let Some(list) = list {
        *nodes = convert::node_ids(field, &list.nodes)?;
    }
    Ok(())
}

fn check(
    topic_id: TopicId,
    index: PartitionIndex,
    partition: &PartitionRegistration,
) -> Result<(), Misfit> {
    partition
        .validate()
        .map_err(|reason| Misfit::InvalidPartition {
            topic_id,
            index,
            reason,
        })
}
