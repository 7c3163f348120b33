//! Whole controllers, most of them without disk and sockets, asked by the client that brokers use.

mod disk;
mod harness;
mod one;
mod partitions;
mod sessions;
mod tail;
mod three;
