//! What the broker writes itself, and who looks on.

use parking_lot::Mutex;

use super::*;
use crate::partition::{AppendFailure, MayNot, Observer};

/// Remembers what it was told.
#[derive(Debug, Default)]
struct Diary(Mutex<Vec<Option<Offset>>>);

impl Diary {
    fn read(&self) -> Vec<Option<Offset>> {
        std::mem::take(&mut *self.0.lock())
    }
}

impl Observer for Diary {
    fn on_high_watermark(&self, high_watermark: Offset) {
        self.0.lock().push(Some(high_watermark));
    }

    fn on_resigned(&self) {
        self.0.lock().push(None);
    }
}

fn own_batch() -> protocol::records::Batch {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.append(NOW_MS, Some(b"k"), None, &[]).expect("fits");
    builder.build().expect("built")
}

#[test]
fn an_observer_hears_of_every_high_watermark_until_the_epoch_is_over() {
    let mut oracle = Oracle::new();
    let diary = Arc::new(Diary::default());
    let partition = &oracle.partition;
    let observed = partition.observe(LeaderEpoch(0), Arc::clone(&diary) as _);
    assert_eq!(observed.expect("leads").log_end_offset, 0);
    partition
        .observe(LeaderEpoch(1), Arc::clone(&diary) as _)
        .expect_err("another epoch");

    let appended = partition.append_own(own_batch(), LeaderEpoch(0));
    assert_eq!(appended.expect("appended").end_offset, 1);
    assert_eq!(diary.read(), [], "the followers have not written it");
    for follower in [2, 3] {
        let acked = partition.on_follower_ack(NodeId(follower), LeaderEpoch(0), 1);
        acked.expect("counts");
    }
    assert_eq!(diary.read(), [Some(1)]);
    oracle.elect();
    assert_eq!(diary.read(), [None]);
    oracle.produce(10);
    oracle.elect();
    assert_eq!(diary.read(), []);
}

#[test]
fn own_batches_are_of_one_epoch_and_for_enough_replicas() {
    let mut oracle = Oracle::new();
    oracle.elect();
    let partition = &oracle.partition;
    assert_eq!(partition.led_epoch(), Some(LeaderEpoch(1)));
    let failure = partition.append_own(own_batch(), LeaderEpoch(0));
    assert!(matches!(failure, Err(AppendFailure::NotLeader)));
    assert_eq!(partition.may_append(LeaderEpoch(0)), Err(MayNot::NotLeader));
    assert_eq!(partition.may_append(LeaderEpoch(1)), Ok(()));
    partition.set_min_isr(4);
    assert_eq!(
        partition.may_append(LeaderEpoch(1)),
        Err(MayNot::TooFewInSync)
    );
    let failure = partition.append_own(own_batch(), LeaderEpoch(1));
    assert!(matches!(failure, Err(AppendFailure::TooFewInSync)));
    partition.retire();
    assert_eq!(partition.led_epoch(), None);
    assert_eq!(partition.may_append(LeaderEpoch(1)), Err(MayNot::NotLeader));
}
