//! `messages/mod.rs` and `data/mod.rs`: the modules, and a macro that names every message once.

use super::{GENERATED, snake_case};
use crate::codegen::schema::{Api, Data};

pub(in crate::codegen) fn index(apis: &[&Api]) -> String {
    let mut modules: Vec<String> = apis
        .iter()
        .map(|api| format!("pub mod {};\n", snake_case(&api.name)))
        .collect();
    modules.sort();
    let lines: String = apis
        .iter()
        .map(|api| {
            let name = &api.name;
            let module = snake_case(name);
            format!("            ({name}, {module}, {name}Request, {name}Response)\n")
        })
        .collect();
    format!(
        "//! One module per API: its request, its response, and the structs inside them.
//!
{GENERATED}
{}
/// Calls a macro with one `(ApiKey variant, module, request, response)` for each API that has
/// codecs, in the order of their keys.
#[macro_export]
macro_rules! for_each_api {{
    ($callback:ident) => {{
        $callback! {{
{lines}        }}
    }};
}}
",
        modules.concat()
    )
}

/// `data` in the order of the table.
pub(in crate::codegen) fn data_index(data: &[Data]) -> String {
    let mut modules: Vec<String> = data
        .iter()
        .map(|data| format!("pub mod {};\n", data.module))
        .collect();
    modules.sort();
    modules.dedup();
    let lines: String = data
        .iter()
        .map(|data| format!("            ({}, {})\n", data.module, data.schema))
        .collect();
    format!(
        "//! What is stored in internal topics, or embedded as bytes in a message, rather than sent.
//!
{GENERATED}
{}
/// Calls a macro with one `(module, type)` for each of them.
#[macro_export]
macro_rules! for_each_data {{
    ($callback:ident) => {{
        $callback! {{
{lines}        }}
    }};
}}
",
        modules.concat()
    )
}
