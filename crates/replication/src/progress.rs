//! What the leader knows of one replica.

use types::Offset;

/// How far a replica's log is known to reach in the current leader epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    log_end_offset: Option<Offset>,
}

impl Progress {
    /// Nothing is known yet: the replica has not acknowledged anything in this leader epoch.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            log_end_offset: None,
        }
    }

    /// Exclusive end of the replica's log, once it has spoken in this leader epoch.
    #[must_use]
    pub const fn log_end_offset(self) -> Option<Offset> {
        self.log_end_offset
    }

    /// The replica wrote everything below `log_end_offset`. Acknowledgements are cumulative, so one
    /// that arrives late changes nothing.
    pub(crate) fn advance(&mut self, log_end_offset: Offset) {
        self.log_end_offset = self.log_end_offset.max(Some(log_end_offset));
    }
}
