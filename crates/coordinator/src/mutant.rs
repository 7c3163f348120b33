//! Deliberate mistakes, for the simulator to find: see [`types::mutants`].

types::mutants! {
    /// Answers leave before what they say is committed.
    AnswerBeforeCommit,
    /// A shard serves before the high watermark has reached what it loaded.
    ServeBeforeLoaded,
    /// Members of an older generation of a classic group still commit.
    OldGenerationCommits,
    /// A partition is given to a member before the one that had it gave it up.
    AssignBeforeRevoked,
}
