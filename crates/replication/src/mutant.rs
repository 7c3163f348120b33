//! Deliberate mistakes, for the simulator to find: see [`types::mutants`].

types::mutants! {
    /// The high watermark counts the committed ISR only, not the one that is proposed.
    NoMaximalIsr,
    /// The high watermark moves although fewer replicas than the minimum are in sync.
    HighWatermarkIgnoresMinIsr,
    /// Logs are compared by their ends alone, not by the epochs that wrote them.
    NoTruncationByEpoch,
    /// A follower may join the ISR before it has reached the start of the leader's epoch.
    NoEpochStartRule,
    /// The leader does not say, and does not check, which process of a broker it saw in sync.
    NoBrokerEpochAtLeader,
    /// A position counts as progress before the logs were reconciled.
    ProgressBeforeReconciled,
    /// Followers accept leaders of former epochs.
    FollowerIgnoresEpoch,
    /// A leader drops followers from its ISR on its own.
    LeaderShrinksAlone,
    /// A proposal that was not answered in time counts as refused.
    RollbackOnTimeout,
    /// A durable topic's leader counts for itself what it has not synced.
    LeaderCountsUnsynced,
    /// A durable topic's follower acknowledges what it has not synced.
    FollowerAcksUnsynced,
    /// A durable topic's leader takes a follower's position, which need not be synced, for an
    /// acknowledgement.
    PositionCountsUnsynced,
}
