//! Deliberate mistakes, for the simulator to find: see [`types::mutants`].

types::mutants! {
    /// Answers leave before what they say is committed.
    AnswerBeforeCommit,
    /// A shard serves before the high watermark has reached what it loaded.
    ServeBeforeLoaded,
}
