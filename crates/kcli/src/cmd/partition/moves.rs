//! Carrying moves out: throttle, order, watch until done, take the throttle away.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::time::Duration;

use client::Admin;
use client::admin::Reassignment;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;
use types::TopicPartition;

use super::list::text;
use super::plan::Change;
use super::throttle::Throttle;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::items::Item;
use crate::output::{Cell, Column, Table};

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Sizes on disk are looked at less often.
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// How to carry moves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manner {
    /// Bytes a second for each broker.
    pub(crate) throttle: Option<u64>,
    /// Whether to stay until all is done.
    pub(crate) is_waiting: bool,
}

/// What is going to change, for people.
pub(crate) fn plan_table(changes: &[Change]) -> Table {
    let mut table = Table::new(vec![
        Column::new("PARTITION"),
        Column::new("NOW"),
        Column::new("THEN"),
        Column::new("COPIED TO"),
    ]);
    for change in changes {
        let name = text(&change.partition);
        let row = vec![
            Cell::from(name.as_str()),
            Cell::list(&change.from),
            Cell::list(&change.to),
            Cell::list(&change.adding()),
        ];
        table.push(name, row);
    }
    table
}

/// What is going to change, for programs.
pub(crate) fn plan_json(changes: &[Change]) -> Vec<serde_json::Value> {
    let json = changes.iter().map(|change| {
        serde_json::json!({
            "topic": &*change.partition.topic,
            "partition": change.partition.partition,
            "from": change.from,
            "to": change.to,
            "adding": change.adding(),
            "removing": change.removing(),
        })
    });
    json.collect()
}

/// Carries moves out and says what became of each.
///
/// # Errors
/// Nothing could be ordered, or watching was interrupted or ran out of time. The moves that were
/// accepted go on in the cluster.
pub(crate) async fn carry_out(
    context: &Context,
    admin: &Admin,
    changes: &[Change],
    manner: Manner,
) -> Result<Vec<Item>> {
    let throttle = Throttle::new(changes);
    if let Some(rate) = manner.throttle {
        throttle.set(admin, rate).await?;
    }
    let orders: Vec<_> = changes
        .iter()
        .map(|change| (change.partition.clone(), Some(change.to.clone())))
        .collect();
    let ordered = admin.alter_reassignments(&orders).await;
    if ordered.is_err() && manner.throttle.is_some() {
        throttle.clear(admin).await?;
    }
    let mut refused = BTreeMap::new();
    for (partition, result) in ordered? {
        if let Err(error) = result {
            refused.insert(partition, Failure::from(error));
        }
    }
    let accepted: Vec<&Change> = changes
        .iter()
        .filter(|change| !refused.contains_key(&change.partition))
        .collect();
    if manner.is_waiting {
        let watched = Watch::new(context, admin, &accepted).await.run().await;
        if let Err(failure) = watched {
            return Err(left_alone(failure, manner));
        }
    }
    // What is left to be done without us keeps its throttle.
    if manner.throttle.is_some() && manner.is_waiting {
        throttle.clear(admin).await?;
    }
    let done = if manner.is_waiting { "moved" } else { "moving" };
    let items = changes.iter().map(|change| {
        let name = text(&change.partition);
        match refused.remove(&change.partition) {
            Some(failure) => Item::failed(name, failure),
            None => Item::done(name, done)
                .with("FROM", ids(&change.from))
                .with("TO", ids(&change.to)),
        }
    });
    Ok(items.collect())
}

/// Ids as JSON.
fn ids(ids: &[i32]) -> serde_json::Value {
    ids.into()
}

fn left_alone(failure: Failure, manner: Manner) -> Failure {
    let failure =
        failure.hint("the moves go on: `kcli partition status`, or `kcli partition cancel --all`");
    match manner.throttle {
        Some(_) => {
            failure.hint("their throttle stays: `kcli partition unthrottle` when they are done")
        }
        None => failure,
    }
}

struct Watch<'a> {
    context: &'a Context,
    admin: &'a Admin,
    open: BTreeSet<TopicPartition>,
    total_count: usize,
    /// Brokers that get data, and how much each partition is.
    adding: BTreeMap<(TopicPartition, i32), i64>,
    bar: Option<ProgressBar>,
    until: Option<Instant>,
}

impl<'a> Watch<'a> {
    async fn new(context: &'a Context, admin: &'a Admin, accepted: &[&Change]) -> Self {
        let sizes =
            Sizes::measure(admin, accepted.iter().flat_map(|c| c.from.iter().copied())).await;
        let mut adding = BTreeMap::new();
        for change in accepted {
            let of = |id: &i32| sizes.get(&change.partition, *id);
            let size = change.from.iter().filter_map(of).max().unwrap_or(0);
            let pairs = change.adding().into_iter();
            adding.extend(pairs.map(|id| ((change.partition.clone(), id), size)));
        }
        let is_shown = std::io::stderr().is_terminal() && !context.is_quiet;
        Self {
            context,
            admin,
            open: accepted
                .iter()
                .map(|change| change.partition.clone())
                .collect(),
            total_count: accepted.len(),
            bar: is_shown.then(|| bar(adding.values().sum())),
            adding,
            until: context
                .timeout_given
                .map(|allowed| Instant::now() + allowed),
        }
    }

    async fn run(mut self) -> Result {
        let mut measure_at = Instant::now() + MEASURE_EVERY;
        while !self.open.is_empty() {
            let moving = self.admin.list_reassignments(None).await?;
            self.close_finished(&moving);
            if self.open.is_empty() {
                break;
            }
            if Instant::now() >= measure_at {
                measure_at = Instant::now() + MEASURE_EVERY;
                self.measure().await;
            }
            if self.until.is_some_and(|until| Instant::now() >= until) {
                let message = still_moving(self.open.len(), self.total_count);
                return Err(Failure::new(Exit::Unreachable, message));
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.context.interrupt.cancelled() => {
                    let message = format!("interrupted: {}", still_moving(self.open.len(), self.total_count));
                    return Err(Failure::new(Exit::Interrupted, message));
                }
            }
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        Ok(())
    }

    fn close_finished(&mut self, moving: &[Reassignment]) {
        let is_moving =
            |partition: &TopicPartition| moving.iter().any(|m| m.partition == *partition);
        let finished: Vec<_> = self
            .open
            .iter()
            .filter(|p| !is_moving(p))
            .cloned()
            .collect();
        for partition in finished {
            self.open.remove(&partition);
            let count = self.total_count - self.open.len();
            let line = format!(
                "{} is there ({count} of {})",
                text(&partition),
                self.total_count
            );
            match &self.bar {
                Some(bar) => bar.set_message(line),
                None if self.total_count > 1 => self.context.remark(&line),
                None => {}
            }
        }
    }

    /// How much has been copied: what lies on the disks of the brokers that get something.
    async fn measure(&self) {
        let Some(bar) = &self.bar else { return };
        let sizes = Sizes::measure(self.admin, self.adding.keys().map(|(_, id)| *id)).await;
        let copied = self.adding.iter().map(|((partition, id), total)| {
            let is_done = !self.open.contains(partition);
            if is_done {
                *total
            } else {
                sizes.get(partition, *id).unwrap_or(0).min(*total)
            }
        });
        bar.set_position(u64::try_from(copied.sum::<i64>()).unwrap_or(0));
    }
}

fn still_moving(open_count: usize, total_count: usize) -> String {
    match total_count {
        1 => "the partition is still moving".to_owned(),
        _ => format!(
            "{open_count} of {total_count} partitions {} still moving",
            if open_count == 1 { "is" } else { "are" }
        ),
    }
}

fn bar(total_bytes: i64) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(total_bytes).unwrap_or(0));
    let style = ProgressStyle::with_template(
        "{bar:30} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {msg}",
    );
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

/// Sizes of replicas on some brokers' disks, in bytes.
#[derive(Debug, Default)]
pub(super) struct Sizes(BTreeMap<(TopicPartition, i32), i64>);

impl Sizes {
    /// Asks each of these brokers once. Those that do not answer have no sizes: progress is a
    /// courtesy.
    pub(super) async fn measure(admin: &Admin, brokers: impl Iterator<Item = i32>) -> Self {
        let mut sizes = Self::default();
        for id in brokers.collect::<BTreeSet<_>>() {
            let asked = tokio::time::timeout(MEASURE_EVERY, admin.describe_log_dirs(id)).await;
            let dirs = asked.ok().and_then(Result::ok).unwrap_or_default();
            for replica in dirs.into_iter().flat_map(|dir| dir.replicas) {
                if !replica.is_future {
                    sizes.0.insert((replica.partition, id), replica.size_bytes);
                }
            }
        }
        sizes
    }

    /// The size of one replica, if it is there.
    pub(super) fn get(&self, partition: &TopicPartition, id: i32) -> Option<i64> {
        self.0.get(&(partition.clone(), id)).copied()
    }
}
