//! Records that are not in memory: from the page cache for a replica that is near, from the disk, on
//! the lane of their own, for one that is far behind.

use rpc::replication::{Lane, ToFollower};
use storage::{LogReader, ReadError, ReadResult};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::warn;
use types::Offset;

use super::frame::{FRAME_BYTES, append};
use super::hear::AFTER_STORAGE;
use super::{Conversation, hear::AFTER_MISFIT};
use crate::partition::Take;

/// A read on its way.
#[derive(Debug)]
pub(super) struct Reading {
    handle: u32,
    from: Offset,
    /// Where the log ended when the read began.
    log_end_offset: Offset,
    result: oneshot::Receiver<Result<ReadResult, ReadError>>,
}

/// What a read brought.
#[derive(Debug)]
pub(super) struct Read {
    handle: u32,
    from: Offset,
    log_end_offset: Offset,
    /// `None` if the reader's thread gave up.
    result: Option<Result<ReadResult, ReadError>>,
}

/// The end of the read on its way; pending without one.
///
/// # Cancel safety
/// Cancel-safe.
pub(super) async fn read_result(reading: &mut Option<Reading>) -> Read {
    let Some(under_way) = reading else {
        return std::future::pending().await;
    };
    let result = (&mut under_way.result).await.ok();
    let read = Read {
        handle: under_way.handle,
        from: under_way.from,
        log_end_offset: under_way.log_end_offset,
        result,
    };
    *reading = None;
    read
}

impl Conversation {
    /// On the live lane: records that were appended a short while ago. A replica for which the page
    /// cache does not do goes to the other lane.
    pub(super) fn read_cached(
        &mut self,
        handle: u32,
        reader: &LogReader,
        from: Offset,
        horizon: Offset,
    ) -> Option<ToFollower> {
        match reader.try_read_cached(from, FRAME_BYTES, reader.log_end_offset(), true) {
            Ok(read) if !read.bytes.is_empty() && read.next_offset >= horizon => {
                self.append_read(handle, from, read)
            }
            Ok(_) | Err(ReadError::WouldBlock) => {
                self.hand_over(handle);
                None
            }
            Err(error) => {
                self.on_unreadable(handle, &error);
                None
            }
        }
    }

    /// On the lane for it: reads for the partition whose turn it is, if none is being read for.
    pub(super) fn start_reading(&mut self) {
        if self.link.lane != Lane::CatchUp {
            return;
        }
        self.throttled_until = None;
        for _ in 0..self.data.len() {
            let is_busy = self.reading.is_some() || !self.control.is_empty();
            if is_busy || !self.has_window() {
                return;
            }
            let Some(handle) = self.data.pop_front() else {
                return;
            };
            let Some(carriage) = self.carriages.get_mut(&handle) else {
                continue;
            };
            let throttle = &self.core.replication.leader_throttle;
            if let Some(pause) = throttle.pause(&self.core, carriage.partition.topic_partition()) {
                self.throttled_until = Some(Instant::now() + pause);
                self.data.push_back(handle);
                continue;
            }
            carriage.is_queued = false;
            match carriage.partition.take(carriage.session, FRAME_BYTES) {
                Take::Append {
                    base_offset,
                    end_offset,
                    pieces,
                    len,
                    carried,
                    has_more,
                } => {
                    self.sent_bytes += len as u64;
                    self.control
                        .push_back(append(handle, base_offset, carried, pieces));
                    if has_more {
                        self.queue(handle);
                    } else {
                        self.leave_at(handle, end_offset);
                    }
                }
                Take::Read { reader, from, .. } => self.read_on_worker(handle, reader, from),
                // It has everything: the other lane is for such as it.
                Take::HighWatermark(_) | Take::Nothing => self.hand_over(handle),
                Take::Gone => drop(self.close(handle)),
            }
        }
    }

    fn read_on_worker(&mut self, handle: u32, reader: LogReader, from: Offset) {
        let log_end_offset = reader.log_end_offset();
        let read = move || reader.read(from, FRAME_BYTES, log_end_offset, true);
        match self.core.workers.run(read) {
            Ok(result) => {
                self.reading = Some(Reading {
                    handle,
                    from,
                    log_end_offset,
                    result,
                });
            }
            Err(_busy) => self.close_and_open_again(handle, AFTER_MISFIT),
        }
    }

    pub(super) fn on_read(&mut self, read: Read) {
        let handle = read.handle;
        let result = match read.result {
            Some(Ok(result)) if !result.bytes.is_empty() => result,
            Some(Err(error)) => return self.on_unreadable(handle, &error),
            Some(Ok(_)) | None => return self.close_and_open_again(handle, AFTER_MISFIT),
        };
        let end = result.next_offset;
        let is_at_end = end >= read.log_end_offset;
        let Some(item) = self.append_read(handle, read.from, result) else {
            return;
        };
        self.control.push_back(item);
        if is_at_end {
            self.leave_at(handle, end);
        } else {
            self.queue(handle);
        }
    }

    /// What the follower gets is near the log's end: once it has it, the live lane goes on.
    fn leave_at(&mut self, handle: u32, end: Offset) {
        if let Some(carriage) = self.carriages.get_mut(&handle) {
            carriage.leaves_at = Some(end);
        }
    }

    fn append_read(&mut self, handle: u32, from: Offset, read: ReadResult) -> Option<ToFollower> {
        let carriage = self.carriages.get(&handle)?;
        let (partition, session) = (&carriage.partition, carriage.session);
        let Some(sent) = partition.on_read(session, from, read.next_offset) else {
            self.close(handle);
            return None;
        };
        self.sent_bytes += read.bytes.len() as u64;
        if self.link.lane == Lane::CatchUp {
            let throttle = &self.core.replication.leader_throttle;
            throttle.spend(&self.core, partition.topic_partition(), read.bytes.len());
        }
        if sent.has_more && self.link.lane == Lane::Live {
            self.queue(handle);
        }
        Some(append(handle, from, sent.carried, vec![read.bytes]))
    }

    fn on_unreadable(&mut self, handle: u32, error: &ReadError) {
        let pause = match error {
            // Retention or a deletion of records went past: the handshake finds out where to begin.
            ReadError::OffsetOutOfRange { .. } | ReadError::Changed | ReadError::WouldBlock => {
                AFTER_MISFIT
            }
            ReadError::Storage(error) => {
                if let Some(carriage) = self.carriages.get(&handle) {
                    let partition = carriage.partition.topic_partition();
                    warn!(%partition, %error, "records cannot be read for a follower");
                }
                AFTER_STORAGE
            }
        };
        self.close_and_open_again(handle, pause);
    }
}
