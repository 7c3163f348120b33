//! `api_key/table.rs`: the enum and the facts about each of its variants.

use std::fmt::Write;

use super::GENERATED;
use crate::codegen::schema::Api;

pub(in crate::codegen) fn api_key(apis: &[Api]) -> String {
    let each = |line: &dyn Fn(&Api) -> String| apis.iter().map(line).collect::<String>();
    let variants = each(&|api| {
        let Api { name, key, .. } = api;
        format!("/// Key {key}.\n{name} = {key},\n")
    });
    let all = each(&|api| format!("Self::{},", api.name));
    let from_wire = each(&|api| format!("{} => Self::{},", api.key, api.name));
    format!(
        "//! The API table.
//!
{GENERATED}
use super::{{BROKER, CLUSTER_ACTION, CONTROLLER, FORWARDABLE, Facts, REMOVED, facts}};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i16)]
pub enum ApiKey {{
{variants}
}}

impl ApiKey {{
    /// Every key, ascending.
    pub const ALL: &[Self] = &[{all}];

    /// The key with this number; `None` for numbers never given, and for APIs that Kafka has
    /// removed.
    #[must_use]
    pub const fn from_wire(key: i16) -> Option<Self> {{
        Some(match key {{
            {from_wire}
            _ => return None,
        }})
    }}

    /// Its number.
    #[must_use]
    pub const fn to_wire(self) -> i16 {{
        self as i16
    }}
}}

{}",
        facts(apis)
    )
}

/// The table, indexed by key.
fn facts(apis: &[Api]) -> String {
    let count = apis.last().map_or(0, |api| api.key + 1);
    let mut rows = String::new();
    for key in 0..count {
        match apis.iter().find(|api| api.key == key) {
            Some(api) => row(&mut rows, api),
            None => rows.push_str("REMOVED,\n"),
        }
    }
    format!("pub(super) static FACTS: [Facts; {count}] = [\n{rows}];\n")
}

fn row(rows: &mut String, api: &Api) {
    let flags: Vec<&str> = [
        (api.on_broker, "BROKER"),
        (api.on_controller, "CONTROLLER"),
        (api.is_forwardable, "FORWARDABLE"),
        (api.is_cluster_action, "CLUSTER_ACTION"),
    ]
    .into_iter()
    .filter_map(|(is_set, flag)| is_set.then_some(flag))
    .collect();
    let flexible = api
        .first_flexible
        .map_or("i16::MAX".to_owned(), |v| v.to_string());
    let written = writeln!(
        rows,
        "facts({:?}, ({}, {}), {}, {flexible}, {}),",
        api.name,
        api.versions.min,
        api.versions.max,
        api.advertised_min,
        flags.join(" | ")
    );
    written.expect("a string takes everything");
}
