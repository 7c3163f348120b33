//! `messages/mod.rs`: the modules, and a macro that names every message once.

use super::{GENERATED, snake_case};
use crate::codegen::schema::Api;

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
