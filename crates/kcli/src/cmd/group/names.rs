//! Groups by name, with "did you mean" for those that are not there.

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::admin::GroupFilter;
use client::{Admin, Error};
use types::ErrorCode;

use crate::complete;
use crate::failure::{Failure, Result};
use crate::nearest::did_you_mean;

/// Which groups a command is about.
#[derive(Debug, Args)]
pub(super) struct Groups {
    /// The groups
    #[arg(value_name = "GROUP", add = ArgValueCompleter::new(complete::groups))]
    groups: Vec<String>,
    /// Kafka's way of naming a group
    #[arg(long = "group", value_name = "GROUP", hide = true)]
    kafkas: Vec<String>,
    /// All groups of the cluster
    #[arg(long, visible_alias = "all-groups")]
    all: bool,
}

impl Groups {
    /// Refuses a line that names none, before anybody is asked.
    pub(super) fn check(&self) -> Result {
        match self.all || !self.groups.is_empty() || !self.kafkas.is_empty() {
            true => Ok(()),
            false => {
                Err(Failure::usage("which group?").hint("see `kcli group list`, or add --all"))
            }
        }
    }

    /// Their names, in the order given and each once; with `--all`, those of the cluster.
    pub(super) async fn names(&self, admin: &Admin) -> Result<Vec<String>> {
        if self.all {
            let listing = admin.list_groups(&GroupFilter::default()).await?;
            if let Some((_, error)) = listing.failed.into_iter().next() {
                return Err(error.into());
            }
            let groups = listing.groups.into_iter();
            return Ok(groups.map(|group| group.group_id).collect());
        }
        let mut names: Vec<String> = Vec::new();
        for name in self.groups.iter().chain(&self.kafkas) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        Ok(names)
    }
}

/// The one group that a command is about, by position or in Kafka's way.
pub(super) fn one(given: Option<&String>, kafkas: Option<&String>) -> Result<String> {
    match (given, kafkas) {
        (Some(name), None) | (None, Some(name)) => Ok(name.clone()),
        (Some(_), Some(_)) => Err(Failure::usage("the group is named twice")),
        (None, None) => Err(Failure::usage("which group?").hint("see `kcli group list`")),
    }
}

/// An error about a group as a failure; if the group is unknown, with the nearest names.
pub(super) async fn explain(admin: &Admin, name: &str, error: Error) -> Failure {
    let code = error.code();
    let mut failure = Failure::from(error);
    match code {
        Some(ErrorCode::GroupIdNotFound) => {
            if let Ok(listing) = admin.list_groups(&GroupFilter::default()).await {
                let known = listing.groups.iter().map(|group| group.group_id.as_str());
                failure.hints.extend(did_you_mean(name, known));
            }
            failure.hints.push("see `kcli group list`".to_owned());
        }
        Some(ErrorCode::NonEmptyGroup) => {
            let hint = format!("stop its members first; who they are: kcli group describe {name}");
            failure.hints.push(hint);
        }
        _ => {}
    }
    failure
}
