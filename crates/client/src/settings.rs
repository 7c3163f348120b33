//! Settings by Kafka's own names: one `key=value` as it stands in a Java client's properties file.

use std::time::Duration;

use protocol::records::Compression;

use crate::group::{Assignor, GroupConfig, GroupProtocol};
use crate::{Acks, Address, Config, ConsumerConfig, IsolationLevel, ProducerConfig, Reset};

/// All settings of a program that uses this client.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Connections and metadata.
    pub client: Config,
    /// Producing.
    pub producer: ProducerConfig,
    /// Consuming.
    pub consumer: ConsumerConfig,
    /// Being a member of a group.
    pub group: GroupConfig,
}

/// A setting that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No such key.
    #[error("unknown client setting {0:?}")]
    UnknownKey(String),
    /// A value of another kind.
    #[error("{key}={value:?}: expected {expected}")]
    BadValue {
        /// The key.
        key: String,
        /// The value given.
        value: String,
        /// What would have been right.
        expected: &'static str,
    },
    /// Known, but not available in this version.
    #[error("{key}={value}: only PLAINTEXT connections are supported in this version")]
    NotYet {
        /// The key.
        key: String,
        /// The value given.
        value: String,
    },
}

impl Settings {
    /// Kafka's defaults, for these bootstrap servers.
    #[must_use]
    pub fn new(bootstrap: Vec<Address>) -> Self {
        Self {
            client: Config::new(bootstrap),
            producer: ProducerConfig::default(),
            consumer: ConsumerConfig::default(),
            group: GroupConfig::default(),
        }
    }

    /// The keys that [`Settings::set`] knows.
    pub const KEYS: &[&str] = &[
        "bootstrap.servers",
        "client.id",
        "client.rack",
        "security.protocol",
        "request.timeout.ms",
        "default.api.timeout.ms",
        "socket.connection.setup.timeout.ms",
        "metadata.max.age.ms",
        "retry.backoff.ms",
        "retry.backoff.max.ms",
        "acks",
        "enable.idempotence",
        "compression.type",
        "batch.size",
        "linger.ms",
        "buffer.memory",
        "max.in.flight.requests.per.connection",
        "delivery.timeout.ms",
        "max.request.size",
        "max.block.ms",
        "allow.auto.create.topics",
        "isolation.level",
        "fetch.min.bytes",
        "fetch.max.wait.ms",
        "fetch.max.bytes",
        "max.partition.fetch.bytes",
        "max.poll.records",
        "check.crcs",
        "auto.offset.reset",
        "group.id",
        "group.instance.id",
        "group.protocol",
        "group.remote.assignor",
        "partition.assignment.strategy",
        "session.timeout.ms",
        "heartbeat.interval.ms",
        "max.poll.interval.ms",
        "enable.auto.commit",
        "auto.commit.interval.ms",
    ];

    /// Takes one setting under Kafka's name.
    ///
    /// # Errors
    /// A key that is not in [`Settings::KEYS`], or a value of the wrong kind.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), SettingError> {
        let value = Value { key, text: value };
        let (client, producer, consumer) =
            (&mut self.client, &mut self.producer, &mut self.consumer);
        match key {
            "bootstrap.servers" => {
                client.bootstrap = Address::parse_list(value.text)
                    .map_err(|_e| value.bad("host:port, with commas between"))?;
            }
            "client.id" => value.text.clone_into(&mut client.client_id),
            "security.protocol" if value.text.eq_ignore_ascii_case("PLAINTEXT") => {}
            "security.protocol" => return Err(value.not_yet()),
            _ if key.starts_with("sasl.") || key.starts_with("ssl.") => return Err(value.not_yet()),
            "request.timeout.ms" => client.request_timeout = value.ms()?,
            "default.api.timeout.ms" => client.api_timeout = value.ms()?,
            "socket.connection.setup.timeout.ms" => client.connect_timeout = value.ms()?,
            "metadata.max.age.ms" => client.metadata_max_age = value.ms()?,
            "retry.backoff.ms" => client.retry_backoff = value.ms()?,
            "retry.backoff.max.ms" => client.retry_backoff_max = value.ms()?,
            "acks" => producer.acks = value.acks()?,
            "enable.idempotence" => producer.is_idempotent = value.bool()?,
            "compression.type" => producer.compression = value.compression()?,
            "batch.size" => producer.batch_bytes = value.number()?,
            "linger.ms" => producer.linger = value.ms()?,
            "buffer.memory" => producer.buffer_bytes = value.number()?,
            "max.in.flight.requests.per.connection" => producer.in_flight_max = value.number()?,
            "delivery.timeout.ms" => producer.delivery_timeout = value.ms()?,
            "max.request.size" => producer.request_bytes_max = value.number()?,
            "max.block.ms" => producer.block_max = value.ms()?,
            "allow.auto.create.topics" => producer.may_create_topics = value.bool()?,
            "isolation.level" => consumer.isolation_level = value.isolation_level()?,
            "fetch.min.bytes" => consumer.fetch_min_bytes = value.number()?,
            "fetch.max.wait.ms" => consumer.fetch_wait_max = value.ms()?,
            "fetch.max.bytes" => consumer.fetch_bytes_max = value.number()?,
            "max.partition.fetch.bytes" => consumer.partition_fetch_bytes_max = value.number()?,
            "max.poll.records" => consumer.poll_records_max = value.number()?,
            "check.crcs" => consumer.checks_crc = value.bool()?,
            "auto.offset.reset" => consumer.reset = value.reset()?,
            "client.rack" => value.text.clone_into(&mut consumer.rack),
            _ => return set_of_group(&mut self.group, &value),
        }
        Ok(())
    }
}

fn set_of_group(group: &mut GroupConfig, value: &Value<'_>) -> Result<(), SettingError> {
    match value.key {
        "group.id" => value.text.clone_into(&mut group.group_id),
        "group.instance.id" => group.instance_id = value.optional(),
        "group.protocol" => group.protocol = value.protocol()?,
        "group.remote.assignor" => group.remote_assignor = value.optional(),
        "partition.assignment.strategy" => group.assignors = value.assignors()?,
        "session.timeout.ms" => group.session_timeout = value.ms()?,
        "heartbeat.interval.ms" => group.heartbeat_interval = value.ms()?,
        "max.poll.interval.ms" => group.poll_interval_max = value.ms()?,
        "enable.auto.commit" => group.is_auto_commit = value.bool()?,
        "auto.commit.interval.ms" => group.auto_commit_interval = value.ms()?,
        key => return Err(SettingError::UnknownKey(key.to_owned())),
    }
    Ok(())
}

struct Value<'a> {
    key: &'a str,
    text: &'a str,
}

impl Value<'_> {
    fn bad(&self, expected: &'static str) -> SettingError {
        SettingError::BadValue {
            key: self.key.to_owned(),
            value: self.text.to_owned(),
            expected,
        }
    }

    fn not_yet(&self) -> SettingError {
        SettingError::NotYet {
            key: self.key.to_owned(),
            value: self.text.to_owned(),
        }
    }

    fn number<T: std::str::FromStr>(&self) -> Result<T, SettingError> {
        let parsed = self.text.trim().parse();
        parsed.map_err(|_e| self.bad("a whole number"))
    }

    fn ms(&self) -> Result<Duration, SettingError> {
        self.number().map(Duration::from_millis)
    }

    fn bool(&self) -> Result<bool, SettingError> {
        let parsed = self.text.trim().to_ascii_lowercase().parse();
        parsed.map_err(|_e| self.bad("true or false"))
    }

    fn acks(&self) -> Result<Acks, SettingError> {
        match self.text {
            "all" | "-1" => Ok(Acks::All),
            "1" => Ok(Acks::Leader),
            "0" => Ok(Acks::None),
            _ => Err(self.bad("all, 1 or 0")),
        }
    }

    fn compression(&self) -> Result<Compression, SettingError> {
        match self.text {
            "none" => Ok(Compression::None),
            "gzip" => Ok(Compression::Gzip),
            "snappy" => Ok(Compression::Snappy),
            "lz4" => Ok(Compression::Lz4),
            "zstd" => Ok(Compression::Zstd),
            _ => Err(self.bad("none, gzip, snappy, lz4 or zstd")),
        }
    }

    fn optional(&self) -> Option<String> {
        (!self.text.is_empty()).then(|| self.text.to_owned())
    }

    fn protocol(&self) -> Result<GroupProtocol, SettingError> {
        match self.text.to_ascii_lowercase().as_str() {
            "classic" => Ok(GroupProtocol::Classic),
            "consumer" => Ok(GroupProtocol::Consumer),
            _ => Err(self.bad("classic or consumer")),
        }
    }

    fn assignors(&self) -> Result<Vec<Assignor>, SettingError> {
        let names = self.text.split(',').map(str::trim);
        let assignors = names.map(|name| {
            let assignor = Assignor::from_name(name);
            assignor.ok_or_else(|| self.bad("range, roundrobin or cooperative-sticky"))
        });
        assignors.collect()
    }

    fn isolation_level(&self) -> Result<IsolationLevel, SettingError> {
        match self.text {
            "read_uncommitted" => Ok(IsolationLevel::ReadUncommitted),
            "read_committed" => Ok(IsolationLevel::ReadCommitted),
            _ => Err(self.bad("read_uncommitted or read_committed")),
        }
    }

    fn reset(&self) -> Result<Option<Reset>, SettingError> {
        match self.text {
            "earliest" => Ok(Some(Reset::Earliest)),
            "latest" => Ok(Some(Reset::Latest)),
            "none" => Ok(None),
            _ => Err(self.bad("earliest, latest or none")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::new(vec![Address::new("localhost", 9092)])
    }

    #[test]
    fn every_listed_key_is_known() {
        for key in Settings::KEYS {
            let answer = settings().set(key, "\u{0}");
            assert!(!matches!(answer, Err(SettingError::UnknownKey(_))), "{key}");
        }
    }

    #[test]
    fn kafkas_names_and_values_are_taken() {
        let mut settings = settings();
        for (key, value) in [
            ("acks", "-1"),
            ("linger.ms", "0"),
            ("compression.type", "zstd"),
        ] {
            settings.set(key, value).expect(key);
        }
        assert_eq!(settings.producer.acks, Acks::All);
        assert_eq!(settings.producer.linger, Duration::ZERO);
        assert_eq!(settings.producer.compression, Compression::Zstd);
    }

    #[test]
    fn security_other_than_plaintext_is_refused_clearly() {
        let mut settings = settings();
        settings
            .set("security.protocol", "PLAINTEXT")
            .expect("supported");
        let refused = settings.set("security.protocol", "SASL_SSL");
        assert!(matches!(refused, Err(SettingError::NotYet { .. })));
        let refused = settings.set("sasl.mechanism", "PLAIN");
        assert!(matches!(refused, Err(SettingError::NotYet { .. })));
    }
}
