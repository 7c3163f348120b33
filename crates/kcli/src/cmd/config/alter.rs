//! `kcli config set`, `unset`, `append` and `remove`: one change, four verbs.

use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::Admin;
use client::admin::{AlterOp, ConfigEntry, Resource};
use tokio::time::Instant;

use super::resource;
use crate::complete;
use crate::context::Context;
use crate::failure::Result;
use crate::items::{self, Item};
use crate::topics::key_value;

/// How long brokers may take to act on a change.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);

macro_rules! verb_with_values {
    ($(#[$doc:meta])* $name:ident, $op:ident) => {
        $(#[$doc])*
        #[derive(Debug, Args)]
        pub(crate) struct $name {
            /// topic/NAME, broker/ID, broker/default for all brokers, or group/NAME
            #[arg(
                value_name = "TYPE/NAME",
                value_parser = resource::parse,
                add = ArgValueCompleter::new(complete::resources)
            )]
            resource: Resource,
            /// Keys and values
            #[arg(
                required = true,
                value_name = "KEY=VALUE",
                value_parser = key_value,
                add = ArgValueCompleter::new(complete::topic_settings)
            )]
            values: Vec<(String, String)>,
        }

        impl From<$name> for Change {
            fn from(verb: $name) -> Self {
                let values = verb.values.into_iter();
                Self {
                    resource: verb.resource,
                    ops: values.map(|(key, value)| (key, AlterOp::$op(value))).collect(),
                }
            }
        }
    };
}

verb_with_values! {
    /// Set keys.
    Set, Set
}
verb_with_values! {
    /// Add to keys that are lists.
    Append, Append
}
verb_with_values! {
    /// Take from keys that are lists.
    Remove, Subtract
}

/// Take keys back to their defaults.
#[derive(Debug, Args)]
pub(crate) struct Unset {
    /// topic/NAME, broker/ID, broker/default for all brokers, or group/NAME
    #[arg(
        value_name = "TYPE/NAME",
        value_parser = resource::parse,
        add = ArgValueCompleter::new(complete::resources)
    )]
    resource: Resource,
    /// The keys
    #[arg(required = true, value_name = "KEY", add = ArgValueCompleter::new(complete::config_keys))]
    keys: Vec<String>,
}

impl From<Unset> for Change {
    fn from(unset: Unset) -> Self {
        let keys = unset.keys.into_iter();
        Self {
            resource: unset.resource,
            ops: keys.map(|key| (key, AlterOp::Delete)).collect(),
        }
    }
}

/// What shall change.
#[derive(Debug)]
pub(crate) struct Change {
    resource: Resource,
    ops: Vec<(String, AlterOp)>,
}

/// Changes it, all or nothing, and shows the values before and after.
pub(crate) async fn run(change: Change, context: &Context) -> Result {
    let admin = context.admin().await?;
    let before = values(&admin, &change.resource).await;
    let altered = admin
        .alter_configs(&change.resource, &change.ops, context.is_dry_run)
        .await;
    if let Err(error) = altered {
        let keys = change.ops.iter().map(|(key, _)| key.as_str());
        return Err(resource::explain(&admin, &change.resource, keys, error).await);
    }
    let (result, after) = match context.is_dry_run {
        true => ("would change", Vec::new()),
        false => ("changed", changed_values(&admin, &change, &before).await),
    };
    let items = change.ops.iter().map(|(key, op)| {
        let after = match context.is_dry_run {
            true => planned(op),
            false => value_of(&after, key),
        };
        Item::done(key.as_str(), result)
            .with("BEFORE", value_of(&before, key))
            .with("AFTER", after)
    });
    items::finish(context, "KEY", &items.collect::<Vec<_>>())
}

/// The values once the brokers have taken the change over, or after a while as they are.
async fn changed_values(
    admin: &Admin,
    change: &Change,
    before: &[ConfigEntry],
) -> Vec<ConfigEntry> {
    let until = Instant::now() + TAKEN_OVER_WITHIN;
    loop {
        let now = values(admin, &change.resource).await;
        let is_taken_over = change.ops.iter().all(|(key, op)| match op {
            AlterOp::Set(value) => value_of(&now, key).as_ref() == Some(value),
            _ => value_of(&now, key) != value_of(before, key),
        });
        if is_taken_over || Instant::now() >= until {
            return now;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The values for show; whether the change works does not hang on them.
async fn values(admin: &Admin, resource: &Resource) -> Vec<ConfigEntry> {
    admin
        .describe_configs(resource, false)
        .await
        .unwrap_or_default()
}

fn value_of(configs: &[ConfigEntry], key: &str) -> Option<String> {
    configs
        .iter()
        .find(|config| config.name == key)?
        .value
        .clone()
}

fn planned(op: &AlterOp) -> Option<String> {
    match op {
        AlterOp::Set(value) => Some(value.clone()),
        AlterOp::Append(value) => Some(format!("+ {value}")),
        AlterOp::Subtract(value) => Some(format!("- {value}")),
        AlterOp::Delete => None,
    }
}
