//! Which batch differs, what in it, and on which replicas. Pure.

use rpc::audit::BatchSummary;
use serde_json::{Value, json};
use types::Offset;

/// One number of a batch.
type Field = fn(&BatchSummary) -> i64;

/// What one replica has where they part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    /// The brokers that have it.
    pub(super) brokers: Vec<i32>,
    /// The batch; `None` if there is none at this place.
    pub(super) batch: Option<BatchSummary>,
}

/// The first place where replicas part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// Where the earliest of the batches begins.
    pub(super) offset: Offset,
    /// What there is instead of one; the most widespread first.
    pub(super) versions: Vec<Version>,
}

/// Compares the batches of replicas, place by place. A batch whose content does not match its checksum
/// is a difference also if all are alike.
pub(super) fn first(replicas: &[(i32, Vec<BatchSummary>)]) -> Option<Difference> {
    let length = replicas.iter().map(|(_, batches)| batches.len()).max()?;
    (0..length).find_map(|place| {
        let mut versions: Vec<Version> = Vec::new();
        for (broker, batches) in replicas {
            let batch = batches.get(place).copied();
            match versions.iter_mut().find(|version| version.batch == batch) {
                Some(version) => version.brokers.push(*broker),
                None => versions.push(Version {
                    brokers: vec![*broker],
                    batch,
                }),
            }
        }
        let is_damaged = versions
            .iter()
            .any(|it| it.batch.is_some_and(|b| b.is_damaged));
        if versions.len() == 1 && !is_damaged {
            return None;
        }
        versions.sort_by_key(|version| std::cmp::Reverse(version.brokers.len()));
        let batches = versions.iter().filter_map(|version| version.batch);
        let offset = batches.map(|batch| batch.base_offset).min()?;
        Some(Difference { offset, versions })
    })
}

impl Difference {
    /// What is not the same, in words.
    pub(super) fn fields(&self) -> Vec<&'static str> {
        let batches = || self.versions.iter().map(|version| version.batch);
        let differs = |of: Field| {
            let mut values = batches().flatten().map(|batch| of(&batch));
            let first = values.next();
            values.any(|value| Some(value) != first)
        };
        let mut fields = Vec::new();
        if batches().any(|batch| batch.is_none()) {
            fields.push("missing");
        }
        let all: [(Field, &'static str); 5] = [
            (|b| b.base_offset, "base offset"),
            (|b| b.last_offset, "last offset"),
            (|b| i64::from(b.leader_epoch.0), "leader epoch"),
            (|b| i64::from(b.size_bytes), "size"),
            (|b| i64::from(b.crc), "checksum"),
        ];
        fields.extend(
            all.iter()
                .filter(|(of, _)| differs(*of))
                .map(|(_, name)| *name),
        );
        if batches().flatten().any(|batch| batch.is_damaged) {
            fields.push("content does not match its checksum");
        }
        fields
    }

    /// One line for each version.
    pub(super) fn lines(&self) -> Vec<String> {
        let line = |version: &Version| {
            let brokers: Vec<_> = version.brokers.iter().map(ToString::to_string).collect();
            let what = match &version.batch {
                None => "no batch here".to_owned(),
                Some(batch) => {
                    let damage = if batch.is_damaged { ", damaged" } else { "" };
                    format!(
                        "offsets {}..{}, epoch {}, {} bytes, checksum {:08x}{damage}",
                        batch.base_offset,
                        batch.last_offset,
                        batch.leader_epoch.0,
                        batch.size_bytes,
                        batch.crc
                    )
                }
            };
            format!("broker {}: {what}", brokers.join(","))
        };
        self.versions.iter().map(line).collect()
    }

    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        let versions = self.versions.iter().map(|version| {
            let batch = version.batch.map(|batch| {
                json!({
                    "baseOffset": batch.base_offset,
                    "lastOffset": batch.last_offset,
                    "leaderEpoch": batch.leader_epoch.0,
                    "sizeBytes": batch.size_bytes,
                    "checksum": format!("{:08x}", batch.crc),
                    "isDamaged": batch.is_damaged,
                })
            });
            json!({ "brokers": version.brokers, "batch": batch })
        });
        json!({
            "offset": self.offset,
            "differs": self.fields(),
            "versions": versions.collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use types::LeaderEpoch;

    use super::*;

    fn batch(base_offset: Offset, crc: u32) -> BatchSummary {
        BatchSummary {
            base_offset,
            last_offset: base_offset + 9,
            leader_epoch: LeaderEpoch(3),
            crc,
            size_bytes: 200,
            is_damaged: false,
        }
    }

    #[test]
    fn replicas_that_are_alike_do_not_differ() {
        let same = vec![batch(0, 1), batch(10, 2)];
        assert_eq!(first(&[(1, same.clone()), (2, same)]), None);
        assert_eq!(first(&[]), None);
    }

    #[test]
    fn the_first_other_checksum_is_named_with_its_replica() {
        let right = vec![batch(0, 1), batch(10, 2), batch(20, 3)];
        let wrong = vec![batch(0, 1), batch(10, 9), batch(20, 9)];
        let found = first(&[(1, wrong), (2, right.clone()), (3, right)]).expect("differs");
        assert_eq!(found.offset, 10);
        assert_eq!(found.versions[0].brokers, [2, 3]);
        assert_eq!(found.versions[1].brokers, [1]);
        assert_eq!(found.fields(), ["checksum"]);
        assert!(
            found.lines()[1].contains("broker 1: offsets 10..19"),
            "{found:?}"
        );
    }

    #[test]
    fn a_batch_that_is_missing_is_a_difference() {
        let right = vec![batch(0, 1), batch(10, 2)];
        let found = first(&[(1, right.clone()), (2, right[..1].to_vec())]).expect("differs");
        assert_eq!((found.offset, found.fields()), (10, vec!["missing"]));
        let shifted = first(&[(1, right.clone()), (2, right[1..].to_vec())]).expect("differs");
        assert_eq!(shifted.offset, 0);
        assert_eq!(shifted.fields()[0], "base offset");
    }

    #[test]
    fn damage_is_a_difference_even_if_all_have_it() {
        let damaged = BatchSummary {
            is_damaged: true,
            ..batch(0, 1)
        };
        let found = first(&[(1, vec![damaged]), (2, vec![damaged])]).expect("damaged");
        assert_eq!(found.fields(), ["content does not match its checksum"]);
    }
}
