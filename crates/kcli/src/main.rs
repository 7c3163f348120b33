//! The command line for any Kafka cluster.
fn main() {}
