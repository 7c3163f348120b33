//! Deliberate mistakes, for the simulator to find: see [`types::mutants`].

types::mutants! {
    /// Replicas that leave a small ISR are forgotten instead of staying eligible.
    NoElr,
    /// Eligible replicas stay eligible although the ISR is large enough to move on without them.
    ElrNotCleared,
    /// Whoever is first in the ISR is elected, live or not.
    ElectFenced,
    /// A replica that may have lost records stays eligible.
    LossyKeptInElr,
}
