//! Offsets in a file, in the form of Kafka's tool: `topic,partition,offset` or
//! `group,topic,partition,offset` in each line.

use std::collections::BTreeMap;
use std::path::Path;

use types::{Offset, TopicPartition};

use super::plan::Change;
use crate::failure::{Failure, Result};

/// Larger files are something else.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The offsets that a file gives a group.
pub(super) fn read(path: &Path, group: &str) -> Result<BTreeMap<TopicPartition, Offset>> {
    let shown = path.display();
    let trouble = |error| Failure::failed(format!("{shown}: {error}"));
    let size_bytes = std::fs::metadata(path).map_err(trouble)?.len();
    if size_bytes > FILE_BYTES_MAX {
        return Err(Failure::failed(format!(
            "{shown}: {size_bytes} bytes, which is too much"
        )));
    }
    let text = std::fs::read_to_string(path).map_err(trouble)?;
    parse(&text, group).map_err(|error| Failure::failed(format!("{shown}: {error}")))
}

fn parse(text: &str, group: &str) -> Result<BTreeMap<TopicPartition, Offset>, String> {
    let mut offsets = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let error = || {
            format!(
                "line {number}: {line:?}: write topic,partition,offset or \
                 group,topic,partition,offset"
            )
        };
        let fields: Vec<&str> = line
            .split(',')
            .map(|field| field.trim().trim_matches('"'))
            .collect();
        let (topic, partition, offset) = match fields.as_slice() {
            [topic, partition, offset] => (*topic, partition, offset),
            [of, topic, partition, offset] if *of == group => (*topic, partition, offset),
            [_, _, _, _] => continue,
            _ => return Err(error()),
        };
        let partition: u16 = partition.parse().map_err(|_e| error())?;
        let offset: u32 = offset.parse().map_err(|_e| error())?;
        offsets.insert(TopicPartition::new(topic, partition.into()), offset.into());
    }
    Ok(offsets)
}

/// A plan in that form.
pub(super) fn export(changes: &[Change]) -> String {
    let lines = changes.iter().map(|change| {
        let key = &change.partition;
        format!("{},{},{}\n", key.topic, key.partition, change.after)
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_of_kafkas_forms_are_read() {
        let key = |partition| TopicPartition::new("t", partition);
        let expected = BTreeMap::from([(key(0), 5), (key(1), 7)]);
        assert_eq!(parse("t,0,5\nt,1,7\n", "g"), Ok(expected.clone()));
        let many = "\"g\",\"t\",0,5\nh,t,0,1\n\ng,t,1,7";
        assert_eq!(parse(many, "g"), Ok(expected));
        for text in ["t,0", "t,x,1", "t,0,-1", "a,b,c,d,e"] {
            let refused = parse(text, "g").expect_err(text);
            assert!(refused.starts_with("line 1"), "{refused}");
        }
    }
}
