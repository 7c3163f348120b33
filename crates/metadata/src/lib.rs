//! Cluster metadata: versioned records, the immutable image, deltas and replay.
