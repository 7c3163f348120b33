//! The real binary, started, spoken to, and stopped in every way.

mod format;
mod groups;
mod quorum;
mod refuse;
mod start;
mod stop;
mod support;
