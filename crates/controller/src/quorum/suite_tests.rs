//! openraft's own tests of a store, on both of ours.

use std::sync::Arc;

use openraft::AnyError;
use openraft::testing::{StoreBuilder, Suite};
use tempfile::TempDir;

use super::durable::{DurableStore, FileStore, MemoryStore, Recovered};
use super::log_store::LogStore;
use super::raft_types::{StorageError, StorageIOError, TypeConfig};
use super::state_machine::StateMachine;
use super::testing::identity;

type Built<G> = Result<(G, LogStore, StateMachine), StorageError>;

fn build<G>(
    guard: G,
    store: Arc<dyn DurableStore>,
    recovered: &Recovered,
) -> (G, LogStore, StateMachine) {
    let log = LogStore::new(recovered, Arc::clone(&store));
    let state_machine = StateMachine::new(recovered, store, log.shared());
    (guard, log, state_machine.expect("a sound snapshot"))
}

struct InMemory;

impl StoreBuilder<TypeConfig, LogStore, StateMachine> for InMemory {
    async fn build(&self) -> Built<()> {
        let store = Arc::new(MemoryStore::default());
        Ok(build((), store, &Recovered::default()))
    }
}

struct OnDisk;

impl StoreBuilder<TypeConfig, LogStore, StateMachine, TempDir> for OnDisk {
    async fn build(&self) -> Built<TempDir> {
        let dir = TempDir::new().map_err(|e| StorageIOError::read(&e))?;
        let failed = |e| StorageIOError::read(AnyError::new(&e));
        FileStore::format(dir.path(), &identity(1)).map_err(failed)?;
        let (store, recovered) = FileStore::open(dir.path(), &identity(1)).map_err(failed)?;
        Ok(build(dir, Arc::new(store), &recovered))
    }
}

#[test]
fn the_store_in_memory_passes_the_suite_of_openraft() {
    Suite::test_all(InMemory).expect("a store that keeps its promises");
}

#[test]
fn the_store_on_disk_passes_the_suite_of_openraft() {
    Suite::test_all(OnDisk).expect("a store that keeps its promises");
}
