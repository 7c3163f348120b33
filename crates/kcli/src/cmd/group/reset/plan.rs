//! What a reset would do, partition by partition. Nothing is asked or changed here.

use serde_json::{Value, json};
use types::{Offset, TopicPartition};

use super::target::Target;
use crate::output::{Cell, Column, Table, Tone};

/// A partition before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) partition: TopicPartition,
    /// What is committed now.
    pub(super) before: Option<Offset>,
    /// What will be.
    pub(super) after: Offset,
    /// What was wanted, if the log does not reach there.
    pub(super) wanted: Option<Offset>,
    /// Where its log begins and ends (exclusive).
    pub(super) log: (Offset, Offset),
}

/// What is known about a partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// What is committed now.
    pub(super) before: Option<Offset>,
    /// What another source says: the log for a time, another group, a file. Negative: nothing.
    pub(super) found: Option<Offset>,
    /// Where its log begins.
    pub(super) log_start: Offset,
    /// Where its log ends (exclusive).
    pub(super) log_end: Offset,
}

/// Where a group shall read on in one partition: always within its log, as a consumer that is sent
/// elsewhere would start anew by `auto.offset.reset`.
///
/// # Errors
/// A sentence, if there is nothing to go from.
pub(super) fn decide(
    partition: &TopicPartition,
    target: &Target,
    known: Known,
) -> Result<Change, String> {
    let found = known.found.filter(|offset| *offset >= 0);
    let wanted = match target {
        Target::Start => known.log_start,
        Target::End => known.log_end,
        Target::Current => known.before.unwrap_or(known.log_end),
        Target::Time(_) => found.unwrap_or(known.log_end),
        Target::Offset(offset) => *offset,
        Target::Shift(count) => match known.before {
            Some(before) => before.saturating_add(*count),
            None => {
                return Err(format!(
                    "{partition}: nothing is committed that could be shifted"
                ));
            }
        },
        Target::Group(other) => match found {
            Some(offset) => offset,
            None => {
                return Err(format!(
                    "{partition}: group {other} has committed nothing there"
                ));
            }
        },
        Target::File(path) => match found {
            Some(offset) => offset,
            None => return Err(format!("{partition}: not in {}", path.display())),
        },
    };
    let after = wanted.clamp(known.log_start, known.log_end.max(known.log_start));
    Ok(Change {
        partition: partition.clone(),
        before: known.before,
        after,
        wanted: (wanted != after).then_some(wanted),
        log: (known.log_start, known.log_end),
    })
}

impl Change {
    /// Whether anything changes.
    pub(super) fn is_change(&self) -> bool {
        self.before != Some(self.after)
    }

    /// What a reader should know about it.
    fn remark(&self) -> String {
        let (start, end) = self.log;
        match self.wanted {
            Some(wanted) if wanted < start => {
                format!("{wanted} is gone: the log starts at {start}")
            }
            Some(wanted) => format!("{wanted} is not there yet: the log ends at {end}"),
            None if !self.is_change() => "no change".to_owned(),
            None => String::new(),
        }
    }

    /// Events it will read again (negative) or skip.
    fn distance(&self) -> Option<i64> {
        Some(self.after - self.before?)
    }
}

/// Before and after, for people.
pub(super) fn table(changes: &[Change]) -> Table {
    let mut table = Table::new(vec![
        Column::new("TOPIC"),
        Column::number("PARTITION"),
        Column::number("BEFORE"),
        Column::number("AFTER"),
        Column::number("CHANGE"),
        Column::number("LAG"),
        Column::new("REMARK"),
    ]);
    for change in changes {
        let tone = match change.wanted {
            Some(_) => Tone::Warn,
            None => Tone::Plain,
        };
        table.push(
            change.partition.to_string(),
            vec![
                Cell::from(&*change.partition.topic),
                Cell::from(change.partition.partition.to_string()),
                Cell::optional(change.before),
                Cell::from(change.after.to_string()),
                Cell::optional(change.distance().map(|count| format!("{count:+}"))),
                Cell::from((change.log.1 - change.after).max(0).to_string()),
                Cell::toned(change.remark(), tone),
            ],
        );
    }
    table
}

/// The same for programs.
pub(super) fn json(change: &Change, result: &str) -> Value {
    json!({
        "topic": &*change.partition.topic,
        "partition": change.partition.partition,
        "before": change.before,
        "after": change.after,
        "wanted": change.wanted.unwrap_or(change.after),
        "logStart": change.log.0,
        "logEnd": change.log.1,
        "result": result,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(target: &Target, before: Option<i64>, found: Option<i64>) -> Result<i64, String> {
        let known = Known {
            before,
            found,
            log_start: 10,
            log_end: 20,
        };
        let partition = TopicPartition::new("t", 0);
        decide(&partition, target, known).map(|change| change.after)
    }

    #[test]
    fn each_target_has_its_offset() {
        let other = Target::Group("b".to_owned());
        for (target, before, found, expected) in [
            (Target::Start, Some(15), None, 10),
            (Target::End, Some(15), None, 20),
            (Target::Current, Some(15), None, 15),
            (Target::Current, None, None, 20),
            (Target::Time(1), Some(15), Some(12), 12),
            (Target::Time(1), Some(15), Some(-1), 20),
            (Target::Shift(-2), Some(15), None, 13),
            (Target::Offset(17), None, None, 17),
            (other.clone(), Some(15), Some(11), 11),
        ] {
            assert_eq!(after(&target, before, found), Ok(expected), "{target:?}");
        }
        assert!(after(&Target::Shift(1), None, None).is_err());
        assert!(after(&other, Some(15), None).is_err());
    }

    #[test]
    fn nobody_is_sent_where_the_log_does_not_reach() {
        for (target, expected) in [
            (Target::Shift(-100), 10),
            (Target::Shift(i64::MAX), 20),
            (Target::Offset(3), 10),
            (Target::Offset(30), 20),
        ] {
            assert_eq!(after(&target, Some(15), None), Ok(expected), "{target:?}");
        }
        let known = Known {
            before: Some(15),
            found: None,
            log_start: 10,
            log_end: 20,
        };
        let change = decide(&TopicPartition::new("t", 0), &Target::Offset(30), known);
        let change = change.expect("a change");
        assert_eq!(change.remark(), "30 is not there yet: the log ends at 20");
    }
}
