//! Kafka's configuration keys: names, types, defaults, validation and server.properties.
