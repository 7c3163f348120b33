//! Keys of a client metrics subscription, sorted by name.

use crate::key::{Key, int, list};

#[rustfmt::skip] // One key, one line.
pub(super) static KEYS: &[Key] = &[
    int("interval.ms").default("300000").between(100, 3_600_000),
    list("match").default(""),
    list("metrics").default(""),
];
