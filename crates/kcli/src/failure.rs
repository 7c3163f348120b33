//! What a command says when it fails: what, why (with Kafka's name and number), what to do.

use std::fmt;

use client::Error;
use serde_json::{Value, json};
use types::ErrorCode;

use crate::exit::Exit;

/// Shorthand for results of commands.
pub(crate) type Result<T = (), E = Failure> = std::result::Result<T, E>;

const NO_MAJORITY: &str = "a majority of the controllers may be down: see `kcli quorum status` and \
                           `kcli cluster health`";

/// A failure with everything a person or a script needs to act on it.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// The exit code it leads to.
    pub(crate) exit: Exit,
    /// What failed and why.
    pub(crate) message: String,
    /// Kafka's name and number, if a broker said no.
    pub(crate) kafka: Option<(&'static str, i16)>,
    /// What to do about it, most useful first.
    pub(crate) hints: Vec<String>,
    /// Whether everything has been said already, item by item.
    pub(crate) is_reported: bool,
}

impl Failure {
    /// A failure with this exit code and message.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            kafka: None,
            hints: Vec::new(),
            is_reported: false,
        }
    }

    /// The operation failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// The command line makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Some items failed and each has been told; only the exit code is left to set.
    pub(crate) fn reported(exit: Exit) -> Self {
        Self {
            is_reported: true,
            ..Self::new(exit, "")
        }
    }

    /// Adds what to do.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds what to do, if there is something.
    #[must_use]
    pub(crate) fn hint_if(self, hint: Option<String>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// The broker's code, if a broker said no.
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        self.kafka
            .and_then(|(_, number)| ErrorCode::from_wire(number))
    }

    /// The object under `"error"` in JSON output.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "exitCode": self.exit.code(),
            "message": self.message,
            "kafkaError": self.kafka.map(|(name, _)| name),
            "kafkaErrorCode": self.kafka.map(|(_, number)| number),
            "hints": self.hints,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let refusal = error.refusal();
        let mut failure = Self::new(exit_of(&error), message_of(&error));
        failure.kafka = refusal.map(|refusal| (refusal.name(), refusal.code));
        failure.hints = hints_of(&error);
        failure
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error.to_string())
    }
}

/// The error's own words; a question that ran out of time because each try of it did says so once.
fn message_of(error: &Error) -> String {
    let Error::TimedOut { what, after, last } = error else {
        return error.to_string();
    };
    let mut cause = last.as_deref();
    while let Some(Error::TimedOut { last, .. }) = cause {
        cause = last.as_deref();
    }
    let cause = cause.map(|cause| format!(", last error: {cause}"));
    let cause = cause.unwrap_or_default();
    format!("{what}: no success within {} ms{cause}", after.as_millis())
}

/// Questions that only the active controller answers; brokers pass them on, and wait.
const OF_THE_CONTROLLER: &[&str] = &[
    "AddRaftVoter",
    "AlterPartitionReassignments",
    "CreatePartitions",
    "CreateTopics",
    "DeleteTopics",
    "DescribeQuorum",
    "ElectLeaders",
    "IncrementalAlterConfigs",
    "ListPartitionReassignments",
    "RemoveRaftVoter",
    "UnregisterBroker",
    "UpdateFeatures",
];

/// Whether a broker was there and had no answer all the time to what the controllers must answer.
fn may_lack_controllers(error: &Error) -> bool {
    match error {
        Error::TimedOut {
            what, last: None, ..
        } => OF_THE_CONTROLLER.iter().any(|api| what.starts_with(api)),
        Error::TimedOut {
            last: Some(last), ..
        } => may_lack_controllers(last),
        _ => false,
    }
}

fn exit_of(error: &Error) -> Exit {
    match error {
        Error::BootstrapUnreachable { .. }
        | Error::BrokerUnreachable { .. }
        | Error::Disconnected { .. } => Exit::Unreachable,
        Error::TimedOut { last, .. } => match last.as_deref().map(exit_of) {
            Some(Exit::Denied) => Exit::Denied,
            _ => Exit::Unreachable,
        },
        Error::Refused(refusal) => exit_of_code(refusal.error_code()),
        Error::InvalidConfig { .. } => Exit::Usage,
        _ => Exit::Failed,
    }
}

fn exit_of_code(code: Option<ErrorCode>) -> Exit {
    use ErrorCode as E;
    match code {
        Some(
            E::TopicAuthorizationFailed
            | E::GroupAuthorizationFailed
            | E::ClusterAuthorizationFailed
            | E::TransactionalIdAuthorizationFailed
            | E::DelegationTokenAuthorizationFailed
            | E::SaslAuthenticationFailed
            | E::UnsupportedSaslMechanism
            | E::IllegalSaslState,
        ) => Exit::Denied,
        Some(E::RequestTimedOut) => Exit::Unreachable,
        _ => Exit::Failed,
    }
}

fn hints_of(error: &Error) -> Vec<String> {
    match error {
        Error::BootstrapUnreachable { .. } => vec![
            "is the broker running, and is this its address? Set it with -b HOST:PORT or \
             KCLI_BOOTSTRAP_SERVER"
                .to_owned(),
        ],
        Error::BrokerUnreachable {
            node_id,
            bootstrap,
            attempt,
        } => {
            let trouble = if attempt.is_name_unknown {
                "does not resolve here"
            } else {
                "cannot be connected to from here"
            };
            vec![
                format!(
                    "bootstrap {bootstrap} answered, but broker {node_id} advertises {}, which \
                     {trouble}",
                    attempt.address
                ),
                "see `kcli debug listeners`, and set advertised.listeners on that broker"
                    .to_owned(),
            ]
        }
        Error::TimedOut { last, .. } => {
            let mut hints = last.as_deref().map(hints_of).unwrap_or_default();
            if may_lack_controllers(error) && !hints.iter().any(|hint| hint == NO_MAJORITY) {
                hints.insert(0, NO_MAJORITY.to_owned());
            }
            let more = "allow more time with --timeout".to_owned();
            if !hints.contains(&more) {
                hints.push(more);
            }
            hints
        }
        Error::UnknownBroker { .. } => vec!["see `kcli broker list`".to_owned()],
        Error::Malformed { .. } => vec![
            "is this a Kafka listener? A TLS port or another service answers bytes like these"
                .to_owned(),
        ],
        Error::Refused(refusal) => hint_of_code(refusal.error_code()).into_iter().collect(),
        Error::NothingCommitted { .. } => vec![
            "--from-beginning, or -X auto.offset.reset=latest, says where such a group begins"
                .to_owned(),
        ],
        _ => Vec::new(),
    }
}

fn hint_of_code(code: Option<ErrorCode>) -> Option<String> {
    use ErrorCode as E;
    let hint = match code? {
        E::UnknownTopicOrPartition => "see `kcli topic list`",
        E::TopicAlreadyExists => "to accept an existing topic, add --if-not-exists",
        E::NotEnoughReplicas | E::NotEnoughReplicasAfterAppend => {
            "fewer replicas are in sync than min.insync.replicas asks for: see `kcli topic \
             describe` for the ISR and `kcli broker list` for who is missing"
        }
        E::MessageTooLarge => {
            "raise max.message.bytes of the topic (`kcli config set topic/NAME \
             max.message.bytes=…`) or send smaller events"
        }
        E::TopicDeletionDisabled => "the brokers run with delete.topic.enable=false",
        E::PolicyViolation => "DeleteRecords needs cleanup.policy to contain delete",
        E::UnsupportedVersion => "the broker is too old for this request",
        E::InconsistentGroupProtocol => {
            "its members have other assignors or another protocol: see `kcli group describe`, and \
             set -X partition.assignment.strategy or --group-protocol"
        }
        E::InvalidSessionTimeout => {
            "the brokers take from group.min.session.timeout.ms to group.max.session.timeout.ms"
        }
        E::GroupMaxSizeReached => "the brokers' group.max.size allows no more members",
        E::FencedInstanceId => "another member has come with the same --group-instance-id",
        E::UnreleasedInstanceId => {
            "another member has this --group-instance-id until it leaves or its session times out"
        }
        E::UnsupportedAssignor => "brokers know the group.remote.assignor uniform and range",
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_error_has_its_exit_code() {
        let cases = [
            (Error::refused(3, None, "x".into()), Exit::Failed),
            (Error::refused(29, None, "x".into()), Exit::Denied),
            (Error::refused(7, None, "x".into()), Exit::Unreachable),
            (
                Error::BootstrapUnreachable { attempts: vec![] },
                Exit::Unreachable,
            ),
        ];
        for (error, exit) in cases {
            assert_eq!(Failure::from(error.clone()).exit, exit, "{error}");
        }
    }

    #[test]
    fn a_question_that_nobody_answered_says_so_once_and_points_at_the_controllers() {
        let timed_out = |what: &str, ms, last: Option<Error>| Error::TimedOut {
            what: what.to_owned(),
            after: std::time::Duration::from_millis(ms),
            last: last.map(std::sync::Arc::new),
        };
        let silent = timed_out("CreateTopics to h:1", 5000, None);
        let failure = Failure::from(timed_out("CreateTopics", 30_000, Some(silent)));
        assert_eq!(failure.message, "CreateTopics: no success within 30000 ms");
        assert_eq!(failure.hints.len(), 2, "{:?}", failure.hints);
        assert_eq!(failure.hints[0], NO_MAJORITY);
        let produced = Failure::from(timed_out("Produce to h:1", 5000, None));
        assert_eq!(produced.hints, ["allow more time with --timeout"]);
        let refused = Error::refused(41, None, "create topic a".into());
        let failure = Failure::from(timed_out("CreateTopics", 30_000, Some(refused)));
        assert!(failure.message.contains(", last error: create topic a"));
        assert!(!failure.hints.iter().any(|hint| hint == NO_MAJORITY));
    }

    #[test]
    fn the_json_of_a_failure_names_kafkas_error() {
        let failure = Failure::from(Error::refused(36, None, "create topic a".into()));
        let json = failure.to_json();
        assert_eq!(json["kafkaError"], "TOPIC_ALREADY_EXISTS");
        assert_eq!(json["kafkaErrorCode"], 36);
        assert_eq!(json["exitCode"], 1);
    }
}
