//! A budget of record bytes in responses that are not yet sent.
//!
//! Slow readers cannot fill the memory: what they have not taken counts, and while the budget is used up
//! every response gets one batch at most.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use protocol::RecordSet;

/// Fewer bytes than this are not worth counting.
const SMALLEST_BYTES: usize = 16 * 1024;

/// The budget of one broker. Shared by all connections.
#[derive(Debug)]
pub(crate) struct ResponseBudget {
    limit_bytes: usize,
    used_bytes: AtomicUsize,
}

impl ResponseBudget {
    pub(crate) fn new(limit_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            limit_bytes,
            used_bytes: AtomicUsize::new(0),
        })
    }

    /// What is left.
    pub(crate) fn left_bytes(&self) -> usize {
        self.limit_bytes
            .saturating_sub(self.used_bytes.load(Ordering::Relaxed))
    }

    /// Counts the records until their last reference is gone.
    pub(crate) fn charge(self: &Arc<Self>, records: Bytes) -> RecordSet {
        if records.len() < SMALLEST_BYTES {
            return records.into();
        }
        self.used_bytes.fetch_add(records.len(), Ordering::Relaxed);
        let charged = Charged {
            records,
            budget: Arc::clone(self),
        };
        Bytes::from_owner(charged).into()
    }
}

/// Records with their place in the budget.
struct Charged {
    records: Bytes,
    budget: Arc<ResponseBudget>,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.records
    }
}

impl Drop for Charged {
    fn drop(&mut self) {
        self.budget
            .used_bytes
            .fetch_sub(self.records.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_count_until_the_last_reference_is_gone() {
        let budget = ResponseBudget::new(100_000);
        let records = budget.charge(Bytes::from(vec![0; 60_000]));
        let slice = records.to_bytes().slice(1..2);
        assert_eq!(budget.left_bytes(), 40_000);
        drop(records);
        assert_eq!(budget.left_bytes(), 40_000);
        drop(slice);
        assert_eq!(budget.left_bytes(), 100_000);
    }

    #[test]
    fn a_spent_budget_leaves_nothing() {
        let budget = ResponseBudget::new(10);
        let _records = budget.charge(Bytes::from(vec![0; 60_000]));
        assert_eq!(budget.left_bytes(), 0);
    }
}
