//! `kcli partition cancel`.

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::list::text;
use super::names::{self, Name};
use crate::complete;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::items::{self, Item};

/// Stop moving partitions; they stay where they were.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// TOPIC or TOPIC/PARTITION
    #[arg(value_name = "TOPIC[/N]", value_parser = names::parse, add = ArgValueCompleter::new(complete::partitions))]
    names: Vec<Name>,
    /// All that are on the move
    #[arg(long, conflicts_with = "names")]
    all: bool,
}

/// Cancels them.
pub(crate) async fn run(cancel: Cancel, context: &Context) -> Result {
    if cancel.names.is_empty() && !cancel.all {
        return Err(Failure::usage("which partitions?").hint("name them, or write --all"));
    }
    let admin = context.admin().await?;
    let moving = admin.list_reassignments(None).await?;
    // A topic means those of its partitions that move; a partition that does not is worth an error.
    let is_meant = |topic: &str, index: i32| {
        let all = cancel.names.iter();
        all.clone()
            .any(|name| name.topic == *topic && name.partition.is_none_or(|n| n == index))
            || cancel.all
    };
    let mut wanted: Vec<_> = moving
        .iter()
        .map(|m| m.partition.clone())
        .filter(|p| is_meant(&p.topic, p.partition))
        .collect();
    for name in cancel.names.iter().filter(|name| name.partition.is_some()) {
        let (_, named) = names::resolve(&admin, std::slice::from_ref(name)).await?;
        let missing: Vec<_> = named
            .into_iter()
            .filter(|partition| !wanted.contains(partition))
            .collect();
        wanted.extend(missing);
    }
    if context.is_dry_run {
        let items = wanted
            .iter()
            .map(|name| Item::done(text(name), "would be cancelled"));
        return items::finish(context, "PARTITION", &items.collect::<Vec<_>>());
    }
    if wanted.is_empty() {
        context.remark("no partition is on the move");
        return items::finish(context, "PARTITION", &[]);
    }
    let orders: Vec<_> = wanted.into_iter().map(|name| (name, None)).collect();
    let results = admin.alter_reassignments(&orders).await?.into_iter();
    let items = results.map(|(name, result)| match result {
        Ok(()) => Item::done(text(&name), "cancelled"),
        Err(error) => Item::failed(text(&name), error.into()),
    });
    items::finish(context, "PARTITION", &items.collect::<Vec<_>>())
}
