//! The Kafka wire protocol: frames, message codecs, record batches and compression.
//!
//! Bytes in, values out, and back. This crate knows nothing of sockets, files or what a request
//! means. It never copies a payload: strings and record sets are slices of the frame they came in,
//! and a response is a list of segments that refer to the records it carries.
//!
//! ```text
//! frame ─ size ─┬─ header ── ApiKey, version ── messages::<api> ── wire::Reader ── Str, RecordSet
//!               └─ body                                            wire::Writer ── Segments
//! ```
//!
//! # Hostile bytes
//!
//! Decoding never panics, and never allocates more than sixteen times the input plus 64 KiB: every
//! count and length is checked against the bytes that remain before anything is allocated for it,
//! and the [`wire::Reader`] keeps account of all of it.
//!
//! # Generated code
//!
//! `messages/`, `data/` and `api_key/table.rs` come from the tables in `schema/` by
//! `cargo run -p xtask -- codegen`. To add an API, mark its line in `schema/apis.tsv`.
//! `data/` is what is not sent by itself: records of internal topics, bytes inside other messages.

pub mod data;
pub mod frame;
mod message;
pub mod messages;
pub mod records;
pub mod wire;

mod api_key;

pub use api_key::ApiKey;
pub use bytestring::ByteString as Str;
pub use message::{Message, Request};
pub use wire::{DecodeError, EncodeError, RecordSet, Segments};
