//! The signals that end the process.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Supervisors send the same signal to the process and to its group: what follows so closely is not
/// a second wish.
const ECHO: Duration = Duration::from_millis(500);

/// Waits for the operator's wish to stop. A second wish ends the process at once.
#[derive(Debug)]
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Starts listening; from here on the signals no longer kill the process by themselves.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The name of the next signal to arrive.
    ///
    /// # Cancel safety
    /// Cancel-safe: a signal not returned is returned by the next call.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// The name of the next signal that is not just the echo of the last one.
    ///
    /// # Cancel safety
    /// A signal that arrives during the echo is lost; nothing else is.
    pub(crate) async fn next_deliberate(&mut self) -> &'static str {
        let echo = tokio::time::sleep(ECHO);
        tokio::pin!(echo);
        loop {
            tokio::select! {
                () = &mut echo => return self.next().await,
                _ = self.next() => {}
            }
        }
    }
}
