//! Consumers that share topics as a group.

pub(crate) mod protocol;
