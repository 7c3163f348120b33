//! The metadata tail, as a broker reads it.

use metadata::{MetadataImage, content_hash, replay};
use rpc::{MetadataTail, TailEvent};
use tokio::time::timeout;
use types::NodeId;

use super::harness::{PATIENCE, Single, create_topic, join};

/// A broker's image, built from the tail alone. Replay itself refuses gaps backwards; gaps forwards
/// are asserted here.
struct Observer {
    tail: MetadataTail,
    image: MetadataImage,
    snapshots: usize,
}

impl Observer {
    fn new(single: &Single) -> Self {
        Self {
            tail: single.client.tail(0, NodeId(1)),
            image: MetadataImage::empty(),
            snapshots: 0,
        }
    }

    async fn read_until(&mut self, offset: i64) {
        while self.image.offset() < offset {
            let event = timeout(PATIENCE, self.tail.next()).await;
            match event.expect("in time").expect("sound records") {
                TailEvent::Snapshot { offset, records } => {
                    self.snapshots += 1;
                    let replayed = replay(&MetadataImage::empty(), offset, &records);
                    self.image = replayed.expect("a sound snapshot").0;
                }
                TailEvent::Entry { offset, records } => {
                    assert_eq!(offset, self.image.offset() + 1, "no gaps");
                    self.image = replay(&self.image, offset, &records).expect("sound").0;
                }
                TailEvent::HighWatermark(high_watermark) => {
                    assert!(high_watermark >= self.image.offset());
                }
            }
        }
    }

    async fn agrees_with(&mut self, single: &Single) {
        let image = single.controller.image();
        self.read_until(image.offset()).await;
        assert_eq!(content_hash(&self.image), content_hash(&image));
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_follows_without_gaps_across_a_snapshot() {
    let single = Single::start().await;
    let _session = join(&single.client, 1).await;
    let mut early = Observer::new(&single);
    for i in 0..5 {
        create_topic(&single.client, &format!("before-{i}")).await;
        early.agrees_with(&single).await;
    }
    timeout(PATIENCE, single.controller.make_snapshot())
        .await
        .expect("in time");
    let mut late = Observer::new(&single);
    for i in 0..5 {
        create_topic(&single.client, &format!("after-{i}")).await;
        early.agrees_with(&single).await;
        late.agrees_with(&single).await;
    }
    assert_eq!((early.snapshots, late.snapshots), (0, 1));
    single.controller.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_has_everything_hears_the_high_watermark() {
    let single = Single::start().await;
    let _session = join(&single.client, 1).await;
    let last = single.controller.image().offset();
    let mut tail = single.client.tail(last + 1, NodeId(1));
    for _ in 0..3 {
        let event = timeout(PATIENCE, tail.next()).await.expect("in time");
        assert_eq!(event.expect("sound"), TailEvent::HighWatermark(last));
    }
    single.controller.shutdown().await;
}
