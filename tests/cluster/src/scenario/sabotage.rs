//! The harness itself on trial: what is taken away behind the brokers' backs must be found.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use protocol::records::{Batch, split_batches};

use crate::layout::Layout;
use crate::run::Run;
use crate::target::Target;

/// Where a batch has its largest timestamp, which nobody looks at here, and its checksum, which
/// covers everything behind it.
const MAX_TIMESTAMP_AT: usize = 35;
const CRC_AT: usize = 17;

/// Every replica loses the same records, as a power cut may take them.
pub(super) async fn records_cut_off_every_replica_are_found_missing(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let run = run.insert(Run::with_load(target, Layout::default(), 1).await?);
    run.breaks("sabotage");
    run.cluster.kill_all().await?;
    for id in run.cluster.brokers() {
        let file = segment(run.cluster.data_dir(id))?;
        let batches = read(&file)?;
        let kept: Vec<u8> = batches[..batches.len() / 2]
            .iter()
            .flat_map(|b| b.bytes.to_vec())
            .collect();
        std::fs::write(&file, kept)?;
    }
    restart(run)
}

/// One replica has another batch than the others, with a checksum that fits.
pub(super) async fn a_batch_altered_in_one_replica_is_found(
    run: &mut Option<Run>,
    target: &Target,
) -> Result<()> {
    let run = run.insert(Run::with_load(target, Layout::default(), 1).await?);
    run.breaks("sabotage");
    run.cluster.kill_all().await?;
    let file = segment(run.cluster.data_dir(1))?;
    let mut bytes = std::fs::read(&file)?;
    let first = read(&file)?.first().context("a batch")?.bytes.len();
    let batch = bytes.get_mut(..first).context("a batch")?;
    batch[MAX_TIMESTAMP_AT + 7] ^= 1;
    let crc = protocol::records::crc32c(&batch[CRC_AT + 4..]);
    batch[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
    std::fs::write(&file, bytes)?;
    restart(run)
}

fn restart(run: &mut Run) -> Result<()> {
    for id in run.cluster.layout().node_ids() {
        run.cluster.start_node(id)?;
    }
    run.heals("sabotage");
    Ok(())
}

fn segment(data_dir: &Path) -> Result<PathBuf> {
    let mut entries = std::fs::read_dir(data_dir.join("t-0"))?.flatten();
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "log");
    entries
        .find_map(|entry| Some(entry.path()).filter(is_segment))
        .context("a segment")
}

fn read(file: &Path) -> Result<Vec<Batch>> {
    let bytes = Bytes::from(std::fs::read(file)?);
    Ok(split_batches(bytes).map_while(Result::ok).collect())
}
