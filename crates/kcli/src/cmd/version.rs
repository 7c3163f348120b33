//! `kcli version`.

use serde_json::json;

use crate::context::Context;
use crate::failure::Result;
use crate::output::Report;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Prints the version.
pub(crate) fn run(context: &Context) -> Result {
    let page = format!("kcli {VERSION}\n");
    context
        .output
        .print(&Report::new(&json!({ "version": VERSION }), page))
}
