//! Acting on what the cluster decided: partitions are created, led, followed, dropped.
//!
//! Everything here may wait for the disk and has one caller at a time.
//!
//! ```text
//! names taken again: old log away ─► new and changed partitions ─► image published ─► followers told
//!                                                                                  ─► others away
//! ```
//!
//! A partition is there before anybody can learn of it from the image, and the image no longer shows it
//! when it goes.

use std::collections::HashMap;
use std::sync::Arc;

use metadata::{Change, Delta, MetadataImage, ResourceKind, TopicImage};
use tracing::{error, info, warn};
use types::{DirectoryId, NodeId, PartitionIndex, TopicId, TopicPartition};

use crate::partition::{Assignment, Partition, Shared, TopicSettings};
use crate::replica::Touched;
use crate::state::Core;

impl Core {
    /// Acts on a newer image. `delta` names what differs from the one in force.
    pub(crate) fn apply(&self, image: MetadataImage, delta: &Delta) {
        let image = Arc::new(image);
        let removed = delta
            .topics
            .iter()
            .filter(|(_, topic)| topic.change == Change::Removed);
        let (renewed, removed): (Vec<_>, Vec<_>) =
            removed.partition(|(_, topic)| image.topic(&topic.name).is_some());
        let mut touched = Touched::default();
        for (topic_id, _) in renewed {
            self.remove_topic(*topic_id, &mut touched);
        }
        self.assign_partitions(&image, delta, &mut touched);
        self.apply_configs(&image, delta);
        self.publish(image);
        self.groups.on_image(self, delta);
        self.on_brokers(delta);
        for (topic_id, _) in removed {
            self.remove_topic(*topic_id, &mut touched);
        }
        touched.tell(&self.replication.peers);
    }

    /// Connections to followers look whether they still speak to the right process, and who may be in
    /// sync is looked at again.
    pub(crate) fn on_brokers(&self, delta: &Delta) {
        if delta.brokers.is_empty() {
            return;
        }
        self.replication.peers.on_brokers(delta.brokers.keys());
        self.replication.isr.add_all();
    }

    fn assign_partitions(&self, image: &MetadataImage, delta: &Delta, touched: &mut Touched) {
        let mut settings = HashMap::new();
        for (topic_id, index) in delta.partitions() {
            let Some(topic) = image.topic_by_id(topic_id) else {
                continue;
            };
            let settings = settings
                .entry(topic_id)
                .or_insert_with(|| self.topic_settings(image, topic.name()));
            self.assign_partition(image, topic, index, settings, touched);
        }
    }

    fn assign_partition(
        &self,
        image: &MetadataImage,
        topic: &TopicImage,
        index: PartitionIndex,
        settings: &Arc<TopicSettings>,
        touched: &mut Touched,
    ) {
        let Some(registration) = topic.partition(index) else {
            return;
        };
        let local = self.node_id();
        if !registration.replicas.contains(&local) {
            self.remove_partition(topic.id(), index, touched);
            return;
        }
        let Some(partition) = self.get_or_create(topic, index, local, settings) else {
            return;
        };
        let directory = self.log_dirs.directory_of(partition.topic_partition());
        if let Some(directory) = directory
            && directory != registration.directory_of(local)
        {
            let directories = &self.replication.directories;
            directories.add(topic.id(), index, directory);
        }
        let replica_count = registration.replication_factor();
        let assignment = Assignment {
            local,
            registration,
            min_isr: image.min_insync_replicas(topic.name(), replica_count),
        };
        match partition.assign(assignment) {
            Ok(nodes) => {
                touched.add(local, &nodes, &partition);
                self.groups.on_assigned(&partition);
            }
            Err(error) => {
                error!(partition = %partition.topic_partition(), %error, "cannot take up the partition");
            }
        }
    }

    /// Partitions that this broker was elected for and could not lead, for want of room: once more.
    pub(crate) fn try_to_lead(&self) {
        let image = self.image();
        let mut touched = Touched::default();
        for partition in self.partitions.all() {
            if !partition.is_waiting_to_lead() {
                continue;
            }
            let Some(topic) = image.topic_by_id(partition.topic_id()) else {
                continue;
            };
            let index = partition.topic_partition().partition;
            let settings = Arc::clone(&partition.settings());
            self.assign_partition(&image, topic, index, &settings, &mut touched);
        }
        touched.tell(&self.replication.peers);
    }

    /// The replica; its log is created if there is none. `None` if that fails: requests for it are then
    /// answered with a storage error.
    fn get_or_create(
        &self,
        topic: &TopicImage,
        index: PartitionIndex,
        local: NodeId,
        settings: &Arc<TopicSettings>,
    ) -> Option<Arc<Partition>> {
        if let Some(partition) = self.partitions.get(topic.id(), index) {
            return Some(partition);
        }
        let topic_partition = TopicPartition::new(Arc::clone(topic.name()), index);
        let directory = topic.partition(index)?.directory_of(local);
        let directory = match self.place_for(directory) {
            Ok(directory) => directory,
            Err(offline) => {
                error!(partition = %topic_partition, %directory, offline, "the replica may be on a disk that failed");
                return None;
            }
        };
        let created = self.log_dirs.create_log(
            &topic_partition,
            topic.id(),
            settings.log.clone(),
            directory,
        );
        let log = created
            .inspect_err(
                |error| error!(partition = %topic_partition, %error, "cannot open the log"),
            )
            .ok()?;
        let high_watermark = self.log_dirs.checkpointed_high_watermark(&topic_partition);
        let directory = self.log_dirs.directory_of(&topic_partition);
        let sync_queue = self.sync_queues.of(directory)?;
        let partition = Partition::new(
            topic_partition,
            topic.id(),
            log,
            Arc::clone(settings),
            high_watermark,
            Shared {
                tail_budget: Arc::clone(&self.replication.tail_budget),
                room: Arc::clone(&self.room),
                sync_queue,
                isr_watch: Arc::clone(&self.replication.isr.watch),
            },
        );
        let partition = Arc::new(partition);
        self.partitions.insert(Arc::clone(&partition));
        Some(partition)
    }

    /// The directory for a replica that the metadata have in `directory`; `None` for any. A replica of a
    /// directory that is not there any more begins anew, but not while it may be the one that failed:
    /// named then is the path. One whose directory was never told may be anywhere, if it is not new.
    fn place_for(&self, directory: DirectoryId) -> Result<Option<DirectoryId>, String> {
        let dirs = self.log_dirs.status();
        if directory != DirectoryId::ZERO && dirs.iter().any(|dir| dir.directory_id == directory) {
            return Ok(Some(directory));
        }
        let is_new = directory == DirectoryId::ZERO && self.image().offset() >= 0;
        match dirs.into_iter().find(|dir| dir.offline.is_some()) {
            Some(failed) if !is_new => Err(failed.path.display().to_string()),
            _ => Ok(None),
        }
    }

    fn remove_topic(&self, topic_id: TopicId, touched: &mut Touched) {
        for partition in self.partitions.of_topic(topic_id) {
            let index = partition.topic_partition().partition;
            self.remove_partition(topic_id, index, touched);
        }
    }

    fn remove_partition(&self, topic_id: TopicId, index: PartitionIndex, touched: &mut Touched) {
        let Some(partition) = self.partitions.remove(topic_id, index) else {
            return;
        };
        touched.add(self.node_id(), &partition.retire(), &partition);
        let topic_partition = partition.topic_partition();
        match self.log_dirs.delete_log(topic_partition) {
            Ok(()) => info!(partition = %topic_partition, "replica deleted"),
            Err(error) => warn!(partition = %topic_partition, %error, "cannot delete the log"),
        }
    }

    fn apply_configs(&self, image: &MetadataImage, delta: &Delta) {
        let concerns_all = delta.configs.keys().any(|resource| {
            resource.kind == ResourceKind::Broker
                && (resource.name.is_empty() || *resource.name == *self.node_id().to_string())
        });
        if concerns_all {
            for topic in image.topics() {
                self.apply_settings(image, topic);
            }
            return;
        }
        for resource in delta
            .configs
            .keys()
            .filter(|one| one.kind == ResourceKind::Topic)
        {
            if let Some(topic) = image.topic(&resource.name) {
                self.apply_settings(image, topic);
            }
        }
    }

    fn apply_settings(&self, image: &MetadataImage, topic: &TopicImage) {
        let settings = self.topic_settings(image, topic.name());
        for (index, registration) in topic.partitions() {
            let Some(partition) = self.partitions.get(topic.id(), index) else {
                continue;
            };
            partition.set_settings(Arc::clone(&settings));
            let replica_count = registration.replication_factor();
            partition.set_min_isr(image.min_insync_replicas(topic.name(), replica_count));
        }
    }

    /// The topic's configuration in the shapes that partitions need.
    pub(crate) fn topic_settings(&self, image: &MetadataImage, name: &str) -> Arc<TopicSettings> {
        let config = self.topic_config(image, name);
        let producer_id_expiration = self.config.producers.producer_id_expiration;
        Arc::new(TopicSettings::new(config, producer_id_expiration))
    }
}
