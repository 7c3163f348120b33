//! Transcripts of groups: what was asked, when, and what came out. See [`script`] for how to read them.

mod barrier;
mod committed;
mod histories;
mod join;
mod leave;
mod liveness;
mod migrate;
mod operator;
mod persist;
mod room;
mod script;
mod static_member;
mod sync;
