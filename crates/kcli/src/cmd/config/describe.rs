//! `kcli config describe`.

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::admin::{ConfigEntry, ConfigSource, Resource};
use serde_json::{Value, json};

use super::resource;
use crate::complete;
use crate::context::Context;
use crate::failure::Result;
use crate::output::{Cell, Column, Report, Table};

/// Show what is set, or every key with --all.
#[derive(Debug, Args)]
pub(crate) struct Describe {
    /// topic/NAME, broker/ID, broker/default for all brokers, or group/NAME
    #[arg(
        value_name = "TYPE/NAME",
        value_parser = resource::parse,
        add = ArgValueCompleter::new(complete::resources)
    )]
    pub(crate) resource: Resource,
    /// Every key, also those at their defaults
    #[arg(long)]
    pub(crate) all: bool,
    /// What each key is for
    #[arg(long)]
    pub(crate) docs: bool,
}

/// Describes it.
pub(crate) async fn describe(describe: Describe, context: &Context) -> Result {
    let admin = context.admin().await?;
    let asked = admin
        .describe_configs(&describe.resource, describe.docs)
        .await;
    let configs = match asked {
        Ok(configs) => configs,
        Err(error) => {
            let no_keys = std::iter::empty();
            return Err(resource::explain(&admin, &describe.resource, no_keys, error).await);
        }
    };
    let is_shown = |config: &&ConfigEntry| describe.all || is_set(config);
    let shown: Vec<_> = configs.iter().filter(is_shown).collect();
    print(&shown, describe.docs, context)?;
    if shown.is_empty() {
        context.remark("nothing is set; every key with its default: --all");
    }
    Ok(())
}

fn is_set(config: &ConfigEntry) -> bool {
    config.source != ConfigSource::Default
}

/// Prints configs with their origin.
pub(super) fn print(configs: &[&ConfigEntry], with_docs: bool, context: &Context) -> Result {
    let mut columns = vec![
        Column::new("KEY"),
        Column::new("VALUE"),
        Column::new("SOURCE"),
        Column::wide("READ ONLY"),
        Column::wide("SYNONYMS"),
    ];
    if with_docs {
        columns.push(Column::new("DOCUMENTATION"));
    }
    let mut table = Table::new(columns);
    for config in configs {
        let synonyms: Vec<_> = config
            .synonyms
            .iter()
            .map(|s| format!("{}={}", s.name, s.value.as_deref().unwrap_or("-")))
            .collect();
        let mut row = vec![
            Cell::from(config.name.as_str()),
            value(config),
            Cell::from(config.source.name()),
            Cell::from(config.is_read_only.to_string()),
            Cell::list(&synonyms),
        ];
        if with_docs {
            row.push(Cell::optional(config.documentation.as_ref()));
        }
        table.push(config.name.as_str(), row);
    }
    let json: Vec<Value> = configs.iter().map(|config| to_json(config)).collect();
    context.output.print(&Report::new(&json, table))
}

fn value(config: &ConfigEntry) -> Cell {
    match config.is_sensitive {
        true => Cell::from("(hidden)"),
        false => Cell::optional(config.value.as_ref()),
    }
}

fn to_json(config: &ConfigEntry) -> Value {
    let synonyms = config.synonyms.iter().map(|synonym| {
        json!({ "name": synonym.name, "value": synonym.value, "source": synonym.source.name() })
    });
    json!({
        "name": config.name,
        "value": config.value,
        "source": config.source.name(),
        "isReadOnly": config.is_read_only,
        "isSensitive": config.is_sensitive,
        "synonyms": synonyms.collect::<Vec<_>>(),
        "documentation": config.documentation,
    })
}
