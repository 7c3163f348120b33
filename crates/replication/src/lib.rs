//! One partition's replication as a pure state machine: ISR, follower progress and high watermark.
