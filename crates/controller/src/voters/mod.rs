//! Kafka's requests to change who votes on metadata (KIP-853).
//!
//! They are no decisions on the image: the quorum itself carries them out, which may take a while, and
//! meanwhile the active controller goes on deciding. Each API has one file, and that file is the only
//! place where its refusals become error codes.

mod add;
mod remove;

use std::time::Duration;

use bytes::Bytes;
use metadata::feature::KRAFT_VERSION;
use protocol::frame::{decode_body, encode_body};
use protocol::{ApiKey, Message, Request};
use rpc::ForwardRequest;
use tokio::time::Instant;
use types::{ErrorCode, NodeId};

use crate::quorum::{ChangeError, Quorum};

/// A change takes no longer, whatever the client is willing to wait.
const CHANGE_TIME_MAX: Duration = Duration::from_secs(600);
/// How long a change may take whose request says nothing about it.
const CHANGE_TIME: Duration = Duration::from_secs(30);

/// Why a request has no answer in Kafka's words.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// Another controller has to be asked.
    #[error("this is not the active controller")]
    NotActive,
    /// It makes no sense.
    #[error("{0}")]
    Invalid(String),
}

/// Carries out a change of the voters; `None` if the request is about something else.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn answer(
    quorum: &Quorum,
    request: &ForwardRequest,
) -> Option<Result<Bytes, Error>> {
    let (version, body) = (request.api_version, request.body.clone());
    match ApiKey::from_wire(request.api_key)? {
        ApiKey::AddRaftVoter => {
            Some(run(version, body, async |it| add::answer(quorum, it).await).await)
        }
        ApiKey::RemoveRaftVoter => {
            Some(run(version, body, async |it| remove::answer(quorum, it).await).await)
        }
        _ => None,
    }
}

async fn run<R: Request>(
    version: i16,
    body: Bytes,
    answer: impl AsyncFnOnce(R) -> Result<R::Response, Error>,
) -> Result<Bytes, Error>
where
    R::Response: Message,
{
    let invalid = |what: &dyn std::error::Error| Error::Invalid(format!("{}: {what}", R::KEY));
    if !R::KEY.versions().contains(&version) {
        let message = format!("{} has no version {version}", R::KEY);
        return Err(Error::Invalid(message));
    }
    let request = decode_body::<R>(body, version).map_err(|error| invalid(&error))?;
    let response = answer(request).await?;
    encode_body(&response, version).map_err(|error| invalid(&error))
}

/// Why the cluster does not take a change at all.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Unfit {
    #[error("this is cluster {0}")]
    ClusterId(String),
    #[error("the voters of this cluster cannot be changed while kraft.version is {0}")]
    KraftVersion(i16),
}

impl Unfit {
    const fn code(&self) -> ErrorCode {
        match self {
            Self::ClusterId(_) => ErrorCode::InconsistentClusterId,
            Self::KraftVersion(_) => ErrorCode::UnsupportedVersion,
        }
    }
}

/// What has to hold for any change.
fn check_cluster(quorum: &Quorum, cluster_id: Option<&str>) -> Result<(), Unfit> {
    let image = quorum.published().image();
    let own = image.cluster_id().unwrap_or_default();
    if cluster_id.is_some_and(|given| given != own) {
        return Err(Unfit::ClusterId(own.to_owned()));
    }
    match image.feature_level(KRAFT_VERSION) {
        level @ ..1 => Err(Unfit::KraftVersion(level)),
        _ => Ok(()),
    }
}

fn deadline(timeout_ms: Option<i32>) -> Instant {
    let asked = timeout_ms.and_then(|ms| u64::try_from(ms).ok());
    let patience = asked.map_or(CHANGE_TIME, Duration::from_millis);
    Instant::now() + patience.min(CHANGE_TIME_MAX)
}

fn node_id(id: i32) -> Option<NodeId> {
    (id >= 0).then_some(NodeId(id))
}

/// The code of a change that the quorum did not make; an error if another controller may make it.
fn code(error: &ChangeError) -> Result<ErrorCode, Error> {
    Ok(match error {
        ChangeError::NotLeader | ChangeError::Stopped(_) => return Err(Error::NotActive),
        ChangeError::Busy | ChangeError::Lagging(_) | ChangeError::Uncommitted => {
            ErrorCode::RequestTimedOut
        }
        ChangeError::Duplicate(_) => ErrorCode::DuplicateVoter,
        ChangeError::NotFound(..) => ErrorCode::VoterNotFound,
        ChangeError::LastVoter(_) | ChangeError::Full => ErrorCode::InvalidRequest,
    })
}
