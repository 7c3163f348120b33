//! The broker: partitions, Kafka APIs and the metadata observer.
