//! An asynchronous Kafka client: producer, consumer and admin.
