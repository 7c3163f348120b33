//! The metadata quorum: decides requests, replicates records, fences brokers.
