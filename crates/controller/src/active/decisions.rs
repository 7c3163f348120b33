//! One kind of request after the other: what is decided, and how it is answered.

use std::time::Duration;

use metadata::{BrokerRegistration, Listener, PartitionRegistration, ReplayError};
use protocol::ApiKey;
use rpc::{
    DirectoryAnswer, DirectoryAssignment, ForwardRequest, Forwarded, HeartbeatAnswer,
    HeartbeatState, PartitionAnswer, PartitionRefusal, PartitionState, PartitionUpdate,
    ProducerIdBlock, QuorumDescription, Registered, Registration, ReplicaProgress,
};
use types::{BrokerEpoch, DirectoryId, ErrorCode, NodeId, Offset, TimestampMs};

use super::group::Group;
use super::message::{Message, Refusal, Reply, answer};
use super::reign::answer_at_commit;
use super::task::ActiveTask;
use crate::api::{self, RequestContext};
use crate::decide::{self, HeartbeatRefusal, RegistrationRefusal, Sender};
use crate::quorum::MemberState;
use crate::session::{LastContact, until_refused};

impl ActiveTask {
    /// Decides one request on the group's image.
    pub(super) fn decide(&mut self, message: Message, group: &mut Group) {
        match message {
            Message::Heartbeat {
                broker,
                epoch,
                state,
                reply,
            } => self.on_heartbeat(group, (broker, epoch), &state, reply),
            Message::SessionBroken { broker, epoch } => self.on_session_broken(broker, epoch),
            Message::DialRefused { broker, epoch } => self.on_dial_refused(group, broker, epoch),
            Message::Register {
                registration,
                reply,
            } => self.on_register(group, &registration, reply),
            Message::Forward { request, reply } => self.on_forward(group, request, reply),
            Message::AlterPartitions {
                sender,
                updates,
                reply,
            } => on_alter_partitions(group, sender, &updates, reply),
            Message::AssignDirectories {
                sender,
                assignments,
                reply,
            } => on_assign_directories(group, sender, &assignments, reply),
            Message::AllocateProducerIds {
                broker,
                epoch,
                reply,
            } => on_allocate_producer_ids(group, broker, epoch, reply),
            Message::DescribeQuorum { reply } => self.on_describe_quorum(group, reply),
        }
    }

    fn on_register(
        &self,
        group: &mut Group,
        registration: &Registration,
        reply: Reply<Registered>,
    ) {
        let broker = registration.broker_id;
        if !group.register(broker) {
            return answer(reply, Err(Refusal::Busy));
        }
        let is_alive = self.sessions.is_alive(broker, self.clock.monotonic());
        let decision = match decide::register_broker(group.image(), registration, is_alive) {
            Ok(decision) => decision,
            Err(refusal) => return answer(reply, Err(registration_refused(&refusal))),
        };
        if let Err(error) = group.record(decision.records) {
            return answer(reply, Err(does_not_fit(&error)));
        }
        group.must_confirm();
        answer_at_commit(group, reply, move |image, offset| {
            let broker_epoch = match decision.response {
                decide::Registered::Already(epoch) => epoch,
                decide::Registered::AtCommit => BrokerEpoch(offset),
            };
            tracing::info!(%broker, %broker_epoch, "broker registered");
            Ok(Registered {
                broker_epoch,
                cluster_id: image.cluster_id().unwrap_or_default().to_owned(),
            })
        });
    }

    fn on_heartbeat(
        &mut self,
        group: &mut Group,
        (broker, epoch): (NodeId, BrokerEpoch),
        state: &HeartbeatState,
        reply: Reply<HeartbeatAnswer>,
    ) {
        let decision = match decide::heartbeat(group.image(), broker, epoch, state) {
            Ok(decision) => decision,
            Err(refusal) => return answer(reply, Err(heartbeat_refused(&refusal))),
        };
        let contact = LastContact {
            metadata_offset: state.metadata_offset,
            wall_ms: self.clock.wall_ms(),
        };
        let now = self.clock.monotonic();
        self.sessions.on_heartbeat(broker, epoch, now, contact);
        group.hear(broker, epoch);
        if let Some(theirs) = state.image_hash {
            self.image_check.compare(broker, theirs, now, &self.probes);
        }
        if let Err(error) = group.record(decision.records) {
            return answer(reply, Err(does_not_fit(&error)));
        }
        let mut response = decision.response;
        if state.want_shutdown {
            response.should_shutdown &= self.have_seen_leave(group, broker, epoch);
        }
        // The broker trusts what it remembers for a session from here, if this node surely leads.
        let is_proven = self.quorum.surely_leads();
        answer_at_commit(group, reply, move |_image, offset| {
            response.proven_offset = is_proven.then_some(offset);
            Ok(response)
        });
    }

    /// Whether all others know who leads in the place of a broker that wants to stop.
    fn have_seen_leave(&mut self, group: &Group, broker: NodeId, epoch: BrokerEpoch) -> bool {
        let image = group.image();
        let others = image
            .brokers()
            .filter(|other| other.is_live() && other.id != broker);
        let others: Vec<_> = others.map(|other| other.id).collect();
        let offset = group.effective_offset();
        self.sessions.have_seen_leave(broker, epoch, offset, others)
    }

    fn on_session_broken(&mut self, broker: NodeId, epoch: BrokerEpoch) {
        if self.sessions.on_broken(broker, epoch) {
            self.look_for(broker, epoch);
        }
    }

    /// Looks whether the process is still there of a broker that is not connected.
    pub(super) fn look_for(&self, broker: NodeId, epoch: BrokerEpoch) {
        let image = self.quorum.published().image();
        let Some(registered) = image.broker(broker) else {
            return;
        };
        let addresses = self.addresses_to_probe(registered);
        let (mailbox, stop) = (self.own_mailbox.clone(), self.stop.clone());
        // Later the session's end says the same.
        let at_most = self.config.session_timeout;
        self.probes.spawn(async move {
            let probe = stop.run_until_cancelled(until_refused(addresses, at_most));
            if probe.await == Some(true) {
                mailbox.tell(Message::DialRefused { broker, epoch });
            }
        });
    }

    /// Where a live broker would be reached from here: at the listener that brokers use among
    /// themselves if its name is known, else at one of them.
    fn addresses_to_probe(&self, broker: &BrokerRegistration) -> Vec<String> {
        let inter_broker = self.config.settings.file.get("inter.broker.listener.name");
        let inter_broker = inter_broker.and_then(|name| broker.listener(name.trim()));
        let listeners = match inter_broker {
            Some(listener) => std::slice::from_ref(listener),
            None => &*broker.listeners,
        };
        let address = |listener: &Listener| format!("{}:{}", listener.host, listener.port);
        listeners.iter().map(address).collect()
    }

    fn on_dial_refused(&mut self, group: &mut Group, broker: NodeId, epoch: BrokerEpoch) {
        if self
            .sessions
            .on_refused(broker, epoch, self.clock.monotonic())
        {
            self.fence(group, broker, epoch, "its process is gone");
        }
    }

    fn on_forward(&self, group: &mut Group, request: ForwardRequest, reply: Reply<Forwarded>) {
        let Some(key) = ApiKey::from_wire(request.api_key) else {
            let message = format!("no api has the key {}", request.api_key);
            return answer(reply, Err(Refusal::Invalid(message)));
        };
        let context = RequestContext {
            settings: &self.config.settings,
            controller: self.quorum.node_id(),
            via: None,
            seed: rand::random(),
        };
        let (version, body) = (request.api_version, request.body);
        let evaluated = match api::evaluate(group.image(), &context, key, version, body) {
            Ok(evaluated) => evaluated,
            Err(error) => return answer(reply, Err(Refusal::Invalid(error.to_string()))),
        };
        if let Err(error) = group.record(evaluated.records) {
            return answer(reply, Err(does_not_fit(&error)));
        }
        group.must_confirm();
        answer_at_commit(group, reply, move |_image, metadata_offset| {
            Ok(Forwarded {
                body: evaluated.response,
                metadata_offset,
            })
        });
    }

    fn on_describe_quorum(&self, group: &mut Group, reply: Reply<QuorumDescription>) {
        let description = self.describe_quorum();
        group.must_confirm();
        answer_at_commit(group, reply, move |image, _offset| {
            let controller = image.controller();
            Ok(QuorumDescription {
                leader_epoch: controller.map_or(-1, |c| c.epoch),
                high_watermark: image.offset() + 1,
                ..description
            })
        });
    }

    fn describe_quorum(&self) -> QuorumDescription {
        let leader_id = self.quorum.node_id();
        let now = self.clock.wall_ms();
        let members = self.quorum.members();
        let end: Offset = self.quorum.next_offset();
        let (voters, learners): (Vec<_>, Vec<_>) = members.into_iter().partition(|m| m.is_voter);
        let replica = |member: MemberState| {
            let wall = |ago: Option<Duration>| {
                let ago = ago.map(|ago| TimestampMs::try_from(ago.as_millis()).unwrap_or(now));
                ago.map_or(-1, |ago| now - ago)
            };
            ReplicaProgress {
                node_id: member.node_id,
                directory_id: member.directory_id,
                log_end_offset: member.log_end_offset.unwrap_or(-1),
                last_fetch_timestamp_ms: wall(member.heard_ago),
                last_caught_up_timestamp_ms: wall(member.caught_up_ago),
                address: member.address,
            }
        };
        let voters: Vec<_> = voters.into_iter().map(replica).collect();
        let learners: Vec<_> = learners.into_iter().map(replica).collect();
        let is_member = |id: NodeId| voters.iter().chain(&learners).any(|m| m.node_id == id);
        let brokers = self.sessions.contacts();
        let brokers: Vec<_> = brokers.filter(|(id, _)| !is_member(*id)).collect();
        let brokers = brokers.into_iter();
        let brokers = brokers.map(|(node_id, contact)| ReplicaProgress {
            node_id,
            directory_id: DirectoryId::ZERO,
            log_end_offset: contact.metadata_offset + 1,
            last_fetch_timestamp_ms: contact.wall_ms,
            last_caught_up_timestamp_ms: match contact.metadata_offset + 1 >= end {
                true => contact.wall_ms,
                false => -1,
            },
            address: String::new(),
        });
        let observers = learners.into_iter().chain(brokers).collect();
        QuorumDescription {
            leader_id,
            leader_epoch: -1,
            high_watermark: -1,
            voters,
            observers,
        }
    }
}

fn on_alter_partitions(
    group: &mut Group,
    sender: Sender,
    updates: &[PartitionUpdate],
    reply: Reply<Vec<PartitionAnswer>>,
) {
    let decision = match decide::alter_partition(group.image(), sender, updates) {
        Ok(decision) => decision,
        Err(refusal) => return answer(reply, Err(heartbeat_refused(&refusal))),
    };
    if let Err(error) = group.record(decision.records) {
        return answer(reply, Err(does_not_fit(&error)));
    }
    // A refusal may let the leader forget its proposal, so a deposed controller must not give it.
    group.must_confirm();
    let places = updates.iter().map(|update| (update.topic_id, update.index));
    let places: Vec<_> = places.collect();
    answer_at_commit(group, reply, move |image, _offset| {
        let answers = decision.response.into_iter().zip(places);
        let answers = answers.map(|(answer, (topic_id, index))| {
            answer?;
            // Later requests of the group may have changed it further, or removed it.
            let partition = image.partition(topic_id, index);
            partition.map_or(Err(PartitionRefusal::UnknownTopicId), |p| Ok(state_of(p)))
        });
        Ok(answers.collect())
    });
}

fn state_of(partition: &PartitionRegistration) -> PartitionState {
    PartitionState {
        leader: partition.leader,
        leader_epoch: partition.leader_epoch,
        partition_epoch: partition.partition_epoch,
        replicas: partition.replicas.clone(),
        isr: partition.isr.clone(),
        elr: partition.elr.clone(),
    }
}

fn on_assign_directories(
    group: &mut Group,
    sender: Sender,
    assignments: &[DirectoryAssignment],
    reply: Reply<Vec<DirectoryAnswer>>,
) {
    let decision = match decide::assign_directories(group.image(), sender, assignments) {
        Ok(decision) => decision,
        Err(refusal) => return answer(reply, Err(heartbeat_refused(&refusal))),
    };
    if let Err(error) = group.record(decision.records) {
        return answer(reply, Err(does_not_fit(&error)));
    }
    answer_at_commit(group, reply, move |_image, _offset| Ok(decision.response));
}

fn on_allocate_producer_ids(
    group: &mut Group,
    broker: NodeId,
    epoch: BrokerEpoch,
    reply: Reply<ProducerIdBlock>,
) {
    let decision = match decide::allocate_producer_ids(group.image(), broker, epoch) {
        Ok(decision) => decision,
        Err(refusal) => return answer(reply, Err(heartbeat_refused(&refusal))),
    };
    if let Err(error) = group.record(decision.records) {
        return answer(reply, Err(does_not_fit(&error)));
    }
    answer_at_commit(group, reply, move |_image, _offset| Ok(decision.response));
}

fn registration_refused(refusal: &RegistrationRefusal) -> Refusal {
    let code = match refusal {
        RegistrationRefusal::ClusterId { .. } => ErrorCode::InconsistentClusterId,
        RegistrationRefusal::Duplicate => ErrorCode::DuplicateBrokerRegistration,
        RegistrationRefusal::Feature { .. } => ErrorCode::UnsupportedVersion,
        RegistrationRefusal::Invalid(_) => ErrorCode::InvalidRegistration,
    };
    Refusal::code(code, refusal)
}

fn heartbeat_refused(refusal: &HeartbeatRefusal) -> Refusal {
    let code = match refusal {
        HeartbeatRefusal::NotRegistered(_) => ErrorCode::BrokerIdNotRegistered,
        HeartbeatRefusal::StaleEpoch { .. } => ErrorCode::StaleBrokerEpoch,
    };
    Refusal::code(code, refusal)
}

/// A decision that does not fit the image it was made on is a bug of ours. The request fails, the
/// cluster goes on.
fn does_not_fit(error: &ReplayError) -> Refusal {
    tracing::error!(%error, "a decision does not fit the image it was made on");
    Refusal::code(ErrorCode::UnknownServerError, error)
}
