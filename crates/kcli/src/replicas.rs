//! What can be said about a partition's replicas in one word, the same in every command.

use crate::output::{Cell, Tone};

/// How a partition is, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// Nobody leads it.
    Offline,
    /// Fewer replicas are in sync than writers with `acks=all` need.
    UnderMinIsr,
    /// One more failure and writers with `acks=all` are refused.
    AtMinIsr,
    /// Some replicas are out of sync.
    UnderReplicated,
    /// All replicas are in sync.
    Ok,
}

impl State {
    /// The state of a partition with these replicas. `min_isr` is `None` if it is not known.
    pub(crate) fn of(leader: i32, replicas: &[i32], isr: &[i32], min_isr: Option<usize>) -> Self {
        let is_complete = replicas.iter().all(|id| isr.contains(id));
        match min_isr {
            _ if leader < 0 => Self::Offline,
            Some(min) if isr.len() < min => Self::UnderMinIsr,
            _ if is_complete => Self::Ok,
            Some(min) if isr.len() == min => Self::AtMinIsr,
            _ => Self::UnderReplicated,
        }
    }

    /// For people.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Offline => "NO LEADER",
            Self::UnderMinIsr => "under min ISR",
            Self::AtMinIsr => "at min ISR",
            Self::UnderReplicated => "under-replicated",
            Self::Ok => "ok",
        }
    }

    /// For programs.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::UnderMinIsr => "underMinIsr",
            Self::AtMinIsr => "atMinIsr",
            Self::UnderReplicated => "underReplicated",
            Self::Ok => "ok",
        }
    }

    /// For people, in a table.
    pub(crate) fn cell(self) -> Cell {
        let tone = match self {
            Self::Offline | Self::UnderMinIsr => Tone::Bad,
            Self::AtMinIsr | Self::UnderReplicated => Tone::Warn,
            Self::Ok => Tone::Good,
        };
        Cell::toned(self.word(), tone)
    }
}

/// The leader for people: its id, or that there is none.
pub(crate) fn leader_cell(leader: i32) -> Cell {
    match leader {
        id if id >= 0 => Cell::toned(id.to_string(), Tone::Good),
        _ => Cell::toned("none", Tone::Bad),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_thing_is_what_is_said() {
        let of = |leader, isr: &[i32]| State::of(leader, &[1, 2, 3], isr, Some(2));
        assert_eq!(of(-1, &[1]), State::Offline);
        assert_eq!(of(1, &[1]), State::UnderMinIsr);
        assert_eq!(of(1, &[1, 2]), State::AtMinIsr);
        assert_eq!(of(1, &[3, 2, 1]), State::Ok);
        assert_eq!(State::of(1, &[1, 2], &[1, 2], Some(2)), State::Ok);
        assert_eq!(
            State::of(1, &[1, 2, 3], &[1, 2], None),
            State::UnderReplicated
        );
    }
}
