#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! ```text
//! run ─▶ plan (what the seed stands for) ─▶ world: queue of events, clock, processes
//!                                             │
//!        faults ── net ── client ── group ── broker ── quorum          each an `impl World`
//!                                             │
//!                                        invariants           look at all of it
//! ```

pub mod broker;
pub mod client;
pub mod draw;
pub mod event;
pub mod faults;
pub mod group;
pub mod invariants;
pub mod log;
pub mod message;
pub mod mutant;
pub mod net;
pub mod plan;
pub mod quorum;
pub mod run;
pub mod trace;
pub mod world;
