//! C19: what lies in the replicas' files is the same, byte for byte, below the high watermark.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use protocol::records::{Batch, split_batches};

use crate::histck::{Check, Finding};
use crate::history::Tp;

/// A partition's folder on one broker.
#[derive(Debug)]
pub struct Replica {
    /// The broker.
    pub node: i32,
    /// `<log.dir>/<topic>-<partition>`.
    pub dir: PathBuf,
}

/// Compares replicas below an offset. Files may be written to meanwhile, behind that offset.
///
/// # Errors
/// A folder or file cannot be read. What is in it is no error but a finding.
pub fn compare(tp: &Tp, replicas: &[Replica], below: i64) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut all = Vec::new();
    for replica in replicas {
        let log = read(&replica.dir, below).with_context(|| replica.dir.display().to_string())?;
        findings.extend(log.damage.iter().map(|damage| {
            let detail = format!("replica {}: {damage}", replica.node);
            Finding::new(Check::C19, tp, damage, detail)
        }));
        findings.extend(epochs(tp, replica.node, &log));
        all.push((replica.node, log));
    }
    if let Some((first, others)) = all.split_first() {
        for other in others {
            findings.extend(difference(tp, first, other, below));
        }
    }
    Ok(findings)
}

/// Batches by base offset.
#[derive(Debug, Default)]
struct Log {
    batches: BTreeMap<i64, Batch>,
    damage: Vec<String>,
}

fn read(dir: &Path, below: i64) -> Result<Log> {
    // A replica without records has no folder.
    if !dir.try_exists()? {
        return Ok(Log::default());
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "log"));
    files.sort();
    let mut log = Log::default();
    for file in files {
        let bytes = Bytes::from(std::fs::read(&file)?);
        let mut next = None;
        for batch in split_batches(bytes) {
            match batch {
                Ok(batch) if batch.header.base_offset >= below => break,
                Ok(batch) => {
                    let at = batch.header.base_offset;
                    if batch.check_crc().is_err() {
                        log.damage
                            .push(format!("the batch at {at} fails its checksum"));
                    }
                    next = Some(batch.header.next_offset());
                    log.batches.insert(at, batch);
                }
                // Whatever is behind the last whole batch may be half written.
                Err(error) if next.is_none_or(|next| next < below) => {
                    log.damage
                        .push(format!("{}: behind {next:?}: {error}", file.display()));
                    break;
                }
                Err(_) => break,
            }
        }
    }
    Ok(log)
}

/// C20 for files: epochs never go down.
fn epochs(tp: &Tp, node: i32, log: &Log) -> Option<Finding> {
    let mut highest = i32::MIN;
    for (at, batch) in &log.batches {
        let epoch = batch.header.partition_leader_epoch.0;
        if epoch < highest {
            let detail = format!("replica {node}: epoch {epoch} at {at} follows epoch {highest}");
            return Some(Finding::new(
                Check::C20,
                tp,
                format!("{at} in {node}"),
                detail,
            ));
        }
        highest = epoch;
    }
    None
}

/// The first place where two replicas differ. Logs may begin at different offsets.
fn difference(tp: &Tp, a: &(i32, Log), b: &(i32, Log), below: i64) -> Option<Finding> {
    let start = |log: &Log| log.batches.keys().next().copied().unwrap_or(below);
    let from = start(&a.1).max(start(&b.1));
    let mut left = a.1.batches.range(from..);
    let mut right = b.1.batches.range(from..);
    loop {
        let (at, same) = match (left.next(), right.next()) {
            (None, None) => return None,
            (Some((at, left)), Some((other, right))) => {
                ((*at).min(*other), at == other && left.bytes == right.bytes)
            }
            (Some((at, _)), None) | (None, Some((at, _))) => (*at, false),
        };
        if !same {
            let detail = format!("replicas {} and {} differ at offset {at}", a.0, b.0);
            return Some(Finding::new(Check::C19, tp, at, detail));
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::records::{BatchBuilder, Compression};
    use types::LeaderEpoch;

    use super::*;

    fn batch(base_offset: i64, epoch: i32, value: &'static [u8]) -> Vec<u8> {
        let mut builder = BatchBuilder::new(Compression::None);
        builder.set_base_offset(base_offset);
        builder.set_leader_epoch(LeaderEpoch(epoch));
        builder.append(1, None, Some(value), &[]).expect("fits");
        builder.build().expect("a batch").bytes.to_vec()
    }

    /// Replicas with one segment each, compared below an offset.
    fn compared(logs: &[Vec<Vec<u8>>], below: i64) -> Vec<String> {
        let dir = tempfile::tempdir().expect("a folder");
        let mut replicas = Vec::new();
        for (node, batches) in (1..).zip(logs) {
            let dir = dir.path().join(node.to_string());
            std::fs::create_dir(&dir).expect("made");
            let file = dir.join("00000000000000000000.log");
            std::fs::write(file, batches.concat()).expect("written");
            replicas.push(Replica { node, dir });
        }
        let findings = compare(&"t-0".into(), &replicas, below).expect("readable");
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn replicas_that_are_the_same_are_clean() {
        let log = vec![batch(0, 0, b"a"), batch(1, 1, b"b")];
        assert!(compared(&[log.clone(), log.clone(), log], 2).is_empty());
    }

    #[test]
    fn a_replica_with_another_batch_is_found() {
        let (a, b) = (batch(0, 0, b"a"), batch(0, 0, b"b"));
        let found = compared(&[vec![a.clone()], vec![a], vec![b]], 1);
        assert_eq!(found, ["C19 t-0: replicas 1 and 3 differ at offset 0"]);
    }

    #[test]
    fn the_same_record_of_another_epoch_is_another_batch() {
        let found = compared(&[vec![batch(0, 1, b"a")], vec![batch(0, 2, b"a")]], 1);
        assert_eq!(found, ["C19 t-0: replicas 1 and 2 differ at offset 0"]);
    }

    #[test]
    fn a_replica_that_ends_early_is_found() {
        let long = vec![batch(0, 0, b"a"), batch(1, 0, b"b")];
        let found = compared(&[long.clone(), long[..1].to_vec()], 2);
        assert_eq!(found, ["C19 t-0: replicas 1 and 2 differ at offset 1"]);
    }

    #[test]
    fn what_is_above_the_high_watermark_may_differ() {
        let a = vec![batch(0, 0, b"a"), batch(1, 0, b"b")];
        let b = vec![batch(0, 0, b"a"), batch(1, 1, b"c")];
        assert!(compared(&[a, b], 1).is_empty());
    }

    #[test]
    fn a_log_may_begin_later_than_another() {
        let a = vec![batch(0, 0, b"a"), batch(1, 0, b"b")];
        assert!(compared(&[a.clone(), a[1..].to_vec()], 2).is_empty());
    }

    #[test]
    fn a_flipped_bit_is_found() {
        let mut log = vec![batch(0, 0, b"a")];
        let last = log[0].len() - 2;
        log[0][last] ^= 1;
        let found = compared(&[log], 1);
        assert_eq!(
            found,
            ["C19 t-0: replica 1: the batch at 0 fails its checksum"]
        );
    }

    #[test]
    fn half_a_batch_counts_only_below_the_high_watermark() {
        let half = batch(1, 0, b"b")[..30].to_vec();
        let log = vec![batch(0, 0, b"a"), half];
        assert!(compared(std::slice::from_ref(&log), 1).is_empty());
        assert_eq!(compared(&[log], 2).len(), 1);
    }

    #[test]
    fn epochs_that_go_down_are_found() {
        let found = compared(&[vec![batch(0, 2, b"a"), batch(1, 1, b"b")]], 2);
        assert_eq!(found, ["C20 t-0: replica 1: epoch 1 at 1 follows epoch 2"]);
    }
}
