//! `kcli group describe`.

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::{Args, ValueEnum};
use client::Admin;
use serde_json::{Value, json};

use super::list::{named, state_cell};
use super::names::{self, Groups};
use super::standing::{Standing, standings};
use super::{lag, members};
use crate::context::Context;
use crate::failure::Result;
use crate::output::{Cell, Page, write_stdout};
use crate::when;

const EXAMPLES: &str = "\
Examples:
  kcli group describe teams                         state, lag and members
  kcli group describe teams --section lag --watch   again every two seconds; Ctrl-C ends
  kcli group describe teams --section members -o wide";

/// Clears a terminal and goes to its upper left corner.
const CLEAR: &[u8] = b"\x1b[H\x1b[2J";

/// Show state, lag and members of groups.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Describe {
    #[command(flatten)]
    groups: Groups,
    /// Only these parts
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    section: Vec<Part>,
    /// Again and again
    #[arg(
        long,
        value_name = "EVERY",
        value_parser = when::duration,
        num_args = 0..=1,
        default_missing_value = "2s",
        require_equals = true
    )]
    watch: Option<Duration>,
    /// Kafka's words for --section
    #[command(flatten)]
    kafkas: Kafkas,
}

#[derive(Debug, Args)]
struct Kafkas {
    #[arg(long, hide = true)]
    members: bool,
    #[arg(long, hide = true)]
    state: bool,
    #[arg(long, hide = true)]
    offsets: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    State,
    #[value(alias = "offsets")]
    Lag,
    Members,
}

/// Describes them, once or again and again.
pub(crate) async fn run(describe: Describe, context: &Context) -> Result {
    describe.groups.check()?;
    let admin = context.admin().await?;
    let Some(every) = describe.watch else {
        return describe.once(&admin, context).await;
    };
    loop {
        if std::io::stdout().is_terminal() && !context.output.format.is_json() {
            write_stdout(CLEAR)?;
        }
        describe.once(&admin, context).await?;
        tokio::time::sleep(every).await;
    }
}

impl Describe {
    async fn once(&self, admin: &Admin, context: &Context) -> Result {
        let names = self.groups.names(admin).await?;
        let (mut page, mut json, mut failures) = (Page::default(), Vec::new(), Vec::new());
        for (name, result) in standings(admin, &names).await? {
            match result {
                Ok(standing) => {
                    page = page.followed_by(self.page(&standing));
                    json.push(to_json(&standing));
                }
                Err(error) => {
                    let failure = names::explain(admin, &name, error).await;
                    json.push(json!({ "group": name, "error": failure.to_json() }));
                    failures.push(failure);
                }
            }
        }
        lag::finish(&json, page, &failures, names.len(), context)
    }

    fn shows(&self, part: Part) -> bool {
        let kafkas = [
            (Part::State, self.kafkas.state),
            (Part::Lag, self.kafkas.offsets),
            (Part::Members, self.kafkas.members),
        ];
        let asked = |part| self.section.contains(&part) || kafkas.contains(&(part, true));
        let is_all = [Part::State, Part::Lag, Part::Members]
            .into_iter()
            .all(|part| !asked(part));
        is_all || asked(part)
    }

    fn page(&self, standing: &Standing) -> Page {
        let group = &standing.group;
        let mut page = Page::default();
        if self.shows(Part::State) {
            let mut facts = vec![
                ("state", state_cell(&group.state)),
                ("type", named(group.group_type.name())),
                ("protocol", named(&group.protocol_type)),
                ("assignor", named(&group.assignor)),
                ("coordinator", Cell::optional(group.coordinator)),
                ("members", Cell::from(group.members.len().to_string())),
                ("total lag", lag::lag_cell(standing.total_lag())),
            ];
            if let Some(epoch) = group.group_epoch {
                facts.push(("epoch", Cell::from(epoch.to_string())));
            }
            page = page.title(format!("group {}", group.group_id)).facts(facts);
        }
        if self.shows(Part::Lag) && (!standing.partitions.is_empty() || !self.section.is_empty()) {
            page = page.table(lag::table(standing));
        }
        if self.shows(Part::Members) && (!group.members.is_empty() || !self.section.is_empty()) {
            page = page.table(members::table(group));
        }
        page
    }
}

fn to_json(standing: &Standing) -> Value {
    let group = &standing.group;
    json!({
        "group": group.group_id,
        "state": group.state,
        "type": group.group_type.name(),
        "protocolType": group.protocol_type,
        "assignor": group.assignor,
        "coordinator": group.coordinator,
        "groupEpoch": group.group_epoch,
        "assignmentEpoch": group.assignment_epoch,
        "totalLag": standing.total_lag(),
        "partitions": lag::partitions_json(standing),
        "members": members::json(group),
    })
}
