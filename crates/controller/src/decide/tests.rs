//! Decisions that no Kafka client asks for, and histories of all of them together.

mod activation;
mod brokers;
mod histories;
mod partitions;
mod placement;
