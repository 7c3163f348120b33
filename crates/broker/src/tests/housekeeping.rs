//! The thread that looks after the logs.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use types::{Clock, TimestampMs};

use super::*;
use crate::BrokerError;
use crate::lifecycle::heartbeat::Pulse;
use crate::lifecycle::housekeeping::Housekeeping;

/// Tells everybody the time but the thread under test.
#[derive(Debug)]
struct Trap(Arc<ManualClock>);

impl Clock for Trap {
    fn wall_ms(&self) -> TimestampMs {
        assert_ne!(std::thread::current().name(), Some("housekeeping"), "trap");
        self.0.wall_ms()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
}

#[tokio::test]
async fn a_panic_of_the_housekeeping_ends_the_broker() {
    let clock = Arc::new(ManualClock::at(START_MS));
    let mut options = options(&[], &FaultDisk::new(clock.clone()), &clock);
    options.clock = Arc::new(Trap(clock));
    let (sender, failed) = oneshot::channel();
    let on_failure = move |error| sender.send(error).expect("awaited");
    let thread = Housekeeping::start(Core::new(options), Arc::new(Pulse::new()), on_failure);
    let failed = timeout(Duration::from_secs(20), failed).await;
    let error = failed.expect("noticed").expect("reported");
    assert!(matches!(error, BrokerError::Panicked(_)), "{error}");
    thread.expect("started").stop();
}
