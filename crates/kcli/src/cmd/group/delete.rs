//! `kcli group delete`.

use clap::Args;
use types::ErrorCode;

use super::names::{self, Groups};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::items::{self, Item};

/// Delete groups with all their offsets. They must have no members.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    groups: Groups,
    /// Do not complain about groups that do not exist
    #[arg(long)]
    if_exists: bool,
}

/// Asks, and deletes them.
pub(crate) async fn run(delete: Delete, context: &Context) -> Result {
    delete.groups.check()?;
    let admin = context.admin().await?;
    let names = delete.groups.names(&admin).await?;
    let groups: Vec<&str> = names.iter().map(String::as_str).collect();
    if context.is_dry_run {
        let mut items = Vec::new();
        for (name, result) in admin.describe_groups(&groups).await? {
            items.push(match result {
                Ok(group) if group.members.is_empty() => Item::done(name, "would be deleted"),
                Ok(group) => {
                    let count = group.members.len();
                    let failure = Failure::failed(format!("group {name} has {count} members"));
                    Item::failed(name, failure)
                }
                Err(error) => Item::failed(&name, names::explain(&admin, &name, error).await),
            });
        }
        return items::finish(context, "GROUP", &items);
    }
    let plural = if names.len() == 1 { "group" } else { "groups" };
    let list = names.join(", ");
    context.confirm(&format!("delete {plural} {list} with all offsets"))?;
    let mut items = Vec::new();
    for (name, result) in admin.delete_groups(&groups).await? {
        items.push(match result {
            Ok(()) => Item::done(name, "deleted"),
            Err(error) => {
                let is_absent = error.code() == Some(ErrorCode::GroupIdNotFound);
                match delete.if_exists && is_absent {
                    true => Item::done(name, "absent"),
                    false => Item::failed(&name, names::explain(&admin, &name, error).await),
                }
            }
        });
    }
    items::finish(context, "GROUP", &items)
}
