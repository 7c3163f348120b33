//! Packing a frame.

use rpc::replication::{Lane, LeaderFrame, ToFollower};
use tokio::time::Instant;

use super::{Conversation, non_empty};
use crate::partition::{Carried, Take};

/// Record bytes in one frame, but for a last batch that is larger.
pub(super) const FRAME_BYTES: usize = 1 << 20;
/// Messages in one frame: of each kind, so that it stays well below what the other side takes.
const FRAME_ITEMS: usize = 4096;
/// Record bytes under way to the follower, not taken off the stream by it.
const WINDOW_BYTES: u64 = 16 << 20;

impl Conversation {
    /// Whether there is something to send now.
    pub(super) fn has_frame(&self, now: Instant) -> bool {
        let sends_data = self.link.lane == Lane::Live && self.has_window();
        !self.control.is_empty()
            || (sends_data && !self.data.is_empty())
            || self.idle_due.is_some_and(|due| due <= now)
    }

    pub(super) fn has_window(&self) -> bool {
        self.sent_bytes.saturating_sub(self.consumed_bytes) < WINDOW_BYTES
    }

    /// The next frame, of what is ready now.
    pub(super) fn pack(&mut self, now: Instant) -> Option<LeaderFrame> {
        let mut frame = LeaderFrame::default();
        let control = self.control.len().min(FRAME_ITEMS);
        frame.items.extend(self.control.drain(..control));
        if !self.control.is_empty() {
            // Records must not overtake what announces them.
            return non_empty(frame);
        }
        if self.link.lane == Lane::Live {
            self.pack_records(&mut frame);
        }
        let has_records = !frame.items.is_empty();
        if self.idle_due.is_some_and(|due| due <= now) || has_records {
            self.pack_offsets(&mut frame);
        }
        if has_records {
            self.expect_offsets();
        }
        non_empty(frame)
    }

    fn pack_records(&mut self, frame: &mut LeaderFrame) {
        let mut len = 0;
        while len < FRAME_BYTES && frame.items.len() < FRAME_ITEMS && self.has_window() {
            let Some(handle) = self.data.pop_front() else {
                return;
            };
            let Some(carriage) = self.carriages.get_mut(&handle) else {
                continue;
            };
            carriage.is_queued = false;
            match carriage.partition.take(carriage.session, FRAME_BYTES - len) {
                Take::Append {
                    base_offset,
                    pieces,
                    len: taken,
                    carried,
                    has_more,
                    ..
                } => {
                    frame
                        .items
                        .push(append(handle, base_offset, carried, pieces));
                    len += taken;
                    self.sent_bytes += taken as u64;
                    if has_more {
                        self.queue(handle);
                    }
                }
                Take::Read {
                    reader,
                    from,
                    horizon,
                } => {
                    let Some(item) = self.read_cached(handle, &reader, from, horizon) else {
                        continue;
                    };
                    len += item.record_bytes();
                    frame.items.push(item);
                }
                Take::HighWatermark(carried) => frame.items.push(offsets(handle, carried)),
                Take::Nothing => {}
                Take::Gone => drop(self.close(handle)),
            }
        }
    }

    /// Offsets that moved and that nothing else carried.
    fn pack_offsets(&mut self, frame: &mut LeaderFrame) {
        let count = self.idle.len().min(FRAME_ITEMS);
        let some: Vec<u32> = self.idle.drain(..count).collect();
        // Whoever did not fit is due at once.
        self.idle_due = self.idle_due.filter(|_| !self.idle.is_empty());
        for handle in some {
            let Some(carriage) = self.carriages.get(&handle) else {
                continue;
            };
            if let Some(carried) = carriage.partition.take_offsets(carriage.session) {
                frame.items.push(offsets(handle, carried));
            }
        }
    }
}

pub(super) fn append(
    handle: u32,
    base_offset: types::Offset,
    carried: Carried,
    batches: Vec<bytes::Bytes>,
) -> ToFollower {
    ToFollower::Append {
        handle,
        base_offset,
        high_watermark: carried.high_watermark,
        log_start_offset: carried.log_start_offset,
        batches,
    }
}

fn offsets(handle: u32, carried: Carried) -> ToFollower {
    ToFollower::HighWatermark {
        handle,
        high_watermark: carried.high_watermark,
        log_start_offset: carried.log_start_offset,
    }
}
