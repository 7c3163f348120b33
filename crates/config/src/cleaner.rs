//! What holds for the compaction of a node's logs.

use std::time::Duration;

use crate::key::Scope;
use crate::layers::Layers;
use crate::table;
use crate::value::Value;

/// The cleaner's settings. They may change while the node runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CleanerConfig {
    /// `log.cleaner.enable`: whether logs are compacted at all.
    pub enable: bool,
    /// `log.cleaner.threads`.
    pub threads: usize,
    /// `log.cleaner.backoff.ms`: the pause while there is nothing to do.
    pub backoff: Duration,
    /// `log.cleaner.dedupe.buffer.size`, of all threads together.
    pub dedupe_buffer_bytes: u64,
    /// `log.cleaner.io.buffer.load.factor`: how full that buffer gets, from 0 to 1.
    pub dedupe_buffer_load_factor: f64,
    /// `log.cleaner.io.buffer.size`, of all threads together.
    pub io_buffer_bytes: usize,
    /// `log.cleaner.io.max.bytes.per.second`, read and written, of all threads together.
    pub io_bytes_per_second_max: f64,
}

/// The settings with these layers.
#[must_use]
pub fn effective(layers: &Layers<'_>) -> CleanerConfig {
    let read = Reader { layers };
    let unsigned = |name| u64::try_from(read.whole(name)).unwrap_or(0);
    let size = |name| usize::try_from(read.whole(name)).unwrap_or(0);
    CleanerConfig {
        enable: matches!(read.value("log.cleaner.enable"), Some(Value::Boolean(true))),
        threads: size("log.cleaner.threads"),
        backoff: Duration::from_millis(unsigned("log.cleaner.backoff.ms")),
        dedupe_buffer_bytes: unsigned("log.cleaner.dedupe.buffer.size"),
        dedupe_buffer_load_factor: read.fraction("log.cleaner.io.buffer.load.factor"),
        io_buffer_bytes: size("log.cleaner.io.buffer.size"),
        io_bytes_per_second_max: read.fraction("log.cleaner.io.max.bytes.per.second"),
    }
}

struct Reader<'a, 'b> {
    layers: &'a Layers<'b>,
}

impl Reader<'_, '_> {
    fn value(&self, name: &str) -> Option<Value> {
        let key = table::key(Scope::Broker, name)?;
        let mut texts = self.layers.broker_texts(name);
        let set = texts.find_map(|(text, _)| key.validate(text).ok());
        set.or_else(|| key.validate(key.default_text()?).ok())
    }

    fn whole(&self, name: &str) -> i64 {
        match self.value(name) {
            Some(Value::Whole(n)) => n,
            _ => 0,
        }
    }

    fn fraction(&self, name: &str) -> f64 {
        match self.value(name) {
            Some(Value::Fraction(x)) => x,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_kafkas() {
        let config = effective(&Layers::default());
        let expected = CleanerConfig {
            enable: true,
            threads: 1,
            backoff: Duration::from_secs(15),
            dedupe_buffer_bytes: 128 << 20,
            dedupe_buffer_load_factor: 0.9,
            io_buffer_bytes: 512 << 10,
            io_bytes_per_second_max: f64::MAX,
        };
        assert_eq!(config, expected);
    }

    #[test]
    fn the_nearest_layer_that_makes_sense_holds() {
        let broker = |name: &str| (name == "log.cleaner.threads").then_some("many");
        let cluster = |name: &str| match name {
            "log.cleaner.threads" => Some("3"),
            "log.cleaner.io.max.bytes.per.second" => Some("1e6"),
            _ => None,
        };
        let file = |name: &str| match name {
            "log.cleaner.threads" => Some("5"),
            "log.cleaner.enable" => Some("false"),
            _ => None,
        };
        let config = effective(&Layers {
            resource: None,
            broker: Some(&broker),
            cluster: Some(&cluster),
            file: Some(&file),
        });
        assert!(!config.enable && config.threads == 3);
        assert!((config.io_bytes_per_second_max - 1e6).abs() < 1.0);
    }
}
