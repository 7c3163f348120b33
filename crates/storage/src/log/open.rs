//! Opening a log: which segments, how far they go, and the caches that belong to them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use types::{Offset, TopicId};

use super::cleaning::Cleaning;
use super::listing::{Listed, Listing, check_topic_id};
use super::recovery::{self, Rules, Walked};
use super::{
    Active, EPOCHS_FILE, LOWERED_RECOVERY_POINT_FILE, Log, LogDeps, OpenOptions, RecoveryReport,
    Shutdown, Syncing, Unsynced,
};
use crate::Error;
use crate::dir_state::DirState;
use crate::disk::{Disk, is_short_of_resources};
use crate::epochs::Epochs;
use crate::files::names::{self, Kind};
use crate::files::{SMALL_FILE_BYTES_MAX, checkpoint};
use crate::producers::Producers;
use crate::segment::{Indexes, Segment};

impl Log {
    /// Opens a log, creating its folder if there is none: durable with the first records that are. After
    /// anything but [`Shutdown::Clean`] scans from the recovery point on, cuts a torn tail and reports it.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if bytes below the recovery point or in a sealed segment are damaged;
    /// nothing is changed then.
    pub fn open(options: OpenOptions, deps: LogDeps) -> Result<(Self, RecoveryReport), Error> {
        let dir_state = DirState::new(options.dir.parent().unwrap_or(&options.dir));
        Self::open_in(options, deps, dir_state)
    }

    pub(crate) fn open_in(
        options: OpenOptions,
        deps: LogDeps,
        dir_state: DirState,
    ) -> Result<(Self, RecoveryReport), Error> {
        let disk = Arc::clone(&deps.disk);
        let is_new = create_dir(&disk, &options.dir)?;
        let topic_id = check_topic_id(&disk, &options.dir, options.topic_id)?;
        let dir: Arc<Path> = options.dir.as_path().into();
        let (lowered, listing) = if is_new {
            (None, Listing::default())
        } else {
            let lowered = read_lowered_recovery_point(&disk, &dir)?;
            (lowered, Listing::read(&disk, &dir)?)
        };
        let shutdown = options.shutdown;
        let offset_max = lowered.unwrap_or(Offset::MAX);
        let mut log = Self {
            log_start_offset: options.log_start_offset.min(offset_max).max(0),
            recovery_point: options.recovery_point.min(offset_max).max(0),
            topic_id,
            snapshots: listing.snapshots.clone(),
            is_recovery_point_lowered: lowered.is_some(),
            clean_offset_max: offset_max,
            ..Self::blank(options, deps, dir_state)
        };
        if shutdown != Shutdown::Clean {
            // The last process may have left names and epochs that only the page cache knows.
            log.unsynced.names = !is_new;
            log.unsynced.epochs = listing.has_epochs;
        }
        let mut report = RecoveryReport::default();
        let walked = log.open_segments(&listing, shutdown, &mut report)?;
        if is_new || shutdown != Shutdown::Clean || log.log_end_offset == 0 {
            log.unsynced.folder = Some(log.dir_state.note_folder());
        }
        if is_new {
            log.unsynced.names = false;
        }
        log.open_epochs(&listing, &walked)?;
        log.load_producers()?;
        log.remove_surplus_snapshots();
        if lowered.is_some() && shutdown == Shutdown::Unclean {
            log.finish_truncation()?;
        }
        // Most logs stay idle; the others open their files again at the first append or read.
        log.close_files();
        if log.has_chores() {
            log.note_chores();
        }
        Ok((log, report))
    }

    /// Without segments, not yet usable.
    pub(super) fn blank(options: OpenOptions, deps: LogDeps, dir_state: DirState) -> Self {
        let created_ms = deps.clock.wall_ms();
        Self {
            dir: options.dir.into(),
            dir_state,
            topic_partition: options.topic_partition,
            topic_id: options.topic_id,
            config: options.config,
            segments: Arc::new([]),
            active: Active {
                created_ms,
                ..Active::default()
            },
            log_start_offset: 0,
            log_end_offset: 0,
            recovery_point: 0,
            epochs: Epochs::default(),
            producers: Producers::default(),
            snapshots: BTreeSet::new(),
            unsynced: Unsynced::default(),
            syncing: Syncing::default(),
            is_noted: false,
            is_unborn: false,
            is_epochs_file_due: false,
            truncation_count: 0,
            removals: Vec::new(),
            is_recovery_point_lowered: false,
            offline: None,
            is_retired: Arc::default(),
            cleaning: Cleaning::default(),
            clean_offset_max: Offset::MAX,
            deps,
        }
    }

    /// Writes down whose the log is, if nobody knows and it is empty: the machine went down before its
    /// folder was synced.
    pub(crate) fn take_topic_id(&mut self, topic_id: TopicId) -> Result<(), Error> {
        if self.topic_id.is_none() && self.log_end_offset == 0 {
            self.topic_id = check_topic_id(&self.deps.disk, &self.dir, Some(topic_id))?;
        }
        Ok(())
    }

    /// A truncation may have been killed between its cut and its fsync: what it took must not come
    /// back with a power cut.
    fn finish_truncation(&mut self) -> Result<(), Error> {
        self.active_segment().sync()?;
        self.sync_names()
    }

    /// Finds the segments and the log end. Returns what was learnt of epochs on the way.
    fn open_segments(
        &mut self,
        listing: &Listing,
        shutdown: Shutdown,
        report: &mut RecoveryReport,
    ) -> Result<EpochsSeen, Error> {
        let mut listed: Vec<_> = listing
            .segments
            .iter()
            .map(|(base, l)| (*base, *l))
            .collect();
        self.drop_below_log_start(&mut listed)?;
        let mut seen = EpochsSeen::default();
        let mut segments = Vec::new();
        for (i, (base, segment)) in listed.iter().enumerate() {
            let next_base = listed.get(i + 1).map(|(next, _)| *next);
            if next_base.is_some_and(|next| self.is_trusted(next, shutdown)) {
                segments.push(self.open_trusted(*base, segment, report)?);
                continue;
            }
            let walked = self.walk(*base, segment, next_base, shutdown, report)?;
            seen.note(&walked);
            self.log_end_offset = walked.next_offset;
            self.active.builder = walked.builder;
            let segment = Arc::new(walked.segment);
            if shutdown != Shutdown::Clean {
                self.unsynced.sealed.push(Arc::clone(&segment));
            }
            segments.push(segment);
            if walked.is_cut {
                self.remove_after_cut(listed.get(i + 1..).unwrap_or_default(), report)?;
                break;
            }
        }
        self.segments = segments.into();
        let may_be_lost = shutdown == Shutdown::PowerLoss || report.cut_bytes > 0;
        self.finish_segments(may_be_lost)?;
        Ok(seen)
    }

    /// Whether a sealed segment that ends at `end` need not be read.
    fn is_trusted(&self, end: Offset, shutdown: Shutdown) -> bool {
        shutdown == Shutdown::Clean || end <= self.recovery_point
    }

    /// Segments that the log start offset has passed were about to be deleted. One beyond the last
    /// segment's base is not believed before the log end is known.
    fn drop_below_log_start(&mut self, listed: &mut Vec<(Offset, Listed)>) -> Result<(), Error> {
        if listed
            .last()
            .is_none_or(|(base, _)| *base < self.log_start_offset)
        {
            return Ok(());
        }
        let first = listed.partition_point(|(base, _)| *base <= self.log_start_offset);
        for (base, _) in listed.drain(..first.saturating_sub(1)) {
            self.remove_segment_files(base)?;
        }
        Ok(())
    }

    fn open_trusted(
        &self,
        base: Offset,
        listed: &Listed,
        report: &mut RecoveryReport,
    ) -> Result<Arc<Segment>, Error> {
        let offsets = listed.offset_index_bytes.unwrap_or(0) / 8;
        let times = listed.time_index_bytes.unwrap_or(0) / 12;
        let indexes = Indexes::of_files(self.disk(), &self.dir, base, offsets, times);
        let (size, modified) = (listed.size_bytes, listed.modified_ms);
        let segment = Segment::new(self.disk(), &self.dir, base, size, modified, indexes);
        if !listed.has_plausible_indexes() {
            segment.rebuild_indexes(self.config.index_interval_bytes)?;
            report.rebuilt_indexes += 1;
        }
        Ok(Arc::new(segment))
    }

    fn walk(
        &self,
        base: Offset,
        listed: &Listed,
        next_base: Option<Offset>,
        shutdown: Shutdown,
        report: &mut RecoveryReport,
    ) -> Result<Walked, Error> {
        let mut rules = Rules {
            shutdown,
            recovery_point: self.recovery_point,
            interval_bytes: self.config.index_interval_bytes,
            next_base,
            // Ours reach to the next one (see `compact`), so that what a power cut took is missed.
            may_have_gaps: self.config.compact && shutdown != Shutdown::PowerLoss,
        };
        let result = recovery::walk(self.disk(), &self.dir, base, listed, &rules, report);
        match result {
            // A marker that says "clean" over a log that is not proves only that the marker is wrong.
            Err(Error::Corrupt { reason, .. }) if shutdown == Shutdown::Clean => {
                tracing::warn!(partition = %self.topic_partition, reason, "not closed cleanly");
                rules.shutdown = Shutdown::Unclean;
                recovery::walk(self.disk(), &self.dir, base, listed, &rules, report)
            }
            result => result,
        }
    }

    /// Removes the segments behind a cut: nothing connects them to the log any more.
    fn remove_after_cut(
        &mut self,
        listed: &[(Offset, Listed)],
        report: &mut RecoveryReport,
    ) -> Result<(), Error> {
        for (base, segment) in listed.iter().rev() {
            tracing::warn!(partition = %self.topic_partition, base, "segment behind a cut removed");
            self.remove_segment_files(*base)?;
            report.cut_bytes += segment.size_bytes;
        }
        self.sync_names()
    }

    fn finish_segments(&mut self, may_be_lost: bool) -> Result<(), Error> {
        let Some(first) = self.segments.first().map(|segment| segment.base_offset()) else {
            // A truncation that was killed half-way has lowered the recovery point by its word.
            if self.recovery_point > self.log_start_offset {
                return Err(self.segments_gone());
            }
            return self.start_empty(self.log_start_offset);
        };
        self.log_start_offset = self.log_start_offset.max(first);
        let base = self.active_segment().base_offset();
        self.log_end_offset = self.log_end_offset.max(base);
        if self.log_start_offset > self.log_end_offset {
            if !may_be_lost {
                return Err(self.start_beyond_end());
            }
            // What is lost had been deleted already.
            let start = self.log_start_offset;
            for segment in Arc::clone(&self.segments).iter().rev() {
                self.remove_segment_files(segment.base_offset())?;
            }
            self.start_empty(start)?;
            // The recovery point is beyond the old segments now: they must not come back.
            return self.sync_names();
        }
        Ok(())
    }

    fn segments_gone(&self) -> Error {
        Error::Corrupt {
            path: self.dir.to_path_buf(),
            position: 0,
            offset: self.log_start_offset,
            reason: format!(
                "its segments are gone, the log was durable up to offset {}; put them back, or \
                 remove the folder to have the partition copied from another replica",
                self.recovery_point
            ),
        }
    }

    /// Records up to the log start were there once; if nothing was lost, the log start is wrong.
    fn start_beyond_end(&self) -> Error {
        let (start, end) = (self.log_start_offset, self.log_end_offset);
        Error::Corrupt {
            path: self.active_segment().path(Kind::Log),
            position: self.active_segment().size_bytes(),
            offset: end,
            reason: format!("the log ends at offset {end}, its checkpointed start is {start}"),
        }
    }

    /// Starts with one empty segment.
    pub(super) fn start_empty(&mut self, offset: Offset) -> Result<(), Error> {
        let now_ms = self.now_ms();
        let segment = Segment::create(self.disk(), &self.dir, offset, now_ms)?;
        self.segments = Arc::new([Arc::new(segment)]);
        self.log_start_offset = offset;
        self.log_end_offset = offset;
        self.recovery_point = offset;
        self.mark_names();
        self.start_active(offset, now_ms);
        Ok(())
    }

    /// Removes what belongs to a segment, the log file first.
    pub(super) fn remove_segment_files(&mut self, base: Offset) -> Result<(), Error> {
        for kind in [
            Kind::Log,
            Kind::OffsetIndex,
            Kind::TimeIndex,
            Kind::TransactionIndex,
        ] {
            let path = names::path(&self.dir, base, kind);
            self.disk().remove(&path).map_err(|e| Error::io(&path, e))?;
        }
        self.mark_names();
        Ok(())
    }

    pub(super) fn sync_names(&mut self) -> Result<(), Error> {
        let dir = Arc::clone(&self.dir);
        let Err(error) = self.disk().sync_dir(&dir) else {
            return Ok(());
        };
        if is_short_of_resources(&error) {
            // Nothing was synced, and nothing is lost: the next flush does it.
            self.mark_names();
            return Err(Error::io(&dir, error));
        }
        let reason = format!("fsync of {} failed: {error}", dir.display());
        Err(self.dir_state.fail(reason))
    }

    /// The epochs as the checkpoint has them, corrected by the batches that were read.
    fn open_epochs(&mut self, listing: &Listing, seen: &EpochsSeen) -> Result<(), Error> {
        let on_disk = self.read_epochs(listing)?;
        let mut epochs = match &on_disk {
            Some(epochs) if seen.agrees_with(epochs) && self.is_covered(epochs, seen) => {
                epochs.clone()
            }
            _ => self.collect_epochs()?,
        };
        if let Some(from) = seen.verified_from {
            epochs.truncate_end(from);
        }
        for (epoch, start) in &seen.epochs {
            if *epoch > epochs.latest() {
                epochs.assign(*epoch, *start);
            }
        }
        epochs.truncate_end(self.log_end_offset);
        epochs.truncate_start(self.log_start_offset);
        let is_right = match &on_disk {
            Some(on_disk) => on_disk == &epochs,
            None => !listing.has_epochs && epochs.entries().is_empty(),
        };
        if is_right {
            self.epochs = epochs;
            return Ok(());
        }
        self.set_epochs(epochs)
    }

    /// Whether the epochs begin where the log does, or all of the log was read anyway. A crash may
    /// leave an empty file.
    fn is_covered(&self, epochs: &Epochs, seen: &EpochsSeen) -> bool {
        self.log_start_offset >= seen.verified_from.unwrap_or(self.log_end_offset)
            || epochs.at(self.log_start_offset).is_known()
    }

    /// `None` if there is no usable checkpoint.
    fn read_epochs(&self, listing: &Listing) -> Result<Option<Epochs>, Error> {
        if !listing.has_epochs {
            return Ok(None);
        }
        let path = self.dir.join(EPOCHS_FILE);
        let text = self.disk().read(&path, SMALL_FILE_BYTES_MAX);
        let text = text.map_err(|e| Error::io(&path, e))?;
        let epochs = checkpoint::parse_epochs(&text)
            .ok()
            .and_then(Epochs::from_entries);
        if epochs.is_none() {
            tracing::warn!(path = %path.display(), "leader epochs are unreadable, reading the log");
        }
        Ok(epochs)
    }

    /// Reads the epochs from the headers of the whole log.
    fn collect_epochs(&self) -> Result<Epochs, Error> {
        let mut epochs = Epochs::default();
        for segment in self.segments.iter() {
            let scan = segment.scan(0, segment.base_offset());
            let mut scan = scan.map_err(|e| segment.corrupt(e.into()))?;
            while let Some(scanned) = scan.next().map_err(|stop| segment.corrupt(stop))? {
                let epoch = scanned.header.partition_leader_epoch;
                if epoch > epochs.latest() {
                    epochs.assign(epoch, scanned.header.base_offset);
                }
            }
        }
        Ok(epochs)
    }
}

/// What the batches that were read say about epochs.
#[derive(Debug, Default)]
struct EpochsSeen {
    epochs: Vec<(types::LeaderEpoch, Offset)>,
    verified_from: Option<Offset>,
}

impl EpochsSeen {
    fn note(&mut self, walked: &Walked) {
        self.epochs.extend(&walked.epochs);
        self.verified_from = self.verified_from.or(walked.verified_from);
    }

    /// Whether the checkpoint knows the epoch of each batch that was read and trusted.
    fn agrees_with(&self, epochs: &Epochs) -> bool {
        let trusted_end = self.verified_from.unwrap_or(Offset::MAX);
        self.epochs
            .iter()
            .filter(|(_, start)| *start < trusted_end)
            .all(|(epoch, start)| epochs.at(*start) == *epoch)
    }
}

/// Creates the folder. Returns whether there was none.
pub(super) fn create_dir(disk: &Arc<dyn Disk>, dir: &Path) -> Result<bool, Error> {
    if disk.exists(dir).map_err(|e| Error::io(dir, e))? {
        return Ok(false);
    }
    disk.create_dir(dir).map_err(|e| Error::io(dir, e))?;
    Ok(true)
}

fn read_lowered_recovery_point(disk: &Arc<dyn Disk>, dir: &Path) -> Result<Option<Offset>, Error> {
    let path = dir.join(LOWERED_RECOVERY_POINT_FILE);
    let text = match disk.read(&path, SMALL_FILE_BYTES_MAX) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(&path, error)),
    };
    let text = String::from_utf8_lossy(&text);
    // Unreadable: scanning everything is always right.
    Ok(Some(text.trim().parse().unwrap_or(0)))
}
