//! What belongs to the cluster as a whole: configs, features, counters, the active controller.

use std::sync::Arc;

use types::NodeId;

use super::{Misfit, Replay, convert};
use crate::derive;
use crate::image::{BROKER_DRAIN, MIN_INSYNC_REPLICAS};
use crate::{ActiveController, ConfigResource, ResourceKind, feature, v1};

impl Replay {
    pub(super) fn on_config(&mut self, body: &v1::Config) -> Result<(), Misfit> {
        let resource = self.config_owner(body)?;
        let key: Arc<str> = body.key.as_str().into();
        let former = self.image.config(resource.kind, &resource.name, &key);
        if former == body.value.as_deref() {
            return Ok(());
        }
        let mut resources = self.image.configs.get(&resource.kind).cloned();
        let resources = resources.get_or_insert_default();
        let mut configs = resources.get(&resource.name).cloned().unwrap_or_default();
        configs.set(Arc::clone(&key), body.value.as_deref().map(Arc::from));
        if configs.is_empty() {
            resources.remove(&resource.name);
        } else {
            resources.insert(Arc::clone(&resource.name), configs);
        }
        // Nothing empty stays behind, so that images with equal content are equal.
        if resources.is_empty() {
            self.image.configs.remove(&resource.kind);
        } else {
            let resources = resources.clone();
            self.image.configs.insert(resource.kind, resources);
        }
        if *key == *MIN_INSYNC_REPLICAS {
            self.on_min_isr(&resource);
        }
        if *key == *BROKER_DRAIN {
            self.on_drain(&resource);
        }
        self.delta.on_config(resource, key);
        Ok(())
    }

    fn config_owner(&self, body: &v1::Config) -> Result<ConfigResource, Misfit> {
        let kind = v1::ResourceType::try_from(body.resource_type)
            .ok()
            .and_then(ResourceKind::from_record)
            .ok_or_else(|| convert::illegal("resource_type", &body.resource_type))?;
        if body.key.is_empty() {
            return Err(convert::illegal("key", &"\"\""));
        }
        let name = &body.resource_name;
        if kind == ResourceKind::Topic && !self.image.topic_ids.contains_key(name.as_str()) {
            return Err(Misfit::UnknownTopic(name.clone()));
        }
        Ok(ConfigResource::new(kind, name.as_str()))
    }

    fn on_min_isr(&mut self, resource: &ConfigResource) {
        match resource.kind {
            ResourceKind::Topic => {
                if let Some(id) = self.image.topic_ids.get(&resource.name).copied() {
                    self.derive_topic(id, &derive::after_min_isr_change);
                }
            }
            ResourceKind::Broker if resource.name.is_empty() => {
                self.derive(derive::after_min_isr_change);
            }
            ResourceKind::Broker | ResourceKind::ClientMetrics | ResourceKind::Group => {}
        }
    }

    fn on_drain(&mut self, resource: &ConfigResource) {
        let broker = resource.name.parse().map(NodeId);
        let (ResourceKind::Broker, Ok(broker)) = (resource.kind, broker) else {
            return;
        };
        // The other way round nothing happens at once: leaders come back by preferred election.
        if self.image.is_draining(broker) {
            self.derive(|world, _topic, partition| derive::after_drain(world, partition, broker));
        }
    }

    pub(super) fn on_feature_level(&mut self, body: &v1::FeatureLevel) -> Result<(), Misfit> {
        let level = convert::level("level", body.level)?;
        if body.name.is_empty() {
            return Err(convert::illegal("name", &"\"\""));
        }
        self.delta.features |= self.image.feature_level(&body.name) != level;
        match level {
            0 => self.image.features.remove(body.name.as_str()),
            level => self.image.features.insert(body.name.as_str().into(), level),
        };
        if body.name == feature::ELIGIBLE_LEADER_REPLICAS && level == 0 {
            self.derive(|_world, _topic, partition| derive::without_elr(partition));
        }
        Ok(())
    }

    pub(super) fn on_producer_id_block(
        &mut self,
        body: &v1::ProducerIdBlock,
    ) -> Result<(), Misfit> {
        let current = self.image.next_producer_id;
        let given = body.next_producer_id;
        if given <= current {
            return Err(Misfit::Backwards {
                counter: "the next producer id",
                current,
                given,
            });
        }
        self.image.next_producer_id = given;
        self.delta.producer_ids = true;
        Ok(())
    }

    pub(super) fn on_controller_change(
        &mut self,
        body: &v1::ControllerChange,
    ) -> Result<(), Misfit> {
        let node_id = convert::node_id("node_id", body.node_id)?;
        let current = self.image.controller.map_or(-1, |active| active.epoch);
        if body.epoch <= current {
            return Err(Misfit::Backwards {
                counter: "the controller epoch",
                current: i64::from(current),
                given: i64::from(body.epoch),
            });
        }
        let epoch = body.epoch;
        self.image.controller = Some(ActiveController { node_id, epoch });
        self.delta.controller = true;
        Ok(())
    }

    pub(super) fn on_cluster_id(&mut self, body: &v1::ClusterId) -> Result<(), Misfit> {
        if body.id.is_empty() {
            return Err(convert::illegal("id", &"\"\""));
        }
        if let Some(current) = &self.image.cluster_id {
            return Err(Misfit::ClusterId {
                current: current.to_string(),
                given: body.id.clone(),
            });
        }
        self.image.cluster_id = Some(body.id.as_str().into());
        self.delta.cluster_id = true;
        Ok(())
    }
}
