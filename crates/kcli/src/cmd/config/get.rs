//! `kcli config get`.

use clap::Args;
use clap_complete::ArgValueCompleter;
use client::admin::{ConfigEntry, Resource};

use super::{describe, resource};
use crate::complete;
use crate::context::Context;
use crate::failure::{Failure, Result};

/// Show values of some keys.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// topic/NAME, broker/ID, broker/default for all brokers, or group/NAME
    #[arg(
        value_name = "TYPE/NAME",
        value_parser = resource::parse,
        add = ArgValueCompleter::new(complete::resources)
    )]
    resource: Resource,
    /// The keys; every key if none is given
    #[arg(value_name = "KEY", add = ArgValueCompleter::new(complete::config_keys))]
    keys: Vec<String>,
}

/// Shows them.
pub(crate) async fn run(get: Get, context: &Context) -> Result {
    let admin = context.admin().await?;
    let configs = match admin.describe_configs(&get.resource, false).await {
        Ok(configs) => configs,
        Err(error) => {
            let keys = get.keys.iter().map(String::as_str);
            return Err(resource::explain(&admin, &get.resource, keys, error).await);
        }
    };
    let mut shown: Vec<&ConfigEntry> = Vec::new();
    for key in &get.keys {
        let found = configs.iter().find(|config| config.name == *key);
        shown.push(found.ok_or_else(|| {
            let name = resource::display(&get.resource);
            Failure::failed(format!("{name} has no config {key}"))
                .hint_if(resource::nearest_key(&get.resource, key))
        })?);
    }
    if get.keys.is_empty() {
        shown = configs.iter().collect();
    }
    describe::print(&shown, false, context)
}
