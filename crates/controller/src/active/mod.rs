//! The active controller: one task that decides everything, one request after the other.
//!
//! ```text
//!  services ─▶ mailbox ─▶ group: request, request, … ─▶ one Raft entry ─▶ committed ─▶ answers
//!             (bounded)    each sees what the ones                        (or lost: everybody
//!                          before it will have done                        is told to ask again)
//! ```
//!
//! Nothing is answered before it is committed, and nothing is decided on an image that may be
//! undone: one entry is under way at a time, and an entry that comes to stand in another place than
//! it was decided for has no effect.

mod backlog;
mod decisions;
mod group;
mod image_check;
mod message;
mod reign;
mod task;
mod upkeep;

pub(crate) use message::{Mailbox, Message, Refusal, Reply};
pub(crate) use task::{ActiveConfig, ActiveTask};
