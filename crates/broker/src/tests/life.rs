//! What ends a broker, and what makes it ask others to do its work.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::broker::{Broker, BrokerError};

#[tokio::test]
async fn a_panic_of_a_task_ends_the_broker_at_once() {
    let test = TestBroker::start().await;
    let mut broker = Broker::new(Arc::clone(&test.core));
    broker.spawn("healthy", async { Ok(()) });
    broker.spawn("sick", async { panic!("told to") });
    let failed = timeout(Duration::from_secs(5), broker.failed());
    let error = failed.await.expect("noticed");
    assert!(matches!(error, BrokerError::Panicked("sick")), "{error}");
}

#[tokio::test]
async fn a_broker_without_room_asks_for_relief_unless_it_is_the_last() {
    let broker = TestBroker::start().await;
    broker.create_replicated("t", &[1, 2]).await;
    assert!(!broker.core.wants_relief());
    let full = io::Error::from(io::ErrorKind::StorageFull);
    broker.core.room.on_failed_write(&storage::Error::Io {
        path: PathBuf::from("/data"),
        source: Arc::new(full),
    });
    assert!(broker.core.wants_relief());
    // Nobody else can serve this one.
    broker.create_replicated("alone", &[1]).await;
    assert!(!broker.core.wants_relief());
}
