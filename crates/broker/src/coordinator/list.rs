//! Listing groups: of all shards here, or of none.

use protocol::messages::list_groups::{ListGroupsRequest, ListedGroup};
use types::ErrorCode;

use super::Groups;
use super::failure::Refusal;
use super::hosted::Stage;
use crate::state::Core;

impl Groups {
    /// The groups that this broker coordinates, as far as they pass the filters.
    ///
    /// # Errors
    /// The code to answer instead: a list without the groups that are still being loaded would pass for a
    /// whole one.
    pub(crate) fn list(
        &self,
        core: &Core,
        filters: &ListGroupsRequest,
    ) -> Result<Vec<ListedGroup>, ErrorCode> {
        if self.is_closed() {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        let mut groups = Vec::new();
        for hosted in self.all() {
            let listed = hosted.visit(core, |stage, _at| match stage {
                Stage::Loading => Err(Refusal::Loading.code()),
                Stage::Serving(serving) if !serving.shard.is_active() => {
                    Err(Refusal::Loading.code())
                }
                Stage::Serving(serving) => {
                    groups.extend(serving.shard.list(filters));
                    Ok(())
                }
                Stage::Over => Ok(()),
            });
            listed.unwrap_or(Err(ErrorCode::CoordinatorNotAvailable))?;
        }
        Ok(groups)
    }
}
