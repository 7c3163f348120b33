//! What the files of a partition are called.

use std::path::{Path, PathBuf};

use types::Offset;

/// Digits of an offset in a file name.
const OFFSET_DIGITS: usize = 20;

/// The kinds of file that carry an offset in their name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// `.log`: the batches.
    Log,
    /// `.index`: offset to position.
    OffsetIndex,
    /// `.timeindex`: timestamp to offset.
    TimeIndex,
    /// `.txnindex`: aborted transactions.
    TransactionIndex,
    /// `.snapshot`: producers as of the offset.
    Snapshot,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::Log,
        Self::OffsetIndex,
        Self::TimeIndex,
        Self::TransactionIndex,
        Self::Snapshot,
    ];

    const fn suffix(self) -> &'static str {
        match self {
            Self::Log => ".log",
            Self::OffsetIndex => ".index",
            Self::TimeIndex => ".timeindex",
            Self::TransactionIndex => ".txnindex",
            Self::Snapshot => ".snapshot",
        }
    }
}

/// Renamed away by retention; removed when the delay is over or at the next start.
pub(crate) const DELETED: &str = ".deleted";
/// Half-written by a compaction.
pub(crate) const CLEANED: &str = ".cleaned";
/// Written by a compaction, about to be swapped in.
pub(crate) const SWAP: &str = ".swap";
/// Half-written by [`Disk::replace`](crate::disk::Disk::replace).
pub(crate) const TEMPORARY: &str = ".tmp";

/// `00000000000000000025.log`
pub(crate) fn file_name(offset: Offset, kind: Kind) -> String {
    format!("{offset:0OFFSET_DIGITS$}{}", kind.suffix())
}

pub(crate) fn path(dir: &Path, offset: Offset, kind: Kind) -> PathBuf {
    dir.join(file_name(offset, kind))
}

/// Reads a name back; `None` for any other file.
pub(crate) fn parse(name: &str) -> Option<(Offset, Kind)> {
    let digits = name.get(..OFFSET_DIGITS)?;
    let suffix = name.get(OFFSET_DIGITS..)?;
    let kind = Kind::ALL.into_iter().find(|k| k.suffix() == suffix)?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // A segment ends after its base, so none can begin at the last offset there is.
    let offset = digits.parse().ok().filter(|o| *o < Offset::MAX)?;
    Some((offset, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kafkas_and_come_back() {
        assert_eq!(
            file_name(25, Kind::TimeIndex),
            "00000000000000000025.timeindex"
        );
        for kind in Kind::ALL {
            for offset in [0, 25, Offset::MAX - 1] {
                assert_eq!(parse(&file_name(offset, kind)), Some((offset, kind)));
            }
        }
    }

    #[test]
    fn other_names_are_not_ours() {
        for name in [
            "partition.metadata",
            "25.log",
            "00000000000000000025.log.deleted",
            "-0000000000000000025.log",
            "99999999999999999999.log",
            "09223372036854775807.log",
            "0000000000000000002é.log",
            "",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
