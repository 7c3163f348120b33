//! Durable topics: what is not synced does not count, neither here nor at the followers.
//!
//! ```text
//!  log end           ──▶ sent to followers at once
//!  durable offset    ──▶ what this replica counts for itself
//!  acknowledgements  ──▶ what followers have synced; their positions only say where to go on
//! ```

use types::Offset;

use super::Leader;
use crate::mutant::{self, Mutant};

impl Leader {
    /// The local log is synced up to `durable_offset`. Means something only if the topic is durable.
    /// Returns the new high watermark if it moved.
    pub fn on_durable(&mut self, durable_offset: Offset) -> Option<Offset> {
        self.assert_awake();
        let known = self.durable_offset.as_mut()?;
        if durable_offset <= *known {
            return None;
        }
        *known = durable_offset.min(self.log_end_offset);
        self.advance()
    }

    /// The topic is durable from now on, its log being synced up to that offset; or, with `None`, it is
    /// not any more. Returns the new high watermark if it moved.
    ///
    /// What is committed stays so, synced or not.
    pub fn set_durable(&mut self, durable_offset: Option<Offset>) -> Option<Offset> {
        self.assert_awake();
        self.durable_offset = durable_offset;
        self.advance()
    }

    /// For a durable topic: exclusive end of what is synced of the local log. `None` where bytes in the
    /// page cache count.
    #[must_use]
    pub const fn durable_offset(&self) -> Option<Offset> {
        self.durable_offset
    }

    /// What this replica counts for itself.
    pub(super) fn acknowledged(&self) -> Offset {
        match self.durable_offset {
            Some(durable_offset) if !mutant::is(Mutant::LeaderCountsUnsynced) => {
                durable_offset.min(self.log_end_offset)
            }
            Some(_) | None => self.log_end_offset,
        }
    }

    /// Whether where a follower's log ends says what it would acknowledge.
    pub(super) fn counts_positions(&self) -> bool {
        self.durable_offset.is_none() || mutant::is(Mutant::PositionCountsUnsynced)
    }
}

#[cfg(test)]
mod tests;
