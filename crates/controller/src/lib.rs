//! The metadata quorum: decides requests, replicates records, fences brokers.
//!
//! ```text
//!   brokers ─▶ service ─▶ active (one task) ─▶ decide, api (pure) ─▶ records
//!                │              │                                       │ one entry
//!                │              ▼                                       ▼
//!                │           session                          quorum (openraft, store)
//!                │                                                      │ committed, replayed
//!                └◀──────────── image, metadata tail ◀──────────────────┘
//! ```
//!
//! Refuses to know what brokers do with what is decided.

mod active;
pub mod api;
mod controller;
pub mod decide;
mod error;
pub mod mutant;
mod quorum;
mod service;
pub mod session;
#[cfg(test)]
mod tests;
mod voters;

pub use controller::{Controller, ControllerOptions, InitialVoter};
pub use error::Error;
pub use quorum::MissingStore;
