//! Log lines, on standard error: text for people or JSON for machines, chosen by `RUST_LOG`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;

/// Unless `RUST_LOG` says otherwise. openraft calls errors what is the everyday life of a quorum; what matters
/// of it is told by the controller.
const QUIET: &str = "info,openraft=off";

/// Starts logging. Call once, before anything logs.
pub(crate) fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(QUIET));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().flatten_event(true).with_ansi(false).init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(at = ?panic.location().map(ToString::to_string), "{panic}");
    }));
}
