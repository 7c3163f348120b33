//! `kcli topic add-partitions`.

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::metadata::Topic;

use crate::complete;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::items::{self, Item};
use crate::topics;

/// Give a topic more partitions. Keys will meet other partitions than before.
#[derive(Debug, Args)]
pub(crate) struct AddPartitions {
    /// The topic
    #[arg(value_name = "TOPIC", add = ArgValueCompleter::new(complete::topics))]
    topic: String,
    /// So many in all
    #[arg(long, value_name = "TOTAL", conflicts_with = "by")]
    to: Option<usize>,
    /// So many more
    #[arg(long, value_name = "MORE")]
    by: Option<usize>,
    /// Refused: is it the total or how many more?
    #[arg(hide = true)]
    bare: Option<String>,
}

/// Adds them.
pub(crate) async fn run(add: AddPartitions, context: &Context) -> Result {
    if let Some(bare) = add.bare {
        return Err(Failure::usage(format!("{bare} in all, or {bare} more?"))
            .hint(format!("write --to {bare} or --by {bare}")));
    }
    let admin = context.admin().await?;
    let topic = topics::find(admin.client(), &add.topic).await?;
    let before = topic.partitions.len();
    let after = match (add.to, add.by) {
        (Some(total), _) => total,
        (None, Some(more)) => before + more,
        (None, None) => {
            return Err(Failure::usage("how many partitions?").hint(format!(
                "{} has {before}; write --to TOTAL or --by MORE",
                add.topic
            )));
        }
    };
    let total = i32::try_from(after).map_err(|_e| Failure::usage("that is too many"))?;
    admin
        .create_partitions(&add.topic, total, context.is_dry_run)
        .await?;
    if !context.is_dry_run {
        let has_grown = |topic: Option<&Topic>| topic.is_some_and(|t| t.partitions.len() >= after);
        topics::wait_until(admin.client(), &add.topic, has_grown).await;
    }
    let result = if context.is_dry_run {
        "would grow"
    } else {
        "grown"
    };
    let item = Item::done(add.topic, result)
        .with("BEFORE", before)
        .with("AFTER", after);
    items::finish(context, "TOPIC", &[item])?;
    context.remark("note: events with a key may now go to another partition than before");
    Ok(())
}
