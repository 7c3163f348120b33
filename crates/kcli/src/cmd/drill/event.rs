//! What happens during a drill, on one clock.

use std::fmt;
use std::time::Duration;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// Since the drill's beginning.
    pub(super) at: Duration,
    /// What.
    pub(super) what: What,
}

/// The kinds of things that happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A node was struck.
    Struck { node: i32, how: &'static str },
    /// A node was started again or let go on.
    Restored { node: i32 },
    /// The producer met its first error after a blow.
    FirstError { text: String },
    /// The last acknowledgement before the longest gap of any partition.
    LastAck { partition: i32 },
    /// The first one behind it.
    FirstAck { partition: i32 },
    /// A broker was shut out of the cluster.
    Fenced { node: i32 },
    /// A broker takes part again.
    Unfenced { node: i32 },
    /// A partition has another leader, or (-1) none.
    Leader {
        partition: i32,
        from: i32,
        to: i32,
        epoch: i32,
    },
    /// Other replicas are in sync.
    Isr { partition: i32, isr: Vec<i32> },
    /// All replicas of all partitions are in sync again.
    Whole,
    /// Another controller is active.
    Controller { node: i32, epoch: i32 },
    /// The reader met an error that it could not mend itself.
    Reader { text: String },
}

impl What {
    /// The kind, in one word, for programs.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Struck { .. } => "struck",
            Self::Restored { .. } => "restored",
            Self::FirstError { .. } => "firstError",
            Self::LastAck { .. } => "lastAck",
            Self::FirstAck { .. } => "firstAck",
            Self::Fenced { .. } => "fenced",
            Self::Unfenced { .. } => "unfenced",
            Self::Leader { .. } => "leader",
            Self::Isr { .. } => "isr",
            Self::Whole => "isrFull",
            Self::Controller { .. } => "controller",
            Self::Reader { .. } => "readerError",
        }
    }

    /// The node concerned, if it is one.
    pub(super) fn node(&self) -> Option<i32> {
        match self {
            Self::Struck { node, .. }
            | Self::Restored { node }
            | Self::Fenced { node }
            | Self::Unfenced { node }
            | Self::Controller { node, .. } => Some(*node),
            Self::Leader { to, .. } => Some(*to),
            _ => None,
        }
    }

    /// The partition concerned, if it is one.
    pub(super) fn partition(&self) -> Option<i32> {
        match self {
            Self::LastAck { partition }
            | Self::FirstAck { partition }
            | Self::Leader { partition, .. }
            | Self::Isr { partition, .. } => Some(*partition),
            _ => None,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Struck { node, how } => write!(f, "node {node} {how}"),
            Self::Restored { node } => write!(f, "node {node} brought back"),
            Self::FirstError { text } => write!(f, "first error: {text}"),
            Self::LastAck { partition } => {
                write!(
                    f,
                    "last acknowledgement before the longest gap (partition {partition})"
                )
            }
            Self::FirstAck { partition } => {
                write!(f, "first acknowledgement after it (partition {partition})")
            }
            Self::Fenced { node } => write!(f, "broker {node} is fenced"),
            Self::Unfenced { node } => write!(f, "broker {node} is back"),
            Self::Leader {
                partition, to: ..0, ..
            } => write!(f, "partition {partition} has no leader"),
            Self::Leader {
                partition,
                from: ..0,
                to,
                epoch,
            } => write!(f, "partition {partition}: leader {to} (epoch {epoch})"),
            Self::Leader {
                partition,
                from,
                to,
                epoch,
            } => write!(
                f,
                "partition {partition}: leader {from} → {to} (epoch {epoch})"
            ),
            Self::Isr { partition, isr } => {
                let isr: Vec<_> = isr.iter().map(ToString::to_string).collect();
                write!(f, "partition {partition}: in sync {}", isr.join(","))
            }
            Self::Whole => f.write_str("all replicas in sync again"),
            Self::Controller { node, epoch } => {
                write!(f, "controller {node} is active (epoch {epoch})")
            }
            Self::Reader { text } => write!(f, "the reader: {text}"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9.3} s  {}", self.at.as_secs_f64(), self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_read_as_sentences() {
        let leader = |from, to| What::Leader {
            partition: 2,
            from,
            to,
            epoch: 7,
        };
        for (what, expected) in [
            (leader(1, 3), "partition 2: leader 1 → 3 (epoch 7)"),
            (leader(1, -1), "partition 2 has no leader"),
            (leader(-1, 3), "partition 2: leader 3 (epoch 7)"),
            (What::Fenced { node: 1 }, "broker 1 is fenced"),
        ] {
            assert_eq!(what.to_string(), expected);
        }
        let event = Event {
            at: Duration::from_millis(5012),
            what: What::Whole,
        };
        assert_eq!(event.to_string(), "    5.012 s  all replicas in sync again");
    }
}
