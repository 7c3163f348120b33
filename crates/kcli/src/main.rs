//! The command line for any Kafka cluster.
//!
//! ```text
//! cli (clap tree) ─▶ context (settings of all sources, output, client) ─▶ cmd/<noun>/<verb>
//!                                                                           │
//!              output (tables, JSON, CSV…) ◀── Report ──────────────────────┤
//!              failure (message, hints, exit code) ◀── Failure ─────────────┘
//! ```
//!
//! Standard output carries data only. What went wrong, hints and progress go to standard error.

mod app;
mod ask;
mod bytes_text;
mod cli;
mod cmd;
mod complete;
mod context;
mod exit;
mod failure;
mod group_records;
mod items;
mod min_isr;
mod nearest;
mod offset_spec;
mod output;
mod replicas;
mod sources;
mod template;
mod topics;
mod when;

fn main() -> std::process::ExitCode {
    app::main()
}
