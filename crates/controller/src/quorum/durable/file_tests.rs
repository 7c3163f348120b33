//! The store on disk against crashes and damage.

use std::path::Path;
use std::sync::mpsc::channel;

use super::*;
use crate::quorum::testing::{entry, identity, log_id, snapshot};

fn formatted() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    FileStore::format(dir.path(), &identity(1)).expect("an empty folder");
    dir
}

fn open(dir: &Path) -> (FileStore, Recovered) {
    FileStore::open(dir, &identity(1)).expect("an intact store")
}

/// Submits and waits until it is durable.
fn submit(store: &FileStore, operation: Operation) -> io::Result<()> {
    let (done, finished) = channel();
    store.submit(
        operation,
        Box::new(move |r| done.send(r).expect("a waiter")),
    );
    finished.recv().expect("an answer")
}

fn append(store: &FileStore, entries: Vec<Entry>) {
    submit(store, Operation::Append(entries)).expect("a healthy disk");
}

