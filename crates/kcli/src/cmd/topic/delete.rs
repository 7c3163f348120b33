//! `kcli topic delete`.

use clap::Args;
use clap_complete::ArgValueCompleter;
use types::ErrorCode;

use crate::complete;
use crate::context::Context;
use crate::failure::Result;
use crate::items::{self, Item};
use crate::topics;

/// Delete topics and all their events.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Their names
    #[arg(required = true, value_name = "TOPIC", add = ArgValueCompleter::new(complete::topics))]
    topics: Vec<String>,
    /// Do not complain about topics that do not exist
    #[arg(long)]
    if_exists: bool,
}

/// Asks, and deletes them.
pub(crate) async fn run(delete: Delete, context: &Context) -> Result {
    let admin = context.admin().await?;
    if context.is_dry_run {
        let mut items = Vec::new();
        for name in delete.topics {
            items.push(match topics::find(admin.client(), &name).await {
                Ok(topic) => {
                    Item::done(name, "would be deleted").with("PARTITIONS", topic.partitions.len())
                }
                Err(failure) => Item::failed(name, failure),
            });
        }
        return items::finish(context, "TOPIC", &items);
    }
    let plural = if delete.topics.len() == 1 {
        "topic"
    } else {
        "topics"
    };
    context.confirm(&format!(
        "delete {plural} {} with all events",
        delete.topics.join(", ")
    ))?;
    let mut items = Vec::new();
    for (name, result) in admin.delete_topics(&delete.topics).await? {
        items.push(match result {
            Ok(()) => {
                topics::wait_until(admin.client(), &name, |topic| topic.is_none()).await;
                Item::done(name, "deleted")
            }
            Err(error) => {
                let is_absent = error.code() == Some(ErrorCode::UnknownTopicOrPartition);
                match delete.if_exists && is_absent {
                    true => Item::done(name, "absent"),
                    false => {
                        let failure = topics::explain(admin.client(), &name, error).await;
                        Item::failed(name, failure)
                    }
                }
            }
        });
    }
    items::finish(context, "TOPIC", &items)
}
