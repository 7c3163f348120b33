//! Whom to strike.

use rand::seq::IndexedRandom as _;

use super::scene::Scene;
use crate::failure::{Failure, Result};

/// `--target`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The leader of the first partition.
    Leader,
    /// The active controller.
    Controller,
    /// A broker that leads a partition and is the active controller; if controllers stand apart, one
    /// of each.
    Both,
    /// A replica's broker that leads as little as possible.
    Follower,
    /// This one.
    Broker(i32),
    /// Any replica's broker.
    Random,
}

impl Target {
    /// Reads `--target`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "leader" => Self::Leader,
            "controller" => Self::Controller,
            "both" => Self::Both,
            "follower" => Self::Follower,
            "random" => Self::Random,
            other => match other.strip_prefix("broker:").map(str::parse) {
                Some(Ok(id)) => Self::Broker(id),
                _ => {
                    return Err(
                        "know leader, controller, both, follower, broker:N and random".to_owned(),
                    );
                }
            },
        })
    }

    /// The nodes it means here.
    pub(super) fn choose(self, scene: &Scene) -> Result<Vec<i32>> {
        let controller = || {
            let none = "the active controller is not known";
            scene.active_controller.ok_or_else(|| Failure::failed(none))
        };
        let first = scene.partitions.first();
        let leader = || {
            let leader = first.map(|p| p.leader).filter(|leader| *leader >= 0);
            leader.ok_or_else(|| Failure::failed("the first partition has no leader"))
        };
        match self {
            Self::Leader => Ok(vec![leader()?]),
            Self::Controller => Ok(vec![controller()?]),
            Self::Broker(id) => match scene.brokers.iter().any(|(broker, _)| *broker == id) {
                true => Ok(vec![id]),
                false => Err(Failure::usage(format!(
                    "broker {id} is not among the live ones"
                ))),
            },
            Self::Both => {
                let controller = controller()?;
                if scene.led_by(controller) > 0 {
                    return Ok(vec![controller]);
                }
                if scene.address(controller).is_none() {
                    return Ok(vec![leader()?, controller]);
                }
                let message = format!(
                    "node {controller} is the active controller and leads no partition of {}",
                    scene.topic
                );
                Err(Failure::failed(message).hint(format!(
                    "give it one (kcli partition transfer {}/0 --to {controller}), or use a topic with \
                     more partitions",
                    scene.topic
                )))
            }
            Self::Follower => {
                let leader = leader()?;
                let others = scene
                    .replica_brokers()
                    .into_iter()
                    .filter(|id| *id != leader);
                let follower = others
                    .min_by_key(|id| (scene.led_by(*id), scene.active_controller == Some(*id)));
                let none = || Failure::failed("there is no other replica than the leader");
                Ok(vec![follower.ok_or_else(none)?])
            }
            Self::Random => {
                let all = scene.replica_brokers();
                let one = all.choose(&mut rand::rng());
                one.map(|id| vec![*id])
                    .ok_or_else(|| Failure::failed("there is no replica"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::drill::scene::PartitionScene;

    fn scene(leaders: &[i32], brokers: &[i32], controller: i32) -> Scene {
        let partitions = (0..).zip(leaders).map(|(index, leader)| PartitionScene {
            index,
            leader: *leader,
            replicas: brokers.to_vec(),
            isr: brokers.to_vec(),
        });
        Scene {
            topic: "t".to_owned(),
            partitions: partitions.collect(),
            brokers: brokers
                .iter()
                .map(|id| (*id, client::Address::new("h", 9092)))
                .collect(),
            active_controller: Some(controller),
            ..Scene::default()
        }
    }

    #[test]
    fn each_target_means_somebody() {
        let scene = scene(&[2, 3], &[1, 2, 3], 3);
        for (text, expected) in [
            ("leader", 2),
            ("controller", 3),
            ("both", 3),
            ("follower", 1),
            ("broker:1", 1),
        ] {
            let target = Target::parse(text).expect(text);
            assert_eq!(target.choose(&scene).expect(text), [expected], "{text}");
        }
        let random = Target::Random.choose(&scene).expect("somebody");
        assert!([1, 2, 3].contains(&random[0]));
        assert!(Target::parse("broker:x").is_err());
        assert!(Target::Broker(9).choose(&scene).is_err());
    }

    #[test]
    fn controllers_apart_and_a_leader_are_two_victims() {
        let scene = scene(&[2], &[1, 2, 3], 101);
        assert_eq!(Target::Both.choose(&scene).expect("both"), [2, 101]);
    }

    #[test]
    fn a_controller_that_leads_nothing_is_not_both() {
        let refused = Target::Both
            .choose(&scene(&[2], &[1, 2, 3], 1))
            .expect_err("not both");
        assert!(
            refused.hints[0].contains("transfer t/0 --to 1"),
            "{refused:?}"
        );
    }
}
