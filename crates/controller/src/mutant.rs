//! Deliberate mistakes, for the simulator to find: see [`types::mutants`].

types::mutants! {
    /// A proposal for the ISR is not held against the members' broker epochs (KIP-903).
    NoBrokerEpochCheck,
    /// A proposal for the ISR that was made on an older registration is applied.
    StalePartitionEpoch,
    /// A fenced broker may join the ISR.
    FencedMember,
    /// A broker's word that nothing is missing is not held against its former epoch and directories.
    CleanClaimBelieved,
}
