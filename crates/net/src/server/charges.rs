//! What one connection's requests use of its listener's budget.

use std::sync::Arc;

use crate::budget::MemoryBudget;

/// What the connection's requests use of the listener's budget. Gives everything back when dropped.
pub(super) struct Charges {
    budget: Arc<MemoryBudget>,
    /// The frame that is being read.
    admitted_bytes: Option<usize>,
    /// Frames whose reply is outstanding.
    pub(super) in_flight_bytes: usize,
}

impl Charges {
    pub(super) fn new(budget: Arc<MemoryBudget>) -> Self {
        Self {
            budget,
            admitted_bytes: None,
            in_flight_bytes: 0,
        }
    }

    /// Admits the frame that is being read; once is enough.
    pub(super) fn try_admit(&mut self, bytes: usize) -> bool {
        if self.admitted_bytes.is_none() && self.budget.try_charge(bytes) {
            self.admitted_bytes = Some(bytes);
        }
        self.admitted_bytes.is_some()
    }

    /// The frame was read and is now in flight. Returns what it holds.
    pub(super) fn dispatched(&mut self) -> usize {
        let bytes = self.admitted_bytes.take().unwrap_or(0);
        self.in_flight_bytes += bytes;
        bytes
    }

    /// A request in flight was answered.
    pub(super) fn release(&mut self, bytes: usize) {
        self.in_flight_bytes -= bytes;
        self.budget.release(bytes);
    }
}

impl Drop for Charges {
    fn drop(&mut self) {
        let admitted_bytes = self.admitted_bytes.take().unwrap_or(0);
        self.budget.release(self.in_flight_bytes + admitted_bytes);
    }
}
