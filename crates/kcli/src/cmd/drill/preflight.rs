//! What should survive the blow and what will not, said in advance. Pure arithmetic on replicas,
//! votes and settings.

use client::Acks;
use serde::Serialize;

use super::scene::Scene;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Weight {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// Something stops until the node is back; nothing acknowledged is lost.
    Stops,
    /// Acknowledged records may be lost.
    MayLose,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// How bad.
    pub(super) weight: Weight,
    /// A sentence.
    pub(super) text: String,
}

/// All findings, and what they come to.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Preflight {
    /// The worst of them.
    pub(super) weight: Weight,
    /// The findings.
    pub(super) findings: Vec<Finding>,
}

impl Preflight {
    /// One sentence.
    pub(super) fn sentence(&self) -> &'static str {
        match self.weight {
            Weight::Good | Weight::Note => {
                "this should survive: writing goes on after a moment and nothing acknowledged is lost"
            }
            Weight::Stops => {
                "this will interrupt the service until the node is back; nothing acknowledged is lost"
            }
            Weight::MayLose => "this may lose acknowledged records",
        }
    }
}

/// Thinks it through.
pub(super) fn preflight(scene: &Scene, victims: &[i32], acks: Acks) -> Preflight {
    let mut findings = Vec::new();
    let mut found = |weight, text: String| findings.push(Finding { weight, text });
    quorum(scene, victims, &mut found);
    partitions(scene, victims, acks, &mut found);
    match acks {
        Acks::All => {}
        Acks::Leader => found(
            Weight::MayLose,
            "acks=1: what only the leader has is acknowledged, and lost with it".to_owned(),
        ),
        Acks::None => found(
            Weight::MayLose,
            "acks=0: nothing is acknowledged, so nothing can be proved".to_owned(),
        ),
    }
    if scene.may_elect_unclean {
        found(
            Weight::MayLose,
            "unclean.leader.election.enable=true: a replica that lacks records may become leader"
                .to_owned(),
        );
    }
    for (topic, replicas) in &scene.weak_internal {
        found(
            Weight::Note,
            format!(
                "{topic} has {replicas} replica(s): groups or transactions on a lost broker stop \
                 though this topic goes on"
            ),
        );
    }
    let weight = findings.iter().map(|finding| finding.weight).max();
    Preflight {
        weight: weight.unwrap_or(Weight::Good),
        findings,
    }
}

fn quorum(scene: &Scene, victims: &[i32], found: &mut impl FnMut(Weight, String)) {
    let total = scene.voters.len();
    let struck = scene
        .voters
        .iter()
        .filter(|id| victims.contains(id))
        .count();
    let (left, needed) = (total - struck, total / 2 + 1);
    let is_active = scene
        .active_controller
        .is_some_and(|id| victims.contains(&id));
    if total == 0 {
        return found(Weight::Note, "the metadata quorum is not known".to_owned());
    }
    if struck == 0 {
        return found(
            Weight::Good,
            format!("the metadata quorum loses no voter (of {total})"),
        );
    }
    if left >= needed {
        let active = match is_active {
            true => "; the active controller is struck, so the voters elect another one first",
            false => "",
        };
        return found(
            Weight::Good,
            format!("{left} of {total} voters remain, {needed} are a majority{active}"),
        );
    }
    let why = match total {
        1 => "the only voter is struck".to_owned(),
        2 => "there are two voters, and either one alone is no majority".to_owned(),
        _ => format!("{left} of {total} voters remain, a majority is {needed}"),
    };
    let remedy = "no leader can be elected until the node is back";
    found(Weight::Stops, format!("{why}: {remedy}"));
    if total == 2 {
        found(
            Weight::Note,
            "a third voter on any small machine, without a broker, would help".to_owned(),
        );
    }
}

fn partitions(scene: &Scene, victims: &[i32], acks: Acks, found: &mut impl FnMut(Weight, String)) {
    let (mut moving, mut well) = (Vec::new(), 0);
    for partition in &scene.partitions {
        let name = format!("{}-{}", scene.topic, partition.index);
        let left: Vec<i32> = partition
            .isr
            .iter()
            .copied()
            .filter(|id| !victims.contains(id))
            .collect();
        if partition.leader < 0 {
            found(Weight::Stops, format!("{name} has no leader even now"));
            continue;
        }
        if left.is_empty() {
            let why = match partition.replicas.len() {
                1 => "has one replica",
                _ => "has no other replica in sync",
            };
            found(Weight::Stops, format!("{name} {why}: nobody can lead it"));
            continue;
        }
        if acks == Acks::All && left.len() < scene.min_isr {
            let text = format!(
                "{name} keeps {} replica(s) in sync, min.insync.replicas={}: reading goes on, writing \
                 with acks=all is refused",
                left.len(),
                scene.min_isr
            );
            found(Weight::Stops, text);
            continue;
        }
        if victims.contains(&partition.leader) {
            moving.push(partition.index.to_string());
        }
        well += 1;
        if partition.isr.len() < partition.replicas.len() {
            let (isr, all) = (partition.isr.len(), partition.replicas.len());
            found(
                Weight::Note,
                format!("{name} has only {isr} of {all} replicas in sync now"),
            );
        }
    }
    if well > 0 && !moving.is_empty() {
        let text = match moving.as_slice() {
            [one] => format!("partition {one} gets another leader"),
            all => format!("partitions {} get another leader", all.join(", ")),
        };
        found(Weight::Good, text);
    }
    if well > moving.len() {
        let count = well - moving.len();
        found(
            Weight::Good,
            format!("{count} partition(s) keep their leader"),
        );
    }
    if acks == Acks::All
        && scene.min_isr < 2
        && scene.partitions.iter().any(|p| p.replicas.len() > 1)
    {
        found(
            Weight::Note,
            "min.insync.replicas=1: had the others been out of sync before, acknowledged records \
             could be on the struck node alone"
                .to_owned(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::drill::scene::PartitionScene;

    fn scene(replicas: &[i32], isr: &[i32], voters: &[i32], min_isr: usize) -> Scene {
        Scene {
            topic: "t".to_owned(),
            partitions: vec![PartitionScene {
                index: 0,
                leader: isr[0],
                replicas: replicas.to_vec(),
                isr: isr.to_vec(),
            }],
            voters: voters.to_vec(),
            active_controller: voters.first().copied(),
            min_isr,
            ..Scene::default()
        }
    }

    fn says(preflight: &Preflight, part: &str) -> bool {
        preflight
            .findings
            .iter()
            .any(|finding| finding.text.contains(part))
    }

    #[test]
    fn three_replicas_and_three_voters_survive_one() {
        let preflight = preflight(
            &scene(&[1, 2, 3], &[1, 2, 3], &[1, 2, 3], 2),
            &[1],
            Acks::All,
        );
        assert_eq!(preflight.weight, Weight::Good, "{preflight:?}");
        assert!(says(&preflight, "elect another one first"), "{preflight:?}");
        assert!(
            says(&preflight, "partition 0 gets another leader"),
            "{preflight:?}"
        );
    }

    #[test]
    fn two_voters_do_not_survive_one() {
        let preflight = preflight(&scene(&[1, 2], &[1, 2], &[1, 2], 1), &[2], Acks::All);
        assert_eq!(preflight.weight, Weight::Stops);
        assert!(
            says(&preflight, "either one alone is no majority"),
            "{preflight:?}"
        );
        assert!(says(&preflight, "third voter"), "{preflight:?}");
    }

    #[test]
    fn a_single_replica_has_nobody_to_take_over() {
        let preflight = preflight(&scene(&[1], &[1], &[101], 1), &[1], Acks::All);
        assert_eq!(preflight.weight, Weight::Stops);
        assert!(says(&preflight, "t-0 has one replica"), "{preflight:?}");
    }

    #[test]
    fn below_min_isr_writing_stops_and_reading_does_not() {
        let scene = scene(&[1, 2, 3], &[1, 2], &[101], 2);
        let all = preflight(&scene, &[1], Acks::All);
        assert!(says(&all, "writing with acks=all is refused"), "{all:?}");
        let leader = preflight(&scene, &[1], Acks::Leader);
        assert_eq!(leader.weight, Weight::MayLose);
        assert!(!says(&leader, "refused"), "{leader:?}");
    }

    #[test]
    fn an_unclean_election_may_lose_records() {
        let mut scene = scene(&[1, 2, 3], &[1, 2, 3], &[1, 2, 3], 2);
        scene.may_elect_unclean = true;
        assert_eq!(preflight(&scene, &[1], Acks::All).weight, Weight::MayLose);
    }
}
