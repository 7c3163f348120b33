//! The files of a store cut and flipped: what was acknowledged comes back whole, or the store is
//! refused. Nothing in between, and never a panic.

use std::fs;
use std::path::{Path, PathBuf};

use super::file_tests::submit;
use super::*;
use crate::quorum::testing::{entry, identity, log_id, snapshot};

const TAIL_BYTES: usize = 700;

/// A store that was used and closed, to make damaged copies of.
struct Sample {
    parent: tempfile::TempDir,
    acked: Recovered,
}

impl Sample {
    fn new() -> Self {
        let parent = scratch();
        let dir = parent.path().join("whole");
        FileStore::format(&dir, &identity(1)).expect("an empty folder");
        // sled fills up the segment when it is opened: what is written then, lies in its middle.
        for term in 1..=3 {
            let (store, recovered) = FileStore::open(&dir, &identity(1)).expect("intact");
            let next = recovered.last_log_id().map_or(0, |id| id.index + 1);
            submit(&store, Operation::SaveVote(Vote::new(term, 1))).expect("a healthy disk");
            let entries = (next..next + 4).map(|i| entry(term, i, 40)).collect();
            submit(&store, Operation::Append(entries)).expect("a healthy disk");
        }
        let (store, _) = FileStore::open(&dir, &identity(1)).expect("intact");
        store
            .save_snapshot(&snapshot(1, 2, b"records"))
            .expect("a healthy disk");
        submit(&store, Operation::PurgeUpTo(log_id(1, 1))).expect("a healthy disk");
        drop(store);
        let (_, acked) = FileStore::open(&dir, &identity(1)).expect("intact");
        Self { parent, acked }
    }

    fn data_file(&self) -> Vec<u8> {
        let path = sled_log::data_file(&self.parent.path().join("whole"));
        fs::read(path).expect("readable")
    }

    /// Copies the store with another data file and opens the copy.
    fn open_with(&self, data: &[u8]) -> Result<Recovered, OpenError> {
        let copy = self.parent.path().join("copy");
        if copy.try_exists().expect("a folder to look into") {
            fs::remove_dir_all(&copy).expect("removed");
        }
        copy_tree(&self.parent.path().join("whole"), &copy);
        fs::write(sled_log::data_file(&copy), data).expect("written");
        let opened = FileStore::open(&copy, &identity(1));
        opened.map(|(_store, recovered)| recovered)
    }

    /// Opens with that data file; says whether the store was accepted, in which case it must hold
    /// everything.
    fn accepts(&self, data: &[u8], damage: &str) -> bool {
        match self.open_with(data) {
            Ok(recovered) => {
                let (held, acked) = (format!("{recovered:?}"), format!("{:?}", self.acked));
                assert_eq!(held, acked, "{damage}: accepted, and something is missing");
                true
            }
            Err(OpenError::Lost(_) | OpenError::Unreadable(_) | OpenError::Missing(_)) => false,
            Err(error) => panic!("{damage}: {error:?}"),
        }
    }
}

/// In memory if there is such a place: thousands of copies are synced here for nobody's sake.
fn scratch() -> tempfile::TempDir {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    in_memory
        .or_else(|_| tempfile::tempdir())
        .expect("a folder")
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir(to).expect("created");
    for entry in fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target: PathBuf = to.join(entry.file_name());
        if entry.file_type().expect("readable").is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// Where the zeros begin that sled fills a segment with.
fn end_of_content(data: &[u8]) -> usize {
    data.iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1)
}

#[test]
fn a_data_file_cut_at_any_byte_is_whole_or_refused() {
    let sample = Sample::new();
    let data = sample.data_file();
    assert!(sample.accepts(&data, "untouched"));
    let end = end_of_content(&data);
    // Every byte of the tail, and enough of what is before it.
    let cuts = (0..end).filter(|cut| *cut + TAIL_BYTES >= end || cut % 7 == 0);
    let (mut count, mut refused) = (0, 0);
    for cut in cuts {
        count += 1;
        let accepted = sample.accepts(&data[..cut], &format!("cut at {cut} of {end}"));
        refused += usize::from(!accepted);
    }
    assert!(
        refused > count / 2,
        "only {refused} of {count} cuts were noticed"
    );
}

#[test]
fn a_write_that_was_torn_before_it_was_acknowledged_costs_nothing_else() {
    let sample = Sample::new();
    let dir = sample.parent.path().join("whole");
    let witness = fs::read(dir.join("witness")).expect("readable");
    let before = end_of_content(&sample.data_file());
    let (store, _) = FileStore::open(&dir, &identity(1)).expect("intact");
    submit(&store, Operation::Append(vec![entry(3, 12, 200)])).expect("a healthy disk");
    drop(store);
    // As if the power had failed before the write was reported.
    fs::write(dir.join("witness"), witness).expect("written");
    let data = sample.data_file();
    let end = end_of_content(&data);
    let acked = sample.acked.last_log_id();
    for torn in (before..end).step_by(3) {
        let mut data = data.clone();
        data[torn..].fill(0);
        let recovered = sample
            .open_with(&data)
            .expect("nothing acknowledged was lost");
        assert!(recovered.last_log_id() >= acked, "torn at {torn} of {end}");
        assert_eq!(recovered.vote, sample.acked.vote, "torn at {torn} of {end}");
    }
}
