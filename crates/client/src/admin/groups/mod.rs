//! Groups: which there are, what they are made of, their committed offsets, and their end.
//!
//! Each group is asked about at its own coordinator; groups with the same one share a request where
//! the broker's version allows that.

mod by_coordinator;
mod delete;
mod describe;
mod list;
mod offsets;

use std::fmt;

pub use describe::{GroupDescription, GroupMember};
pub use list::{GroupFilter, GroupListing, ListedGroup};
pub use offsets::{CommittedOffset, NewOffset};

/// The protocol a group lives by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupType {
    /// `classic`: the members' leader assigns.
    Classic,
    /// `consumer`: the coordinator assigns (KIP-848).
    Consumer,
    /// `share`: records, not partitions, are shared (KIP-932).
    Share,
    /// `streams`: the tasks of a topology (KIP-1071).
    Streams,
    /// One that this version does not know, or an empty name from brokers that do not tell.
    Other(String),
}

impl GroupType {
    fn from_name(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "classic" => Self::Classic,
            "consumer" => Self::Consumer,
            "share" => Self::Share,
            "streams" => Self::Streams,
            _ => Self::Other(name.to_owned()),
        }
    }

    /// Kafka's name of it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Classic => "classic",
            Self::Consumer => "consumer",
            Self::Share => "share",
            Self::Streams => "streams",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for GroupType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
