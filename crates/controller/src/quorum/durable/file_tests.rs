//! The store on disk: what comes back, and what is refused.

use std::path::Path;
use std::sync::mpsc::channel;

use super::*;
use crate::quorum::testing::{directory_id, entry, identity, log_id, snapshot};

fn formatted() -> tempfile::TempDir {
    let parent = tempfile::tempdir().expect("a folder");
    FileStore::format(&dir(&parent), &identity(1)).expect("an empty folder");
    parent
}

fn dir(parent: &tempfile::TempDir) -> std::path::PathBuf {
    parent.path().join("quorum")
}

fn open(dir: &Path) -> (FileStore, Recovered) {
    FileStore::open(dir, &identity(1)).expect("an intact store")
}

/// Submits and waits until it is durable.
pub(super) fn submit(store: &FileStore, operation: Operation) -> io::Result<()> {
    let (done, finished) = channel();
    store.submit(
        operation,
        Box::new(move |result| done.send(result).expect("a waiter")),
    );
    finished.recv().expect("an answer")
}

fn append(store: &FileStore, term: u64, indexes: std::ops::Range<u64>) {
    let entries = indexes.map(|index| entry(term, index, 300)).collect();
    submit(store, Operation::Append(entries)).expect("a healthy disk");
}

fn indexes(recovered: &Recovered) -> Vec<u64> {
    recovered.entries.iter().map(|e| e.log_id.index).collect()
}

#[test]
fn everything_that_was_submitted_comes_back() {
    let parent = formatted();
    let (store, empty) = open(&dir(&parent));
    assert!(empty.vote.is_none() && empty.last_log_id().is_none());
    submit(&store, Operation::SaveVote(Vote::new(3, 1))).expect("a healthy disk");
    append(&store, 1, 0..10);
    let truncate = Operation::Truncate {
        from: 8,
        last_log_id: Some(log_id(1, 7)),
    };
    submit(&store, truncate).expect("a healthy disk");
    append(&store, 3, 8..9);
    store
        .save_snapshot(&snapshot(1, 4, b"records"))
        .expect("a healthy disk");
    submit(&store, Operation::PurgeUpTo(log_id(1, 3))).expect("a healthy disk");
    submit(&store, Operation::SaveCommitted(Some(log_id(1, 6)))).expect("a healthy disk");
    drop(store);

    let (_store, recovered) = open(&dir(&parent));
    assert_eq!(recovered.vote, Some(Vote::new(3, 1)));
    assert_eq!(recovered.committed, Some(log_id(1, 6)));
    assert_eq!(recovered.purged, Some(log_id(1, 3)));
    assert_eq!(indexes(&recovered), [4, 5, 6, 7, 8]);
    assert_eq!(recovered.last_log_id(), Some(log_id(3, 8)));
    assert_eq!(recovered.snapshot, Some(snapshot(1, 4, b"records")));
}

#[test]
fn an_entry_of_a_megabyte_is_kept_within_the_one_file_that_is_synced() {
    let parent = formatted();
    let (store, _) = open(&dir(&parent));
    submit(&store, Operation::Append(vec![entry(1, 0, 1 << 20)])).expect("a healthy disk");
    drop(store);
    let blobs = sled_log::dir(&dir(&parent)).join("blobs");
    assert_eq!(std::fs::read_dir(blobs).expect("a folder").count(), 0);
    let (_store, recovered) = open(&dir(&parent));
    assert_eq!(
        format!("{:?}", recovered.entries),
        format!("{:?}", [entry(1, 0, 1 << 20)])
    );
}

#[test]
fn a_store_that_was_made_is_never_made_again() {
    let parent = formatted();
    let dir = dir(&parent);
    append(&open(&dir).0, 1, 0..3);
    assert!(FileStore::format(&dir, &identity(1)).is_err());
    assert_eq!(indexes(&open(&dir).1), [0, 1, 2]);
}

#[test]
fn a_store_whose_making_was_interrupted_is_made_anew() {
    let parent = tempfile::tempdir().expect("a folder");
    let dir = dir(&parent);
    let half = parent.path().join("quorum.tmp/store");
    std::fs::create_dir_all(&half).expect("a folder");
    std::fs::write(half.join("db"), b"half").expect("written");
    assert_eq!(FileStore::find(&dir).expect("nothing there"), None);
    FileStore::format(&dir, &identity(1)).expect("nothing there");
    assert_eq!(FileStore::find(&dir).expect("readable"), Some(identity(1)));
    assert_eq!(
        std::fs::read_dir(parent.path()).expect("a folder").count(),
        1
    );
}

#[test]
fn each_missing_part_is_a_lost_store_and_not_a_new_one() {
    for part in [
        "identity.properties",
        "witness",
        "store/db",
        "store",
        "snapshots",
    ] {
        let parent = formatted();
        let dir = dir(&parent);
        append(&open(&dir).0, 1, 0..3);
        let path = dir.join(part);
        let removed = match path.is_dir() {
            true => std::fs::remove_dir_all(&path),
            false => std::fs::remove_file(&path),
        };
        removed.expect("removed");
        let opened = FileStore::open(&dir, &identity(1));
        let error = opened.map(|_| ()).expect_err(part);
        let is_refusal = matches!(error, OpenError::Missing(_) | OpenError::Io(_));
        assert!(is_refusal, "{part}: {error:?}");
    }
}

#[test]
fn the_store_of_another_node_or_disk_is_refused() {
    let parent = formatted();
    let other_node = FileStore::open(&dir(&parent), &identity(2));
    assert!(matches!(
        other_node.map(|_| ()),
        Err(OpenError::Foreign {
            field: "node.id",
            ..
        })
    ));
    let other_disk = Identity {
        directory_id: directory_id(9),
        ..identity(1)
    };
    let other_disk = FileStore::open(&dir(&parent), &other_disk);
    assert!(matches!(
        other_disk.map(|_| ()),
        Err(OpenError::Foreign {
            field: "directory.id",
            ..
        })
    ));
}

#[test]
fn a_store_in_use_is_locked() {
    let parent = formatted();
    let (_store, _) = open(&dir(&parent));
    let second = FileStore::open(&dir(&parent), &identity(1));
    assert!(matches!(second.map(|_| ()), Err(OpenError::Locked)));
}

#[test]
fn entries_that_no_snapshot_covers_and_the_log_lacks_are_a_loss() {
    let parent = formatted();
    let dir = dir(&parent);
    let (store, _) = open(&dir);
    append(&store, 1, 0..10);
    submit(&store, Operation::PurgeUpTo(log_id(1, 5))).expect("a healthy disk");
    drop(store);
    let opened = FileStore::open(&dir, &identity(1));
    assert!(matches!(opened.map(|_| ()), Err(OpenError::Lost(_))));
}

#[test]
fn a_purge_that_was_interrupted_leaves_no_gap() {
    let parent = formatted();
    let dir = dir(&parent);
    let (store, _) = open(&dir);
    append(&store, 1, 0..10);
    store
        .save_snapshot(&snapshot(1, 5, b""))
        .expect("a healthy disk");
    drop(store);
    // The mark of the purge is durable, its entries are still there.
    let (log, _) = sled_log::SledLog::open(&dir, &identity(1)).expect("intact");
    let mut changes = sled_log::Changes::default();
    changes.save_purged(&log_id(1, 5));
    log.apply(changes).expect("applied");
    log.flush().expect("a healthy disk");
    drop(log);
    let (_store, recovered) = open(&dir);
    assert_eq!(indexes(&recovered), [6, 7, 8, 9]);
}

#[test]
fn operations_handed_over_together_take_effect_in_order() {
    let parent = formatted();
    let dir = dir(&parent);
    let (store, _) = open(&dir);
    let (done, finished) = channel();
    let submit_all = |operation| {
        let done = done.clone();
        store.submit(
            operation,
            Box::new(move |result| done.send(result).expect("a waiter")),
        );
    };
    for round in 0..20_u64 {
        let first = round * 2;
        submit_all(Operation::Append(
            (first..first + 4).map(|i| entry(round, i, 10)).collect(),
        ));
        submit_all(Operation::Truncate {
            from: first + 2,
            last_log_id: Some(log_id(round, first + 1)),
        });
        submit_all(Operation::SaveVote(Vote::new(round + 1, 1)));
    }
    for _ in 0..60 {
        finished.recv().expect("an answer").expect("a healthy disk");
    }
    drop(store);
    let (_store, recovered) = open(&dir);
    assert_eq!(indexes(&recovered), (0..40).collect::<Vec<_>>());
    assert_eq!(recovered.vote, Some(Vote::new(20, 1)));
}
