//! `kcli debug api-versions`.

use clap::Args;
use clap_complete::ArgValueCompleter;
use protocol::ApiKey;
use serde_json::{Value, json};

use crate::complete;
use crate::context::Context;
use crate::failure::Result;
use crate::output::{Cell, Column, Report, Table};

/// Which requests a broker understands, in which versions.
#[derive(Debug, Args)]
pub(crate) struct ApiVersions {
    /// Which broker; any if none is given
    #[arg(long, value_name = "ID", add = ArgValueCompleter::new(complete::brokers))]
    broker: Option<i32>,
}

/// Shows them.
pub(crate) async fn run(command: &ApiVersions, context: &Context) -> Result {
    let versions = context.admin().await?.api_versions(command.broker).await?;
    let mut table = Table::new(vec![
        Column::number("KEY"),
        Column::new("API"),
        Column::number("MIN"),
        Column::number("MAX"),
        Column::number("USED"),
    ]);
    let mut json: Vec<Value> = Vec::new();
    for (key, (min, max)) in &versions.ranges {
        let api = ApiKey::from_wire(*key);
        let name = api.map_or("?", ApiKey::name);
        let used = api.and_then(|api| {
            let ours = api.versions();
            let used = *max.min(ours.end());
            (used >= *min.max(ours.start())).then_some(used)
        });
        table.push(
            name,
            vec![
                Cell::from(key.to_string()),
                Cell::from(name),
                Cell::from(min.to_string()),
                Cell::from(max.to_string()),
                Cell::optional(used),
            ],
        );
        json.push(json!({ "key": key, "api": name, "min": min, "max": max, "used": used }));
    }
    context.output.print(&Report::new(&json, table))
}
