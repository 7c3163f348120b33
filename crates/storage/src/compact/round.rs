//! One round over one log: the keys, then group by group.

use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use parking_lot::Mutex;
use protocol::records::{Batch, BatchHeader, RecordFilter, empty_batch};
use types::{Offset, ProducerId, TimestampMs};

use super::batches::Batches;
use super::cleaned::Cleaned;
use super::group::group;
use super::key_map::KeyMap;
use super::rules::{self, Round, Verdict};
use super::{CleanOptions, CleanReport, Pace, Stopped};
use crate::disk::is_short_of_resources;
use crate::files::SMALL_FILE_BYTES_MAX;
use crate::files::names::Kind;
use crate::log::{CleaningView, Group};
use crate::segment::Segment;
use crate::{Error, Log};

/// The least that is read and written at once.
const IO_BUFFER_BYTES_MIN: usize = 4096;

pub(super) fn run(
    log: &Mutex<Log>,
    view: &CleaningView,
    now_ms: TimestampMs,
    options: &CleanOptions,
    pace: &mut Pace<'_>,
) -> Result<Option<CleanReport>, Stopped> {
    let bound = view.upper_bound(now_ms).map_err(|e| judge(view, e))?;
    if bound <= view.first_dirty_offset {
        return Ok(None);
    }
    let mut worker = Worker {
        log,
        view,
        io_buffer_bytes: options.io_buffer_bytes.max(IO_BUFFER_BYTES_MIN),
        filter: RecordFilter::new(options.decompressed_bytes_max),
        report: CleanReport {
            first_dirty_offset: view.first_dirty_offset,
            ..CleanReport::default()
        },
    };
    let round = worker.collect_keys(bound, now_ms, options, pace)?;
    worker.report.clean_offset = round.end_offset;
    let sealed = view.sealed();
    let cleaned = sealed.take_while(|(segment, _)| segment.base_offset() < round.end_offset);
    for group in group(cleaned, &view.config) {
        worker.clean_group(&group, &round, pace)?;
    }
    Ok(Some(worker.report))
}

/// Files of segments that are gone are no damage.
fn judge(view: &CleaningView, error: Error) -> Stopped {
    if view.segments.iter().any(|segment| segment.is_changed()) {
        return Stopped::Changed;
    }
    error.into()
}

struct Worker<'a> {
    log: &'a Mutex<Log>,
    view: &'a CleaningView,
    io_buffer_bytes: usize,
    filter: RecordFilter,
    report: CleanReport,
}

impl Worker<'_> {
    /// The last offset of each key of the dirty segments below `bound`, as far as there is room.
    fn collect_keys(
        &mut self,
        bound: Offset,
        now_ms: TimestampMs,
        options: &CleanOptions,
        pace: &mut Pace<'_>,
    ) -> Result<Round, Stopped> {
        let first = self.view.first_dirty_offset;
        let dirty = self.view.sealed();
        let dirty: Vec<_> = dirty
            .filter(|(_, end)| *end > first && *end <= bound)
            .map(|(segment, _)| Arc::clone(segment))
            .collect();
        let count = self.count_records(&dirty, options)?;
        let mut round = Round {
            keys: KeyMap::new(count, options.dedupe_buffer_bytes, options.load_factor),
            end_offset: bound,
            now_ms,
            delete_retention_ms: self.view.config.delete_retention_ms,
        };
        for segment in &dirty {
            if let Some(end) = self.collect_segment(segment, &mut round.keys, pace)? {
                round.end_offset = end;
                break;
            }
        }
        self.report.key_count = round.keys.len() as u64;
        Ok(round)
    }

    /// How many keys there can be at most, by the headers; no further than there is room anyway.
    fn count_records(
        &self,
        dirty: &[Arc<Segment>],
        options: &CleanOptions,
    ) -> Result<u64, Stopped> {
        let enough = options.dedupe_buffer_bytes / super::key_map::ENTRY_BYTES as u64;
        let mut count = 0u64;
        for segment in dirty {
            let failed = |stop| judge(self.view, segment.corrupt(stop));
            let scan = segment.scan(0, segment.base_offset());
            let mut scan = scan.map_err(|e| failed(e.into()))?;
            while let Some(scanned) = scan.next().map_err(failed)? {
                if indexes_keys(&scanned.header) {
                    count += u64::try_from(scanned.header.record_count).unwrap_or(0);
                }
                if count >= enough {
                    return Ok(count);
                }
            }
        }
        Ok(count)
    }

    /// Returns where it stopped (exclusive) if the map is full.
    fn collect_segment(
        &mut self,
        segment: &Arc<Segment>,
        keys: &mut KeyMap,
        pace: &mut Pace<'_>,
    ) -> Result<Option<Offset>, Stopped> {
        let first = self.view.first_dirty_offset;
        let base = segment.base_offset();
        let mut batches = Batches::new(segment, 0, base, self.io_buffer_bytes)?;
        while let Some(batch) = batches.next(pace)? {
            self.report.read_bytes += batch.bytes.len() as u64;
            if !indexes_keys(&batch.header) || batch.header.last_offset() < first {
                continue;
            }
            let mut full_at = None;
            let read = self.filter.for_each(&batch, |record| {
                let Some(key) = record.key.filter(|_| record.offset >= first) else {
                    return ControlFlow::Continue(());
                };
                if keys.put(key, record.offset).is_ok() {
                    return ControlFlow::Continue(());
                }
                full_at = Some(record.offset);
                ControlFlow::Break(())
            });
            read.map_err(|e| bad(&batches, &batch, &e.to_string()))?;
            if full_at.is_some() {
                return Ok(full_at);
            }
        }
        Ok(None)
    }

    fn clean_group(
        &mut self,
        group: &Group,
        round: &Round,
        pace: &mut Pace<'_>,
    ) -> Result<(), Stopped> {
        let result = self.try_group(group, round, pace);
        if result.is_err() {
            self.log.lock().discard_cleaned(group.base_offset());
        }
        result
    }

    fn try_group(
        &mut self,
        group: &Group,
        round: &Round,
        pace: &mut Pace<'_>,
    ) -> Result<(), Stopped> {
        let transactions = read_transactions(group)?;
        let mut task = Task {
            has_transactions: !transactions.is_empty(),
            last_offsets: self.log.lock().last_offsets_of_producers(),
            cleaned: Cleaned::new(group, &self.view.config, self.io_buffer_bytes),
            group,
            round,
        };
        if !task.cleaned.is_unchanged() {
            self.change(&mut task, pace)?;
        }
        let last = group.segments.iter().rposition(|s| !s.is_empty());
        for (i, segment) in group.segments.iter().enumerate() {
            let base = segment.base_offset();
            let mut batches = Batches::new(segment, 0, base, self.io_buffer_bytes)?;
            while let Some(batch) = batches.next(pace)? {
                self.report.read_bytes += batch.bytes.len() as u64;
                let is_last = Some(i) == last && batches.position() >= segment.size_bytes();
                let cleaned = self.clean_batch(&mut task, &batches, &batch, is_last, pace);
                cleaned?;
            }
        }
        let before: u64 = group.segments.iter().map(|s| s.size_bytes()).sum();
        self.report.before_bytes += before;
        self.report.after_bytes += task.cleaned.size_bytes();
        if task.cleaned.is_unchanged() {
            return Ok(());
        }
        self.swap(task, &transactions, pace)
    }

    fn clean_batch(
        &mut self,
        task: &mut Task<'_>,
        batches: &Batches,
        batch: &Batch,
        is_last: bool,
        pace: &mut Pace<'_>,
    ) -> Result<(), Stopped> {
        let (header, round) = (&batch.header, task.round);
        if round.verdict(header) == Verdict::Keep {
            return task.cleaned.put(header, &batch.bytes, pace);
        }
        let (mut keyless_count, mut has_waiting) = (0, false);
        let sifted = self.filter.sift(batch, |record| {
            let keeps = round.keeps(header, &record);
            has_waiting |= keeps && round.waits(header, &record);
            keyless_count += u64::from(!keeps && record.key.is_none());
            keeps
        });
        let sifted = sifted.map_err(|e| bad(batches, batch, &e.to_string()))?;
        self.report.dropped_count += u64::from(sifted.dropped_count);
        self.report.keyless_count += keyless_count;
        let horizon = round.new_horizon(header).filter(|_| has_waiting);
        let stays_empty = is_last || rules::is_last_of_producer(header, &task.last_offsets);
        if sifted.dropped_count == 0 && horizon.is_none() && (sifted.kept_count > 0 || stays_empty)
        {
            return task.cleaned.put(header, &batch.bytes, pace);
        }
        self.change(task, pace)?;
        if sifted.kept_count > 0 {
            let rewritten = self.filter.rewrite(batch, horizon);
            let (header, bytes) = rewritten.map_err(|e| bad(batches, batch, &e.to_string()))?;
            return task.cleaned.put(&header, bytes, pace);
        }
        if stays_empty {
            let (header, bytes) = empty_batch(header);
            return task.cleaned.put(&header, &bytes, pace);
        }
        Ok(())
    }

    /// From here on the group's bytes are written.
    fn change(&self, task: &mut Task<'_>, pace: &mut Pace<'_>) -> Result<(), Stopped> {
        if task.cleaned.files().is_some() {
            return Ok(());
        }
        let base = task.group.base_offset();
        let files = self.log.lock().create_cleaned(base, task.has_transactions);
        task.cleaned.change(files.map_err(gone_if_offline)?, pace)
    }

    fn swap(
        &self,
        mut task: Task<'_>,
        transactions: &[u8],
        pace: &mut Pace<'_>,
    ) -> Result<(), Stopped> {
        let (group, has_transactions) = (task.group, task.has_transactions);
        let Some(newest) = group.segments.last() else {
            return Ok(());
        };
        let synced = task
            .cleaned
            .finish(transactions, newest.modified_ms(), pace)?;
        synced.map_err(|e| self.on_failed_sync(newest, e))?;
        let committed = self.log.lock().commit_cleaned(group, has_transactions);
        if !committed.map_err(gone_if_offline)? {
            return Err(Stopped::Changed);
        }
        let synced = newest.disk().sync_dir(newest.dir());
        synced.map_err(|e| self.on_failed_sync(newest, e))?;
        let segment = task.cleaned.into_segment(group, newest);
        let mut log = self.log.lock();
        let is_swapped = log.finish_swap(group, segment, task.round.now_ms);
        let is_swapped = is_swapped.map_err(gone_if_offline)?;
        is_swapped.then_some(()).ok_or(Stopped::Changed)
    }

    /// A failed fsync is never tried again, unless the file could not even be opened.
    fn on_failed_sync(&self, segment: &Segment, error: io::Error) -> Stopped {
        let log = self.log.lock();
        if log.is_offline() {
            return Stopped::Changed;
        }
        if is_short_of_resources(&error) {
            return Error::io(segment.dir(), error).into();
        }
        let reason = format!("fsync of a compacted segment failed: {error}");
        log.dir_state().fail(reason).into()
    }
}

/// A group being written.
struct Task<'a> {
    group: &'a Group,
    round: &'a Round,
    has_transactions: bool,
    last_offsets: HashMap<ProducerId, Offset>,
    cleaned: Cleaned,
}

/// Whether the records of the batch replace earlier ones.
fn indexes_keys(header: &BatchHeader) -> bool {
    !header.is_control() && !header.is_transactional()
}

/// What is wrong with a batch that was just read.
fn bad(batches: &Batches, batch: &Batch, reason: &str) -> Stopped {
    let position = batches.position() - batch.bytes.len() as u64;
    batches.bad_at(position, batch.header.base_offset, reason)
}

/// A log that is closed or deleted meanwhile, or has failed and said so, is not this round's business.
fn gone_if_offline(error: Error) -> Stopped {
    if error.is_offline() {
        return Stopped::Changed;
    }
    error.into()
}

/// The aborted transactions of all segments of the group, as Kafka's index has them.
fn read_transactions(group: &Group) -> Result<Vec<u8>, Stopped> {
    let mut all = Vec::new();
    for segment in &group.segments {
        let path = segment.path(Kind::TransactionIndex);
        match segment.disk().read(&path, SMALL_FILE_BYTES_MAX) {
            Ok(bytes) => all.extend(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io(&path, error).into()),
        }
    }
    Ok(all)
}
