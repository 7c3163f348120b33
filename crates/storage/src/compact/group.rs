//! Which segments become one.

use std::sync::Arc;

use types::Offset;

use crate::LogConfig;
use crate::log::Group;
use crate::segment::Segment;

/// Groups neighbours as long as they fit into one segment: by size, by what its indexes may hold, and
/// by how far an offset may lie from the first.
pub(super) fn group<'a>(
    sealed: impl Iterator<Item = (&'a Arc<Segment>, Offset)>,
    config: &LogConfig,
) -> Vec<Group> {
    let mut groups: Vec<(Group, Sizes)> = Vec::new();
    for (segment, end_offset) in sealed {
        let sizes = Sizes::of(segment);
        if let Some((group, sum)) = groups.last_mut()
            && sum.plus(sizes).fits(config)
            && end_offset - 1 - group.base_offset() <= i64::from(i32::MAX)
        {
            group.segments.push(Arc::clone(segment));
            group.end_offset = end_offset;
            *sum = sum.plus(sizes);
            continue;
        }
        let group = Group {
            segments: vec![Arc::clone(segment)],
            end_offset,
        };
        groups.push((group, sizes));
    }
    groups.into_iter().map(|(group, _)| group).collect()
}

#[derive(Debug, Clone, Copy)]
struct Sizes {
    log: u64,
    offsets: u64,
    times: u64,
}

impl Sizes {
    fn of(segment: &Segment) -> Self {
        let indexes = segment.indexes.read();
        Self {
            log: segment.size_bytes(),
            offsets: indexes.offsets.len() * 8,
            times: indexes.times.len() * 12,
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            log: self.log + other.log,
            offsets: self.offsets + other.offsets,
            times: self.times + other.times,
        }
    }

    fn fits(self, config: &LogConfig) -> bool {
        let index_max = config.segment_index_bytes;
        self.log <= config.segment_bytes.min(i32::MAX as u64)
            && self.offsets <= index_max
            && self.times <= index_max
    }
}
