//! `kcli partition elect-preferred` and `elect-unclean`.

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::admin::Election;
use types::ErrorCode;

use super::list::text;
use super::names::{self, Name};
use crate::complete;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::items::{self, Item};

pub(super) const EXAMPLES: &str = "\
Examples:
  kcli partition elect-preferred                all partitions that need it
  kcli partition elect-preferred cities/0       one
  kcli partition list --not-preferred           which would change";

/// Give leadership back to the first replica of each partition.
#[derive(Debug, Args)]
pub(crate) struct ElectPreferred {
    /// TOPIC or TOPIC/PARTITION; all if none is given
    #[arg(value_name = "TOPIC[/N]", value_parser = names::parse, add = ArgValueCompleter::new(complete::partitions))]
    names: Vec<Name>,
}

/// Let a replica that lacks events lead a partition that has no leader.
#[derive(Debug, Args)]
pub(crate) struct ElectUnclean {
    /// TOPIC or TOPIC/PARTITION
    #[arg(required = true, value_name = "TOPIC[/N]", value_parser = names::parse, add = ArgValueCompleter::new(complete::partitions))]
    names: Vec<Name>,
}

/// Elects preferred leaders.
pub(crate) async fn preferred(elect: ElectPreferred, context: &Context) -> Result {
    run(&elect.names, Election::Preferred, context).await
}

/// Asks, and elects whoever lives.
pub(crate) async fn unclean(elect: ElectUnclean, context: &Context) -> Result {
    if !context.is_dry_run {
        let all = elect.names.iter().map(|name| match name.partition {
            Some(index) => format!("{}/{index}", name.topic),
            None => name.topic.clone(),
        });
        let all: Vec<String> = all.collect();
        context.confirm(&format!(
            "elect leaders of {} that may LACK ACKNOWLEDGED EVENTS, which are lost then",
            all.join(", ")
        ))?;
    }
    run(&elect.names, Election::Unclean, context).await
}

async fn run(names: &[Name], election: Election, context: &Context) -> Result {
    let admin = context.admin().await?;
    let (cluster, partitions) = names::resolve(&admin, names).await?;
    let needs_it = |name: &types::TopicPartition| {
        let topic = cluster.topics.get(&name.topic);
        let partition = topic.and_then(|topic| topic.partition(name.partition));
        partition.is_some_and(|p| match election {
            Election::Preferred => p.replicas.first() != Some(&p.leader),
            Election::Unclean => !p.has_leader(),
        })
    };
    if context.is_dry_run {
        let would = partitions.iter().filter(|name| needs_it(name));
        let items = would.map(|name| Item::done(text(name), "would be elected"));
        return items::finish(context, "PARTITION", &items.collect::<Vec<_>>());
    }
    let named: Vec<_> = match names {
        [] => partitions.into_iter().filter(needs_it).collect(),
        _ => partitions,
    };
    if named.is_empty() {
        context.remark("every partition is led by its first replica");
        return items::finish(context, "PARTITION", &[]);
    }
    let mut items = Vec::new();
    for (name, result) in admin.elect_leaders(election, Some(&named)).await? {
        items.push(match result {
            Ok(()) => Item::done(text(&name), "elected"),
            Err(error) => match error.code() {
                Some(ErrorCode::ElectionNotNeeded) => Item::done(text(&name), "not needed"),
                Some(ErrorCode::PreferredLeaderNotAvailable) => {
                    let failure = Failure::from(error)
                        .hint("its first replica is down, out of sync or draining");
                    Item::failed(text(&name), failure)
                }
                _ => Item::failed(text(&name), error.into()),
            },
        });
    }
    items::finish(context, "PARTITION", &items)
}
