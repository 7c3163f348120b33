//! `kcli group delete-offsets`.

use clap::Args;
use clap_complete::ArgValueCompleter;
use types::{ErrorCode, TopicPartition};

use super::names;
use super::reset::scope::{TopicPart, topic_part};
use super::standing::committed;
use crate::complete;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::items::{self, Item};

/// Delete offsets that a group has committed, of topics it does not read now.
#[derive(Debug, Args)]
pub(crate) struct DeleteOffsets {
    /// The group
    #[arg(value_name = "GROUP", add = ArgValueCompleter::new(complete::groups))]
    group: Option<String>,
    /// Kafka's way of naming it
    #[arg(long = "group", value_name = "GROUP", hide = true)]
    kafkas: Option<String>,
    /// A topic, or some of its partitions; as often as needed
    #[arg(
        long,
        alias = "topics",
        required = true,
        value_name = "TOPIC[:N,N]",
        value_parser = topic_part,
        add = ArgValueCompleter::new(complete::topics)
    )]
    topic: Vec<TopicPart>,
}

/// Asks, and deletes them.
pub(crate) async fn run(delete: DeleteOffsets, context: &Context) -> Result {
    let group = names::one(delete.group.as_ref(), delete.kafkas.as_ref())?;
    let admin = context.admin().await?;
    let found = committed(&admin, &[&group]).await?.remove(&group);
    let offsets = match found.unwrap_or_else(|| Ok(std::collections::BTreeMap::new())) {
        Ok(offsets) if !offsets.is_empty() => offsets,
        Ok(_) => {
            let code = ErrorCode::GroupIdNotFound.to_wire();
            return match admin.describe_groups(&[&group]).await?.remove(&group) {
                Some(Ok(_)) => Err(Failure::failed(format!("group {group} has no offsets"))),
                Some(Err(error)) => Err(names::explain(&admin, &group, error).await),
                None => {
                    let error = client::Error::refused(code, None, format!("group {group}"));
                    Err(names::explain(&admin, &group, error).await)
                }
            };
        }
        Err(error) => return Err(names::explain(&admin, &group, error).await),
    };
    let (mut wanted, mut items) = (Vec::new(), Vec::new());
    for part in &delete.topic {
        let mut of_part: Vec<TopicPartition> = match &part.partitions {
            Some(indexes) => indexes
                .iter()
                .map(|i| TopicPartition::new(part.topic.as_str(), *i))
                .collect(),
            None => offsets
                .keys()
                .filter(|key| *key.topic == *part.topic)
                .cloned()
                .collect(),
        };
        if of_part.is_empty() {
            let text = format!(
                "group {group} has committed nothing of topic {}",
                part.topic
            );
            items.push(Item::failed(part.topic.as_str(), Failure::failed(text)));
        }
        wanted.append(&mut of_part);
    }
    let before = |key: &TopicPartition| offsets.get(key).map(|committed| committed.offset);
    if context.is_dry_run {
        let planned = wanted.iter().map(|key| {
            Item::done(key.to_string(), "would be deleted").with("COMMITTED", before(key))
        });
        items.extend(planned);
        return items::finish(context, "PARTITION", &items);
    }
    if !wanted.is_empty() {
        let plural = if wanted.len() == 1 {
            "offset"
        } else {
            "offsets"
        };
        context.confirm(&format!(
            "delete {} {plural} of group {group}",
            wanted.len()
        ))?;
        let deleted = match admin.delete_offsets(&group, &wanted).await {
            Ok(deleted) => deleted,
            Err(error) => return Err(names::explain(&admin, &group, error).await),
        };
        for (key, result) in deleted {
            items.push(match result {
                Ok(()) => Item::done(key.to_string(), "deleted").with("COMMITTED", before(&key)),
                Err(error) => Item::failed(key.to_string(), explain(&group, error)),
            });
        }
    }
    items::finish(context, "PARTITION", &items)
}

fn explain(group: &str, error: client::Error) -> Failure {
    let is_read = error.code() == Some(ErrorCode::GroupSubscribedToTopic);
    let failure = Failure::from(error);
    match is_read {
        true => failure.hint(format!(
            "members of {group} read that topic now: kcli group describe {group} --section members"
        )),
        false => failure,
    }
}
