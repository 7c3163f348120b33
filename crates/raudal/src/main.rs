//! The Raudal server.
fn main() {}
