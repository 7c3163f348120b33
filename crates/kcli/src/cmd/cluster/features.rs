//! `kcli cluster features`.

use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::Result;
use crate::output::{Cell, Column, Report, Table};

/// Shows features by name.
pub(crate) async fn run(context: &Context) -> Result {
    let versions = context.admin().await?.api_versions(None).await?;
    let supported = &versions.supported_features;
    let finalized = &versions.finalized_features;
    let mut names: Vec<&String> = supported.keys().chain(finalized.keys()).collect();
    names.sort();
    names.dedup();
    let mut table = Table::new(vec![
        Column::new("FEATURE"),
        Column::number("LEVEL"),
        Column::new("SUPPORTED"),
    ]);
    let mut json: Vec<Value> = Vec::new();
    for name in names {
        let level = finalized.get(name);
        let range = supported.get(name);
        table.push(
            name.as_str(),
            vec![
                Cell::from(name.as_str()),
                Cell::optional(level),
                Cell::optional(range.map(|(min, max)| format!("{min}-{max}"))),
            ],
        );
        json.push(json!({
            "name": name,
            "level": level,
            "minSupported": range.map(|(min, _)| min),
            "maxSupported": range.map(|(_, max)| max),
        }));
    }
    context.output.print(&Report::new(&json, table))
}
