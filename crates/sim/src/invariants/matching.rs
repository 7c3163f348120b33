//! R7: replicas agree below the smaller of their high watermarks.

use types::{LeaderEpoch, NodeId, Offset};

use crate::log::Log;
use crate::message::Key;
use crate::world::World;

/// Its name in reports.
pub const NAME: &str = "logs match";

impl World {
    /// Compares all replicas of all running brokers.
    pub fn check_matching(&mut self) {
        let mut found = None;
        let mut seen: Vec<(Key, NodeId, Offset, &Log)> = Vec::new();
        for (id, broker) in self.brokers.iter().filter(|(id, _)| self.is_up(**id)) {
            for (key, replica) in &broker.replicas {
                let log = self
                    .machines
                    .get(id)
                    .and_then(|machine| machine.logs.get(&replica.place));
                let Some(log) = log else {
                    continue;
                };
                found = found.or_else(|| grows(log).map(|text| format!("{id}: {text}")));
                if replica.high_watermark > log.end() {
                    found = Some(format!("{id}: high watermark beyond the log's end"));
                }
                for (_, other, high_watermark, theirs) in seen.iter().filter(|one| one.0 == *key) {
                    let end = replica.high_watermark.min(*high_watermark);
                    let differs = differs(log, theirs, end);
                    found = found.or_else(|| {
                        differs.map(|offset| {
                            let (a, b) = (log.get(offset), theirs.get(offset));
                            format!("{id} has {a:?} at offset {offset}, {other} has {b:?}, both committed below {end}")
                        })
                    });
                }
                seen.push((*key, *id, replica.high_watermark, log));
            }
        }
        if let Some(text) = found {
            self.violated(NAME, text);
        }
    }
}

fn differs(a: &Log, b: &Log, end: Offset) -> Option<Offset> {
    (a.start().max(b.start())..end).find(|offset| a.get(*offset) != b.get(*offset))
}

/// Epochs grow along a log.
fn grows(log: &Log) -> Option<String> {
    let mut last = LeaderEpoch::NONE;
    for offset in log.start()..log.end() {
        let record = log.get(offset)?;
        if record.epoch < last {
            return Some(format!(
                "epoch {} follows {last} at offset {offset}",
                record.epoch
            ));
        }
        last = record.epoch;
    }
    None
}
