//! What one connection's requests use of its listener's budget.

use crate::budget::Budgets;

/// What the connection's requests use of the listener's budget. Gives everything back when dropped.
pub(super) struct Charges {
    budgets: Budgets,
    /// The frame that is being read.
    admitted_bytes: Option<usize>,
    /// Frames whose reply is outstanding.
    pub(super) in_flight_bytes: usize,
    /// Those of them that are charged as large ones.
    in_flight_large_bytes: usize,
}

impl Charges {
    pub(super) fn new(budgets: Budgets) -> Self {
        Self {
            budgets,
            admitted_bytes: None,
            in_flight_bytes: 0,
            in_flight_large_bytes: 0,
        }
    }

    /// Admits the frame that is being read; once is enough.
    pub(super) fn try_admit(&mut self, bytes: usize) -> bool {
        if self.admitted_bytes.is_none() && self.budgets.of(bytes).try_charge(bytes) {
            self.admitted_bytes = Some(bytes);
        }
        self.admitted_bytes.is_some()
    }

    /// The frame was read and is now in flight. Returns what it holds.
    pub(super) fn dispatched(&mut self) -> usize {
        let bytes = self.admitted_bytes.take().unwrap_or(0);
        self.in_flight_bytes += bytes;
        if Budgets::is_large(bytes) {
            self.in_flight_large_bytes += bytes;
        }
        bytes
    }

    /// A request in flight was answered.
    pub(super) fn release(&mut self, bytes: usize) {
        self.in_flight_bytes -= bytes;
        if Budgets::is_large(bytes) {
            self.in_flight_large_bytes -= bytes;
        }
        self.budgets.of(bytes).release(bytes);
    }
}

impl Drop for Charges {
    fn drop(&mut self) {
        if let Some(bytes) = self.admitted_bytes.take() {
            self.budgets.of(bytes).release(bytes);
        }
        let small_bytes = self.in_flight_bytes - self.in_flight_large_bytes;
        self.budgets.small.release(small_bytes);
        self.budgets.large.release(self.in_flight_large_bytes);
    }
}
