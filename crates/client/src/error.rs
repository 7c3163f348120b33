//! What can go wrong, one variant per case that a caller treats differently.
//!
//! Errors are `Clone`, because one failed batch answers many records. A broker's refusal keeps
//! Kafka's number and name even when the number is one this version does not know.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use types::ErrorCode;

use crate::Address;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One try to reach an address: which, how it ended, how long it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What was dialled.
    pub address: Address,
    /// Why it failed, in words.
    pub reason: String,
    /// Whether the host name did not resolve (as opposed to: resolved, but nobody answered).
    pub is_name_unknown: bool,
    /// Time spent.
    pub elapsed: Duration,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.elapsed.as_millis();
        write!(f, "{}: {} after {ms} ms", self.address, self.reason)
    }
}

/// A broker's own "no": an error code and sometimes a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The number on the wire.
    pub code: i16,
    /// What was asked for, for example `create topic cities` or `fetch cities-0`.
    pub what: String,
    /// The broker's explanation, if it gave one.
    pub message: Option<String>,
}

impl Refusal {
    /// The code, if this version knows it.
    #[must_use]
    pub fn error_code(&self) -> Option<ErrorCode> {
        ErrorCode::from_wire(self.code)
    }

    /// Kafka's name of the code.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.error_code()
            .map_or("UNKNOWN_ERROR_CODE", ErrorCode::name)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.what, self.name(), self.code)?;
        match self.message.as_deref() {
            Some(message) if !message.is_empty() => write!(f, ": {message}"),
            _ => Ok(()),
        }
    }
}

/// Everything this client reports.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No bootstrap address answered as a Kafka broker does.
    #[error("no broker answered at {}", list(.attempts))]
    BootstrapUnreachable {
        /// All tries of the last round.
        attempts: Vec<Attempt>,
    },
    /// The cluster answered, but the address one of its brokers advertises does not.
    #[error("broker {node_id} is unreachable at the address it advertises, {attempt}")]
    BrokerUnreachable {
        /// The broker.
        node_id: i32,
        /// The bootstrap address that did answer.
        bootstrap: Address,
        /// The try at the advertised address.
        attempt: Attempt,
    },
    /// The metadata names no broker with this id: it is down, fenced or was never there.
    #[error("broker {node_id} is not among the live brokers")]
    UnknownBroker {
        /// The broker asked for.
        node_id: i32,
    },
    /// The connection broke while an answer was awaited. The request may have been carried out.
    #[error("the connection to {address} broke: {reason}")]
    Disconnected {
        /// The other end.
        address: Address,
        /// What the socket or the framing said.
        reason: String,
    },
    /// Time ran out.
    #[error("{what}: no success within {} ms{}", .after.as_millis(), because(.last))]
    TimedOut {
        /// What was being done.
        what: String,
        /// The time allowed.
        after: Duration,
        /// The last error met on the way.
        last: Option<Arc<Self>>,
    },
    /// The broker said no.
    #[error("{0}")]
    Refused(Refusal),
    /// Broker and client have no version of this request in common.
    #[error(
        "{address} does not support {api} in a version this client speaks ({ours}; it offers {theirs})"
    )]
    Unsupported {
        /// Kafka's name of the request.
        api: &'static str,
        /// The broker.
        address: Address,
        /// Our range.
        ours: String,
        /// The broker's range, or "nothing".
        theirs: String,
    },
    /// The partition is unknown to the cluster's metadata.
    #[error("topic {topic} has no partition {partition}: it has {count}")]
    NoSuchPartition {
        /// The topic.
        topic: String,
        /// The partition asked for.
        partition: i32,
        /// How many there are.
        count: usize,
    },
    /// The other end sent bytes that are not what the protocol says.
    #[error("{what}: malformed bytes from the broker: {reason}")]
    Malformed {
        /// What was being read.
        what: String,
        /// What was wrong.
        reason: String,
    },
    /// The request cannot be written in the version that the broker speaks.
    #[error("{what}: the broker is too old for this ({reason})")]
    InvalidRequest {
        /// Kafka's name of the request.
        what: &'static str,
        /// Which part it cannot say.
        reason: String,
    },
    /// The record alone is larger than a request may be.
    #[error("a record of {size_bytes} bytes is larger than max.request.size={limit_bytes}")]
    RecordTooLarge {
        /// Its size, with what surrounds it.
        size_bytes: usize,
        /// `max.request.size`.
        limit_bytes: usize,
    },
    /// The record cannot be sent as it is.
    #[error("{reason}")]
    InvalidRecord {
        /// Why, with the setting concerned.
        reason: String,
    },
    /// A leader that did not have all records has been elected: those read from this offset on are no
    /// longer in the log.
    #[error("records of {partition} that were read are no longer in the log from offset {end} on")]
    CutOff {
        /// The partition.
        partition: types::TopicPartition,
        /// Where the log parts from what was read.
        end: types::Offset,
    },
    /// A group has not committed anything for these partitions, and `auto.offset.reset` is `none`.
    #[error("group {group} has committed nothing for {}, and auto.offset.reset is none", names(.partitions))]
    NothingCommitted {
        /// The group.
        group: String,
        /// The partitions.
        partitions: Vec<types::TopicPartition>,
    },
    /// Settings that make no sense, alone or together.
    #[error("{reason}")]
    InvalidConfig {
        /// Why, with the setting concerned.
        reason: String,
    },
    /// The producer, consumer or client has been closed.
    #[error("closed")]
    Closed,
}

fn list(attempts: &[Attempt]) -> String {
    let all: Vec<_> = attempts.iter().map(ToString::to_string).collect();
    all.join("; ")
}

fn names(partitions: &[types::TopicPartition]) -> String {
    let all: Vec<_> = partitions.iter().map(ToString::to_string).collect();
    all.join(", ")
}

fn because(last: &Option<Arc<Error>>) -> String {
    last.as_ref()
        .map(|error| format!(", last error: {error}"))
        .unwrap_or_default()
}

impl Error {
    /// A refusal, unless the code is zero.
    ///
    /// # Errors
    /// [`Error::Refused`] for every code but `NONE`.
    pub fn check(code: i16, message: Option<&str>, what: impl FnOnce() -> String) -> Result<()> {
        if code == 0 {
            return Ok(());
        }
        Err(Self::refused(code, message, what()))
    }

    /// A refusal with a code that is not zero.
    #[must_use]
    pub fn refused(code: i16, message: Option<&str>, what: String) -> Self {
        Self::Refused(Refusal {
            code,
            what,
            message: message.map(ToOwned::to_owned),
        })
    }

    /// The broker's error code behind this error, also through a timeout's last error.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        self.refusal().and_then(Refusal::error_code)
    }

    /// The broker's refusal behind this error, also through a timeout's last error.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::TimedOut { last, .. } => last.as_deref().and_then(Self::refusal),
            _ => None,
        }
    }

    /// Whether the same request may succeed if sent again, after metadata has been refreshed.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Disconnected { .. }
            | Self::BootstrapUnreachable { .. }
            | Self::UnknownBroker { .. }
            | Self::TimedOut { last: None, .. } => true,
            // A name that does not resolve will not resolve in a second either.
            Self::BrokerUnreachable { attempt, .. } => !attempt.is_name_unknown,
            Self::Refused(refusal) => refusal.error_code().is_some_and(ErrorCode::is_retriable),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_by_name_and_number() {
        let error = Error::refused(
            36,
            Some("Topic 'a' already exists."),
            "create topic a".into(),
        );
        assert_eq!(
            error.to_string(),
            "create topic a: TOPIC_ALREADY_EXISTS (36): Topic 'a' already exists."
        );
        assert_eq!(error.code(), Some(ErrorCode::TopicAlreadyExists));
        assert!(!error.is_retriable());
    }

    #[test]
    fn an_unknown_code_keeps_its_number() {
        let error = Error::refused(9999, None, "x".into());
        assert_eq!(error.to_string(), "x: UNKNOWN_ERROR_CODE (9999)");
        assert_eq!(error.code(), None);
    }

    #[test]
    fn a_timeout_shows_what_it_last_met() {
        let last = Error::refused(6, None, "fetch a-0".into());
        let error = Error::TimedOut {
            what: "fetch a-0".into(),
            after: Duration::from_secs(1),
            last: Some(Arc::new(last)),
        };
        assert_eq!(error.code(), Some(ErrorCode::NotLeaderOrFollower));
        assert!(
            error
                .to_string()
                .ends_with("last error: fetch a-0: NOT_LEADER_OR_FOLLOWER (6)")
        );
    }
}
