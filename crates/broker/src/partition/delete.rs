//! Moving the log start offset up, so that older records are gone (KIP-107).

use types::Offset;

use super::{Denied, Partition};

/// Why no records were deleted.
#[derive(Debug)]
pub(crate) enum DeleteFailure {
    Denied(Denied),
    /// The topic is only compacted: its records are deleted by newer ones.
    OnlyCompacted,
    /// Beyond what is committed, or negative.
    OutOfRange,
    Log(storage::Error),
}

impl Partition {
    /// Deletes everything below `before`, or everything committed. Returns the log start offset that
    /// holds then; it is durable once the log starts were checkpointed.
    ///
    /// # Errors
    /// See [`DeleteFailure`].
    pub(crate) fn delete_before(&self, before: Option<Offset>) -> Result<Offset, DeleteFailure> {
        if !self.settings().may_delete_records() {
            return Err(DeleteFailure::OnlyCompacted);
        }
        let state = self.state.lock();
        state.role.leader().map_err(DeleteFailure::Denied)?;
        let before = before.unwrap_or(state.high_watermark);
        if before < 0 || before > state.high_watermark {
            return Err(DeleteFailure::OutOfRange);
        }
        let mut log = self.log.lock();
        log.increment_log_start(before)
            .map_err(DeleteFailure::Log)?;
        let log_start_offset = log.log_start_offset();
        drop((log, state));
        self.on_log_start();
        Ok(log_start_offset)
    }
}
