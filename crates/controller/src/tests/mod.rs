//! Whole controllers without disk and sockets, asked by the client that brokers use.

mod harness;
mod one;
mod sessions;
mod tail;
mod three;
