//! `kcli topic trim`.

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::{Admin, IsolationLevel, OffsetSpec};
use types::{Offset, TopicPartition};

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::items::{self, Item};
use crate::{complete, topics, when};

/// Delete the oldest events of a topic.
#[derive(Debug, Args)]
pub(crate) struct Trim {
    /// The topic
    #[arg(value_name = "TOPIC", add = ArgValueCompleter::new(complete::topics))]
    topic: String,
    /// The first event to keep: an offset, @TIME, or end to delete all there is
    #[arg(long, value_name = "OFFSET|@TIME|end")]
    before: String,
    /// Only these partitions, with commas between
    #[arg(short = 'p', long, value_name = "N", value_delimiter = ',')]
    partitions: Option<Vec<i32>>,
}

/// What will be cut from one partition.
struct Cut {
    partition: TopicPartition,
    start: Offset,
    before: Offset,
}

/// Shows what will go, asks, and deletes it.
pub(crate) async fn run(trim: Trim, context: &Context) -> Result {
    let admin = context.admin().await?;
    let topic = topics::find(admin.client(), &trim.topic).await?;
    let wanted = trim.partitions.as_ref();
    let all = topic.partitions.iter().map(|p| p.index);
    let partitions: Vec<_> = all
        .filter(|index| wanted.is_none_or(|wanted| wanted.contains(index)))
        .map(|index| TopicPartition::new(trim.topic.as_str(), index))
        .collect();
    let cuts = plan(&admin, &partitions, &trim.before, context).await?;
    let total: i64 = cuts.iter().map(Cut::count).sum();
    if context.is_dry_run || total == 0 {
        let items = cuts.iter().map(planned).collect::<Vec<_>>();
        return items::finish(context, "PARTITION", &items);
    }
    let events = if total == 1 { "event" } else { "events" };
    context.confirm(&format!(
        "delete {total} {events} of topic {} (before {})",
        trim.topic, trim.before
    ))?;
    let orders: Vec<_> = cuts
        .iter()
        .filter(|cut| cut.count() > 0)
        .map(|cut| (cut.partition.clone(), cut.before))
        .collect();
    let results = admin.delete_records(&orders).await?;
    let items = cuts.iter().map(|cut| match results.get(&cut.partition) {
        _ if cut.count() == 0 => planned(cut),
        Some(Ok(start)) => Item::done(cut.partition.to_string(), "trimmed")
            .with("BEFORE", cut.start)
            .with("LOG START", *start),
        Some(Err(error)) => Item::failed(cut.partition.to_string(), error.clone().into()),
        None => Item::failed(cut.partition.to_string(), Failure::failed("no answer")),
    });
    items::finish(context, "PARTITION", &items.collect::<Vec<_>>())
}

impl Cut {
    /// Events that go.
    fn count(&self) -> i64 {
        (self.before - self.start).max(0)
    }
}

fn planned(cut: &Cut) -> Item {
    let result = match cut.count() {
        0 => "nothing to trim",
        _ => "would be trimmed",
    };
    Item::done(cut.partition.to_string(), result)
        .with("BEFORE", cut.start)
        .with("LOG START", cut.before.max(cut.start))
}

async fn plan(
    admin: &Admin,
    partitions: &[TopicPartition],
    before: &str,
    context: &Context,
) -> Result<Vec<Cut>> {
    let spec = match before.strip_prefix('@') {
        Some(time) => {
            let moment = when::parse(time, context.now_ms()).map_err(Failure::usage)?;
            Some(OffsetSpec::Timestamp(moment))
        }
        None if before == "end" => Some(OffsetSpec::Latest),
        None => None,
    };
    let fixed = match spec {
        Some(_) => None,
        None => Some(before.parse::<u32>().map(Offset::from).map_err(|_e| {
            Failure::usage(format!("--before {before}: write an offset, @TIME or end"))
        })?),
    };
    let starts = offsets(admin, partitions, OffsetSpec::Earliest).await?;
    let ends = offsets(admin, partitions, OffsetSpec::Latest).await?;
    if let (Some(fixed), Some(last)) = (fixed, ends.iter().max())
        && fixed > *last
    {
        return Err(
            Failure::failed(format!("--before {fixed}: the last offset is {last}"))
                .hint("to delete all there is: --before end"),
        );
    }
    let found = match spec {
        Some(spec) => offsets(admin, partitions, spec).await?,
        None => vec![fixed.unwrap_or(0); partitions.len()],
    };
    let cuts = partitions.iter().zip(starts).zip(ends).zip(found);
    Ok(cuts
        .map(|(((partition, start), end), found)| Cut {
            partition: partition.clone(),
            start,
            // No event at or after that time, or none at that offset: all there is goes.
            before: if found < 0 { end } else { found.min(end) },
        })
        .collect())
}

async fn offsets(
    admin: &Admin,
    partitions: &[TopicPartition],
    spec: OffsetSpec,
) -> Result<Vec<Offset>> {
    let asked: Vec<_> = partitions.iter().map(|p| (p.clone(), spec)).collect();
    let mut found = admin
        .list_offsets(&asked, IsolationLevel::ReadUncommitted)
        .await?;
    let mut offsets = Vec::new();
    for partition in partitions {
        let result = found.remove(partition);
        let result = result.ok_or_else(|| Failure::failed(format!("no offsets of {partition}")))?;
        offsets.push(result?.offset);
    }
    Ok(offsets)
}
