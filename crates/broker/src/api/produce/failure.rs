//! Why a partition's records were refused, in Kafka's codes.

use protocol::Str;
use protocol::messages::produce::{BatchIndexAndErrorMessage, PartitionProduceResponse};
use protocol::records::Invalid;
use storage::AppendError;
use tracing::{debug, error, warn};
use types::{ErrorCode, Offset};

use crate::partition::{AppendFailure, Partition};

/// Since which version an answer may explain itself (KIP-467).
const FIRST_VERSION_WITH_MESSAGES: i16 = 8;

const UNKNOWN_OFFSET: Offset = -1;

/// What the producer is told.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: ErrorCode,
    /// Kafka names the log's start where the log itself refused, and -1 elsewhere.
    log_start_offset: Offset,
    message: Option<String>,
    record_errors: Vec<BatchIndexAndErrorMessage>,
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            log_start_offset: UNKNOWN_OFFSET,
            message: None,
            record_errors: Vec::new(),
        }
    }
}

impl Failure {
    fn at(code: ErrorCode, log_start_offset: Offset) -> Self {
        Self {
            log_start_offset,
            ..Self::from(code)
        }
    }

    pub(super) fn into_response(self, index: i32, version: i16) -> PartitionProduceResponse {
        let mut response = PartitionProduceResponse {
            index,
            error_code: self.code.to_wire(),
            base_offset: UNKNOWN_OFFSET,
            log_append_time_ms: -1,
            log_start_offset: self.log_start_offset,
            ..PartitionProduceResponse::default()
        };
        if version >= FIRST_VERSION_WITH_MESSAGES {
            response.record_errors = self.record_errors;
            response.error_message = self.message.map(Str::from);
        }
        response
    }
}

/// The code for what the partition said. Failures of this machine are logged here.
pub(super) fn of(
    partition: &Partition,
    failure: AppendFailure,
    has_transactional_id: bool,
) -> Failure {
    let name = partition.topic_partition();
    debug!(partition = %name, ?failure, "records refused");
    match failure {
        AppendFailure::NotLeader => ErrorCode::NotLeaderOrFollower.into(),
        AppendFailure::Stopped => ErrorCode::KafkaStorageError.into(),
        AppendFailure::TooFewInSync => {
            Failure::at(ErrorCode::NotEnoughReplicas, partition.log_start_offset())
        }
        // Nobody could end the transaction while there is no coordinator.
        AppendFailure::Transactional if has_transactional_id => ErrorCode::InvalidTxnState.into(),
        AppendFailure::Transactional => ErrorCode::TransactionalIdAuthorizationFailed.into(),
        AppendFailure::Invalid(invalid) => of_invalid(partition, &invalid),
        AppendFailure::Log {
            error,
            log_start_offset,
        } => of_log(partition, &error, log_start_offset),
    }
}

fn of_invalid(partition: &Partition, invalid: &Invalid) -> Failure {
    let code = match invalid {
        Invalid::NoBatch | Invalid::MoreThanOneBatch | Invalid::OldMagic { .. } => {
            return ErrorCode::InvalidRecord.into();
        }
        Invalid::Corrupt(_) => return ErrorCode::CorruptMessage.into(),
        Invalid::TooLarge { .. } => return ErrorCode::MessageTooLarge.into(),
        Invalid::LargerThanSegment { .. } => return ErrorCode::RecordListTooLarge.into(),
        Invalid::ZstdNotAllowed => return ErrorCode::UnsupportedCompressionType.into(),
        Invalid::Timestamps { .. } => ErrorCode::InvalidTimestamp,
        Invalid::BaseOffset { .. }
        | Invalid::Count { .. }
        | Invalid::Control
        | Invalid::Sequence { .. }
        | Invalid::TransactionWithoutProducer
        | Invalid::NullKeys { .. }
        | Invalid::Records(_) => ErrorCode::InvalidRecord,
        Invalid::Recompress { .. } => ErrorCode::UnknownServerError,
    };
    let errors = invalid.record_errors().iter();
    let record_errors: Vec<_> = errors
        .map(|record| BatchIndexAndErrorMessage {
            batch_index: record.index,
            batch_index_error_message: Some(record.message.as_str().into()),
        })
        .collect();
    Failure {
        message: (!record_errors.is_empty()).then(|| invalid.to_string()),
        record_errors,
        ..Failure::at(code, partition.log_start_offset())
    }
}

fn of_log(partition: &Partition, error: &AppendError, log_start_offset: Offset) -> Failure {
    let name = partition.topic_partition();
    let code = match error {
        AppendError::OutOfOrderSequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
        AppendError::InvalidProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
        AppendError::LargerThanSegment { .. } => return ErrorCode::RecordListTooLarge.into(),
        AppendError::StaleLeaderEpoch { .. } => return ErrorCode::NotLeaderOrFollower.into(),
        AppendError::Malformed { .. } => ErrorCode::InvalidRecord,
        AppendError::UnexpectedOffset { .. } => {
            error!(partition = %name, %error, "a leader's append was refused as a follower's");
            ErrorCode::UnknownServerError
        }
        AppendError::Storage(cause) => {
            warn!(partition = %name, error = %cause, "records cannot be written");
            return ErrorCode::KafkaStorageError.into();
        }
    };
    Failure::at(code, log_start_offset)
}
