//! Who may commit offsets.

use types::ErrorCode;

use super::state::{Group, State};
use crate::group::Committer;
use crate::mutant::{self, Mutant};

impl Group {
    /// Whether the committer may write offsets now.
    ///
    /// While members join, those of the last generation still commit what they read in it. Once the next
    /// generation has begun, they come too late, and those of the next one too early.
    ///
    /// # Errors
    /// The code for the wire.
    pub(crate) fn may_commit(&self, committer: &Committer<'_>) -> Result<(), ErrorCode> {
        let generation = committer.generation_or_epoch;
        let is_of_nobody = committer.member_id.is_empty() && committer.instance_id.is_none();
        if generation < 0 && self.state == State::Empty {
            // A consumer that assigns itself, or an operator.
            return Ok(());
        }
        if generation < 0 && is_of_nobody {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.identify(committer.member_id, committer.instance_id)?;
        if generation != self.generation && !mutant::is(Mutant::OldGenerationCommits) {
            return Err(ErrorCode::IllegalGeneration);
        }
        if self.state == State::Completing {
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(())
    }
}
