//! Finding the end of a log, and whether all that should be there is.
//!
//! ```text
//!  sealed, below the recovery point     trusted: not read at all
//!  from the recovery point on           every length, offset and checksum verified
//!  the active segment after a clean     headers from the last index entry on
//!  shutdown
//!
//!  what is unsound …                    … is
//!  below the recovery point             corruption: refused
//!  in a sealed segment                  corruption, unless the machine lost power
//!  at the end of the active segment     a torn tail: cut, and reported
//! ```

use std::path::Path;
use std::sync::Arc;

use types::{LeaderEpoch, Offset};

use super::listing::Listed;
use super::{RecoveryReport, Shutdown, reserve};
use crate::Error;
use crate::disk::Disk;
use crate::files::names::Kind;
use crate::segment::index::{OffsetEntry, TimeEntry, sound_prefix};
use crate::segment::scan::{Scan, Stop};
use crate::segment::{IndexBuilder, Indexes, Segment};

/// Index files larger than this are not read: `segment.index.bytes` is an int.
const INDEX_BYTES_MAX: u64 = i32::MAX as u64;

/// A segment that was walked to its end.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) segment: Segment,
    /// Ready for the next append, if the segment is the active one.
    pub(super) builder: IndexBuilder,
    /// The offset after the last batch. Exclusive.
    pub(super) next_offset: Offset,
    /// Epochs of the batches that were walked over, each with its first offset.
    pub(super) epochs: Vec<(LeaderEpoch, Offset)>,
    /// Whether checksums were verified, from this offset on.
    pub(super) verified_from: Option<Offset>,
    /// Something was cut; segments after this one do not belong to the log.
    pub(super) is_cut: bool,
}

/// What recovery has to know besides the segment.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) shutdown: Shutdown,
    pub(super) recovery_point: Offset,
    pub(super) interval_bytes: u64,
    /// Where the next segment begins; `None` for the active one.
    pub(super) next_base: Option<Offset>,
    /// Kafka's compaction leaves gaps in the offsets, also at the end of a segment.
    pub(super) may_have_gaps: bool,
}

impl Rules {
    fn is_active(&self) -> bool {
        self.next_base.is_none()
    }
}

/// Walks a segment from where its index can be trusted to its end.
pub(super) fn walk(
    disk: &Arc<dyn Disk>,
    dir: &Arc<Path>,
    base_offset: Offset,
    listed: &Listed,
    rules: &Rules,
    report: &mut RecoveryReport,
) -> Result<Walked, Error> {
    let indexes = Indexes::of_files(disk, dir, base_offset, 0, 0);
    let (size, modified) = (listed.size_bytes, listed.modified_ms);
    let segment = Segment::new(disk, dir, base_offset, size, modified, indexes);
    let trusted = Trusted::read(disk, &segment, rules)?;
    let start = trusted.position();
    {
        let mut indexes = segment.indexes.write();
        indexes.offsets.trust(&trusted.offsets);
        indexes.times.trust(&trusted.times);
    }
    let builder = IndexBuilder::new(base_offset, rules.interval_bytes);
    let mut walk = Walk {
        builder: builder.resume(trusted.times.last().copied()),
        segment,
        epochs: Vec::new(),
        verified_from: None,
        had_indexes: trusted.is_whole,
    };
    let scan = walk.segment.scan(start, base_offset);
    let mut scan = scan.map_err(|e| walk.segment.corrupt(e.into()))?;
    let stop = walk.run(&mut scan, rules, report);
    walk.finish(&scan, stop, rules, report)
}

/// The entries of both index files that fit the log.
#[derive(Debug, Default)]
struct Trusted {
    offsets: Vec<OffsetEntry>,
    times: Vec<TimeEntry>,
    /// The files held nothing else.
    is_whole: bool,
}

impl Trusted {
    fn read(disk: &Arc<dyn Disk>, segment: &Segment, rules: &Rules) -> Result<Self, Error> {
        let read = |kind| {
            let path = segment.path(kind);
            match disk.read(&path, INDEX_BYTES_MAX) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(e) => Err(Error::io(&path, e)),
            }
        };
        let (offsets, times) = (read(Kind::OffsetIndex)?, read(Kind::TimeIndex)?);
        let were_there = offsets.is_some() && times.is_some();
        let (offsets, times) = (offsets.unwrap_or_default(), times.unwrap_or_default());
        let size = i64::try_from(segment.size_bytes()).unwrap_or(i64::MAX);
        let (mut offsets, is_whole_offsets) = sound_prefix(&offsets, |entry: &OffsetEntry| {
            entry.relative_offset >= 0 && (0..size).contains(&i64::from(entry.position))
        });
        let (mut times, is_whole_times) = sound_prefix(&times, |entry: &TimeEntry| {
            entry.timestamp >= 0 && entry.relative_offset >= 0
        });
        // Entries at or beyond the recovery point prove nothing: the log there may be torn.
        if rules.shutdown != Shutdown::Clean {
            let limit = segment.relative(rules.recovery_point);
            offsets.truncate(offsets.partition_point(|entry| entry.relative_offset < limit));
        }
        if let Some(last) = offsets.last()
            && !segment.points_to_batch(last)?
        {
            offsets.clear();
        }
        let last = offsets.last().map_or(-1, |entry| entry.relative_offset);
        let count = times.len();
        times.truncate(times.partition_point(|entry| entry.relative_offset <= last));
        let kept_all = rules.shutdown == Shutdown::Clean || count == times.len();
        Ok(Self {
            is_whole: were_there && is_whole_offsets && is_whole_times && kept_all,
            offsets,
            times,
        })
    }

    fn position(&self) -> u64 {
        let position = self.offsets.last().map_or(0, |entry| entry.position);
        u64::try_from(position).unwrap_or(0)
    }
}

struct Walk {
    segment: Segment,
    builder: IndexBuilder,
    epochs: Vec<(LeaderEpoch, Offset)>,
    verified_from: Option<Offset>,
    had_indexes: bool,
}

/// Whether the next segment begins where this one ends.
fn missing_end(scan: &Scan, rules: &Rules) -> Option<Stop> {
    let next_base = rules.next_base.filter(|_| !rules.may_have_gaps)?;
    (scan.next_offset() != next_base).then(|| Stop::Bad {
        position: scan.position(),
        offset: scan.next_offset(),
        reason: format!("the segment ends here, the next one begins at offset {next_base}"),
    })
}

impl Walk {
    /// Walks to the end or to the first unsound batch.
    fn run(&mut self, scan: &mut Scan, rules: &Rules, report: &mut RecoveryReport) -> Option<Stop> {
        loop {
            let verifies = rules.shutdown != Shutdown::Clean;
            if verifies && !scan.is_verifying() && scan.next_offset() >= rules.recovery_point {
                scan.verify_crc();
                self.verified_from = Some(scan.next_offset());
            }
            let scanned = match scan.next() {
                Ok(Some(scanned)) => scanned,
                Ok(None) => return missing_end(scan, rules),
                Err(stop) => return Some(stop),
            };
            let header = &scanned.header;
            if scan.is_verifying() {
                report.scanned_bytes += header.size_in_bytes() as u64;
            }
            let epoch = header.partition_leader_epoch;
            if epoch.is_known() && self.epochs.last().is_none_or(|(last, _)| *last < epoch) {
                self.epochs.push((epoch, header.base_offset));
            }
            if let Some((offset, time)) = self.builder.on_batch(scanned.position, header) {
                let indexes = self.segment.indexes.get_mut();
                indexes.offsets.push(offset);
                if let Some(time) = time {
                    indexes.times.push(time);
                }
            }
        }
    }

    fn finish(
        mut self,
        scan: &Scan,
        stop: Option<Stop>,
        rules: &Rules,
        report: &mut RecoveryReport,
    ) -> Result<Walked, Error> {
        let is_cut = match stop {
            None => false,
            Some(Stop::Bad { ref reason, .. }) if self.may_cut(scan, rules) => {
                self.cut(scan, reason, report)?;
                true
            }
            Some(stop) => return Err(self.segment.corrupt(stop)),
        };
        if rules.is_active() && scan.next_offset() < rules.recovery_point {
            return Err(self.segment.corrupt(Stop::Bad {
                position: scan.position(),
                offset: scan.next_offset(),
                reason: format!("the log was durable up to offset {}", rules.recovery_point),
            }));
        }
        if rules.is_active() && rules.shutdown != Shutdown::Clean {
            reserve::give_back_after_crash(&self.segment);
        }
        if rules.shutdown != Shutdown::Clean || is_cut || !self.had_indexes {
            self.write_indexes(rules, report)?;
        }
        Ok(Walked {
            segment: self.segment,
            builder: self.builder,
            next_offset: scan.next_offset(),
            epochs: self.epochs,
            verified_from: self.verified_from,
            is_cut,
        })
    }

    /// Only what was not durable may be cut, and in a sealed segment only if the machine lost it.
    fn may_cut(&self, scan: &Scan, rules: &Rules) -> bool {
        scan.next_offset() >= rules.recovery_point
            && match rules.shutdown {
                Shutdown::Clean => false,
                Shutdown::Unclean => rules.is_active(),
                Shutdown::PowerLoss => true,
            }
    }

    fn cut(&mut self, scan: &Scan, reason: &str, report: &mut RecoveryReport) -> Result<(), Error> {
        let path = self.segment.path(Kind::Log);
        let cut_bytes = self.segment.size_bytes() - scan.position();
        tracing::warn!(
            path = %path.display(),
            position = scan.position(),
            offset = scan.next_offset(),
            cut_bytes,
            reason,
            "torn tail cut"
        );
        let result = self.segment.shrink(scan.position());
        result.map_err(|e| Error::io(&path, e))?;
        report.cut_bytes += cut_bytes;
        report.cut_at_offset = Some(scan.next_offset());
        report.cut_reason = Some(reason.to_owned());
        Ok(())
    }

    /// Leaves index files that Kafka's own check accepts.
    fn write_indexes(&mut self, rules: &Rules, report: &mut RecoveryReport) -> Result<(), Error> {
        let path = self.segment.path(Kind::OffsetIndex);
        let indexes = self.segment.indexes.get_mut();
        if let Some(max) = self.builder.max().filter(|_| !rules.is_active()) {
            indexes.times.push(max);
        }
        indexes.seal().map_err(|e| Error::io(&path, e))?;
        if !self.had_indexes && !self.segment.is_empty() {
            report.rebuilt_indexes += 1;
        }
        Ok(())
    }
}
