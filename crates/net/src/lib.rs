//! Kafka connections, both ends: framing, pipelining and byte budgets.
