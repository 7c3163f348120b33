//! Kafka's admin requests as clients send them: bytes in, records and bytes out.
//!
//! ```text
//! body bytes ─▶ decode ─▶ decide ─▶ records ──▶ proposed by the single writer
//!                            └────▶ answer ──▶ error codes ─▶ encode ─▶ sent after the commit
//! ```
//!
//! Each API has one file, and that file is the only place where its refusals become error codes.

mod alter_configs;
mod alter_partition_reassignments;
mod create_partitions;
mod create_topics;
mod delete_topics;
mod elect_leaders;
mod incremental_alter_configs;
mod list_partition_reassignments;
mod unregister_broker;
mod update_features;

use bytes::Bytes;
use metadata::{MetadataImage, MetadataRecord};
use protocol::frame::{decode_body, encode_body};
use protocol::wire::{DecodeError, EncodeError};
use protocol::{ApiKey, Message, Request, Str};
use rand::SeedableRng;
use rand::rngs::StdRng;
use types::{ErrorCode, NodeId};

use crate::decide::{Decision, Settings};

/// What a request is evaluated with, besides the image.
#[derive(Clone, Debug)]
pub struct RequestContext<'a> {
    /// The controller's own configuration.
    pub settings: &'a Settings,
    /// This node.
    pub controller: NodeId,
    /// The broker that forwarded the request, if it came through one.
    pub via: Option<NodeId>,
    /// Fresh random bytes. Whoever evaluates with the same ones gets the same records.
    pub seed: [u8; 32],
}

impl RequestContext<'_> {
    fn random(&self) -> StdRng {
        StdRng::from_seed(self.seed)
    }
}

/// A request that was evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// The records to propose; they replay onto the image of the evaluation. None if the request
    /// changes nothing, in which case the answer may go out as soon as that image is committed.
    pub records: Vec<MetadataRecord>,
    /// The body of the answer, true once the records are committed.
    pub response: Bytes,
}

/// Why a request cannot be answered at all. The connection it came from is best closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a request for a controller.
    #[error("{0} is not decided by the controller")]
    NotAnAdminApi(ApiKey),
    /// No such version.
    #[error("{key} has no version {version}")]
    UnsupportedVersion {
        /// The API.
        key: ApiKey,
        /// The version asked for.
        version: i16,
    },
    /// The body is not a body.
    #[error("malformed {key} request of version {version}: {source}")]
    Malformed {
        /// The API.
        key: ApiKey,
        /// The version.
        version: i16,
        /// What is wrong.
        source: DecodeError,
    },
    /// The answer does not fit the version, which is our mistake.
    #[error("the answer to a {key} request of version {version} cannot be written: {source}")]
    Answer {
        /// The API.
        key: ApiKey,
        /// The version.
        version: i16,
        /// What is wrong.
        source: EncodeError,
    },
}

macro_rules! apis {
    ($($variant:ident => $module:ident,)*) => {
        /// The APIs that [`evaluate`] knows.
        pub const APIS: &[ApiKey] = &[$(ApiKey::$variant,)*];

        /// Evaluates one admin request on the newest image, which may hold records that are not
        /// committed yet. Pure: nothing happens until the records are committed.
        ///
        /// # Errors
        /// The request cannot be answered at all. Refusals are answers.
        pub fn evaluate(
            image: &MetadataImage,
            context: &RequestContext<'_>,
            key: ApiKey,
            version: i16,
            body: Bytes,
        ) -> Result<Evaluated, Error> {
            match key {
                $(ApiKey::$variant => run::<$module::Api>(image, context, version, body),)*
                _ => Err(Error::NotAnAdminApi(key)),
            }
        }

        /// The answer to a request of which nothing was done: every item of it gets the code.
        ///
        /// For a request whose records could not be committed, or not in time.
        ///
        /// # Errors
        /// The request cannot be answered at all.
        pub fn refuse(
            key: ApiKey,
            version: i16,
            body: Bytes,
            code: ErrorCode,
        ) -> Result<Bytes, Error> {
            match key {
                $(ApiKey::$variant => run_refusal::<$module::Api>(version, body, code),)*
                _ => Err(Error::NotAnAdminApi(key)),
            }
        }
    };
}

apis! {
    CreateTopics => create_topics,
    DeleteTopics => delete_topics,
    CreatePartitions => create_partitions,
    AlterConfigs => alter_configs,
    IncrementalAlterConfigs => incremental_alter_configs,
    ElectLeaders => elect_leaders,
    AlterPartitionReassignments => alter_partition_reassignments,
    ListPartitionReassignments => list_partition_reassignments,
    UpdateFeatures => update_features,
    UnregisterBroker => unregister_broker,
}

/// One admin API.
trait AdminApi {
    type Request: Request<Response = Self::Response>;
    type Response: Message;

    /// How long the client is willing to wait, if the request says so. Nothing is done for a client
    /// that does not wait at all.
    fn timeout_ms(_request: &Self::Request) -> Option<i32> {
        None
    }

    /// Decides the request and words the answer.
    fn evaluate(
        image: &MetadataImage,
        context: &RequestContext<'_>,
        version: i16,
        request: &Self::Request,
    ) -> Decision<Self::Response>;

    /// The answer that gives every item of the request the same code.
    fn refuse(version: i16, request: &Self::Request, code: ErrorCode) -> Self::Response;
}

fn run<A: AdminApi>(
    image: &MetadataImage,
    context: &RequestContext<'_>,
    version: i16,
    body: Bytes,
) -> Result<Evaluated, Error> {
    let request = decode::<A>(version, body)?;
    let decision = match A::timeout_ms(&request) {
        // Kafka's deadline has passed before anything is looked at.
        Some(..=0) => Decision::only(A::refuse(version, &request, ErrorCode::RequestTimedOut)),
        Some(_) | None => A::evaluate(image, context, version, &request),
    };
    Ok(Evaluated {
        records: decision.records,
        response: encode::<A>(version, &decision.response)?,
    })
}

fn run_refusal<A: AdminApi>(version: i16, body: Bytes, code: ErrorCode) -> Result<Bytes, Error> {
    let request = decode::<A>(version, body)?;
    encode::<A>(version, &A::refuse(version, &request, code))
}

fn decode<A: AdminApi>(version: i16, body: Bytes) -> Result<A::Request, Error> {
    let key = A::Request::KEY;
    if !key.versions().contains(&version) {
        return Err(Error::UnsupportedVersion { key, version });
    }
    decode_body(body, version).map_err(|source| Error::Malformed {
        key,
        version,
        source,
    })
}

fn encode<A: AdminApi>(version: i16, response: &A::Response) -> Result<Bytes, Error> {
    encode_body(response, version).map_err(|source| Error::Answer {
        key: A::Request::KEY,
        version,
        source,
    })
}

/// Code and text of a result, in the two fields that every answer has.
fn worded<T, E: std::error::Error>(
    result: &Result<T, E>,
    code: impl Fn(&E) -> ErrorCode,
) -> (i16, Option<Str>) {
    match result {
        Ok(_) => (ErrorCode::None.to_wire(), None),
        Err(refusal) => (
            code(refusal).to_wire(),
            Some(Str::from(refusal.to_string())),
        ),
    }
}

#[cfg(test)]
mod tests;
