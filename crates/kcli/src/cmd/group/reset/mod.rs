//! `kcli group reset`: where a group without members shall read on.

mod file;
mod plan;
pub(super) mod scope;
mod target;

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::admin::{GroupDescription, NewOffset};
use client::{Admin, Error, OffsetSpec};
use serde_json::Value;
use types::{ErrorCode, Offset, TopicPartition};

use self::plan::{Change, Known};
use self::scope::{TopicPart, topic_part};
use self::target::{Place, Target};
use super::names;
use super::standing::{committed, offsets_at};
use crate::complete;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Format, Report, note, write_stdout};

const EXAMPLES: &str = "\
Examples:
  kcli group reset teams --to start                     read everything again
  kcli group reset teams --to -10 --topics cities:0     the last ten of one partition again
  kcli group reset teams --to @-1h --dry-run            only show what an hour back would be
  kcli group reset copy --to group:teams --yes          where another group is
  kcli group reset teams --to current --export > F      keep the offsets; back with --to file:F

The group must have no members: stop its consumers first. Kafka's own words are understood, too:
--to-earliest, --to-latest, --to-current, --to-datetime, --by-duration, --shift-by, --to-offset,
--from-file, --all-topics, --topic, --export, --execute.";

/// Let a group read on from elsewhere: shows before and after, then asks.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Reset {
    /// The group
    #[arg(value_name = "GROUP", add = ArgValueCompleter::new(complete::groups))]
    group: Option<String>,
    /// Kafka's way of naming it
    #[arg(long = "group", value_name = "GROUP", hide = true)]
    kafkas: Option<String>,
    #[command(flatten)]
    place: Place,
    /// Only these topics, or some of their partitions, as often as needed [default: all it has read]
    #[arg(
        long,
        visible_alias = "topic",
        value_name = "TOPIC[:N,N]",
        value_parser = topic_part,
        conflicts_with = "all_topics",
        add = ArgValueCompleter::new(complete::topics)
    )]
    topics: Vec<TopicPart>,
    /// All topics that it has read (this is the default)
    #[arg(long, hide = true)]
    all_topics: bool,
    /// Print the new offsets as Kafka's tool does (topic,partition,offset), and change nothing
    #[arg(long)]
    export: bool,
    /// Kafka's --yes
    #[arg(long, hide = true)]
    execute: bool,
}

type Offsets = BTreeMap<TopicPartition, Offset>;

/// Plans, shows, asks and commits.
pub(crate) async fn run(reset: Reset, context: &Context) -> Result {
    let group = names::one(reset.group.as_ref(), reset.kafkas.as_ref())?;
    let target = reset.place.target(context.now_ms())?;
    let admin = context.admin().await?;
    let may_be_new =
        !reset.topics.is_empty() || matches!(target, Target::File(_) | Target::Group(_));
    let is_new = !is_there_without_members(&admin, &group, may_be_new).await?;
    let (changes, failures) = reset.plan(&admin, &group, &target).await?;
    let is_asked_for = context.is_confirmed || reset.execute;
    if reset.export {
        write_stdout(file::export(&changes).as_bytes())?;
    }
    let moved: Vec<Change> = changes.iter().filter(|c| c.is_change()).cloned().collect();
    if moved.is_empty() || context.is_dry_run || (reset.export && !is_asked_for) {
        if !reset.export {
            print(&changes, "would change", context)?;
        }
        return finish(&failures);
    }
    if !is_asked_for {
        show(&changes, context)?;
        let new = if is_new { ", which is new" } else { "" };
        let plural = if moved.len() == 1 {
            "partition"
        } else {
            "partitions"
        };
        context.confirm(&format!(
            "reset {} {plural} of group {group}{new}",
            moved.len()
        ))?;
    }
    carry_out(
        &admin,
        &group,
        &changes,
        &moved,
        failures,
        reset.export,
        context,
    )
    .await
}

/// Whether the group exists; it must have no members.
async fn is_there_without_members(admin: &Admin, group: &str, may_be_new: bool) -> Result<bool> {
    let described = admin.describe_groups(&[group]).await?.remove(group);
    let error = match described {
        Some(Ok(found)) if found.members.is_empty() => return Ok(found.state != "Dead"),
        Some(Ok(found)) => return Err(active(&found)),
        Some(Err(error)) => error,
        None => Error::refused(
            ErrorCode::GroupIdNotFound.to_wire(),
            None,
            format!("group {group}"),
        ),
    };
    match error.code() {
        Some(ErrorCode::GroupIdNotFound) if may_be_new => Ok(false),
        _ => Err(names::explain(admin, group, error).await),
    }
}

fn active(group: &GroupDescription) -> Failure {
    let (name, state) = (&group.group_id, &group.state);
    let members = match group.members.len() {
        1 => "a member that reads".to_owned(),
        n => format!("{n} members that read"),
    };
    Failure::failed(format!(
        "group {name} has {members} (state {state}): nothing was changed"
    ))
    .hint("a running consumer would commit over it: stop all of them first")
    .hint(format!(
        "who they are: kcli group describe {name} --section members"
    ))
}

impl Reset {
    async fn plan(
        &self,
        admin: &Admin,
        group: &str,
        target: &Target,
    ) -> Result<(Vec<Change>, Vec<Failure>)> {
        let before = offsets_of(admin, group).await?;
        let elsewhere = match target {
            Target::Group(other) => Some(offsets_of(admin, other).await?),
            Target::File(path) => Some(file::read(path, group)?),
            _ => None,
        };
        let partitions = match &elsewhere {
            Some(known) => self.chosen(known),
            None if self.topics.is_empty() => before.keys().cloned().collect(),
            None => scope::partitions(admin, &self.topics).await?,
        };
        if partitions.is_empty() {
            return Err(nothing_to_go_from(group, target));
        }
        let starts = offsets_at(admin, &partitions, OffsetSpec::Earliest).await?;
        let ends = offsets_at(admin, &partitions, OffsetSpec::Latest).await?;
        let found = match (target, elsewhere) {
            (Target::Time(ms), _) => {
                offsets_at(admin, &partitions, OffsetSpec::Timestamp(*ms)).await?
            }
            (_, elsewhere) => elsewhere.unwrap_or_default(),
        };
        let (mut changes, mut failures) = (Vec::new(), Vec::new());
        for partition in &partitions {
            let ends = starts.get(partition).zip(ends.get(partition));
            let decided = ends
                .ok_or_else(|| format!("{partition}: not there, or nobody leads it now"))
                .and_then(|(log_start, log_end)| {
                    let known = Known {
                        before: before.get(partition).copied(),
                        found: found.get(partition).copied(),
                        log_start: *log_start,
                        log_end: *log_end,
                    };
                    plan::decide(partition, target, known)
                });
            match decided {
                Ok(change) => changes.push(change),
                Err(text) => failures.push(Failure::failed(text)),
            }
        }
        Ok((changes, failures))
    }

    /// Of the partitions that another source has offsets for, those that are meant.
    fn chosen(&self, known: &Offsets) -> BTreeSet<TopicPartition> {
        let is_meant = |key: &&TopicPartition| {
            self.topics.is_empty() || self.topics.iter().any(|part| part.contains(key))
        };
        known.keys().filter(is_meant).cloned().collect()
    }
}

async fn offsets_of(admin: &Admin, group: &str) -> Result<Offsets> {
    match committed(admin, &[group]).await?.remove(group) {
        Some(Ok(offsets)) => {
            let all = offsets.into_iter();
            Ok(all
                .map(|(partition, committed)| (partition, committed.offset))
                .collect())
        }
        Some(Err(error)) => Err(names::explain(admin, group, error).await),
        None => Ok(Offsets::new()),
    }
}

fn nothing_to_go_from(group: &str, target: &Target) -> Failure {
    match target {
        Target::Group(other) => {
            Failure::failed(format!("group {other} has no offsets")).hint("see `kcli group list`")
        }
        Target::File(path) => {
            Failure::failed(format!("{}: no offsets of group {group}", path.display()))
        }
        _ => Failure::failed(format!("group {group} has no offsets yet"))
            .hint("say which topics it shall read: --topics TOPIC"),
    }
}

/// Commits the changes and tells what became of each.
async fn carry_out(
    admin: &Admin,
    group: &str,
    changes: &[Change],
    moved: &[Change],
    mut failures: Vec<Failure>,
    is_silent: bool,
    context: &Context,
) -> Result {
    let orders: Vec<_> = moved
        .iter()
        .map(|change| (change.partition.clone(), NewOffset::from(change.after)))
        .collect();
    let mut results = admin.alter_offsets(group, &orders).await?;
    let mut done = Vec::new();
    for change in changes {
        match results.remove(&change.partition) {
            None | Some(Ok(())) => done.push(change.clone()),
            Some(Err(error)) => failures.push(refused(group, error)),
        }
    }
    if !is_silent {
        print(&done, "changed", context)?;
    }
    finish(&failures)
}

fn refused(group: &str, error: Error) -> Failure {
    let has_members = error.code() == Some(ErrorCode::UnknownMemberId);
    let failure = Failure::from(error);
    match has_members {
        true => failure.hint(format!(
            "a member has joined {group} meanwhile: stop it and try again"
        )),
        false => failure,
    }
}

/// The plan on standard error, before the question.
fn show(changes: &[Change], context: &Context) -> Result {
    let mut output = context.output.clone();
    output.format = Format::Table;
    note(plan::table(changes).text(&output)?.trim_end());
    Ok(())
}

fn print(changes: &[Change], result: &str, context: &Context) -> Result {
    let one = |change: &Change| match change.is_change() {
        true => plan::json(change, result),
        false => plan::json(change, "no change"),
    };
    let json: Vec<Value> = changes.iter().map(one).collect();
    context
        .output
        .print(&Report::new(&json, plan::table(changes)))
}

fn finish(failures: &[Failure]) -> Result {
    for failure in failures {
        note(&format!("error: {failure}"));
        failure
            .hints
            .iter()
            .for_each(|hint| note(&format!("  hint: {hint}")));
    }
    match failures.is_empty() {
        true => Ok(()),
        false => Err(Failure::reported(Exit::Failed)),
    }
}
