//! One connection to one broker, with its versions negotiated.
//!
//! Errors of the layer below become ours here, with the address they happened at.

use bytes::Bytes;
use net::client::{Connection, Options, Response};
use protocol::frame::{self, RequestHeader};
use protocol::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use protocol::wire::Reader;
use protocol::{ApiKey, Request, Str};
use tokio::time::Instant;
use types::ErrorCode;

use crate::versions::BrokerVersions;
use crate::{Address, Attempt, Config, Error, Result};

/// Out of the way of the ids that the connection counts itself.
const NEGOTIATION_CORRELATION_ID: i32 = i32::MAX;

/// See the module. Cheap to share; the last holder closes it.
#[derive(Debug)]
pub(crate) struct BrokerConnection {
    pub(crate) address: Address,
    pub(crate) versions: BrokerVersions,
    connection: Connection,
}

impl BrokerConnection {
    /// Connects and negotiates.
    ///
    /// # Errors
    /// The attempt as it went, for the message that names all of them.
    pub(crate) async fn open(address: &Address, config: &Config) -> Result<Self, Attempt> {
        let start = Instant::now();
        let options = Options {
            client_id: Some(Str::from(config.client_id.as_str())),
            connect_timeout: config.connect_timeout,
            request_timeout: config.request_timeout,
            max_response_bytes: config.response_bytes_max,
            ..Options::default()
        };
        let attempt = |error: &net::client::Error| Attempt {
            address: address.clone(),
            is_name_unknown: matches!(error, net::client::Error::Resolve { .. }),
            reason: reason(error),
            elapsed: start.elapsed(),
        };
        let connection = Connection::connect(&address.host, address.port, options)
            .await
            .map_err(|error| attempt(&error))?;
        let negotiated = tokio::time::timeout(config.connect_timeout, negotiate(&connection)).await;
        let response = match negotiated {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                let who = stranger(&error);
                let reason =
                    format!("connected, but it does not speak Kafka's protocol: {who} ({error})");
                return Err(Attempt {
                    reason,
                    ..attempt(&error)
                });
            }
            Err(_elapsed) => {
                return Err(Attempt {
                    address: address.clone(),
                    reason: "connected, but no answer".to_owned(),
                    is_name_unknown: false,
                    elapsed: start.elapsed(),
                });
            }
        };
        Ok(Self {
            address: address.clone(),
            versions: BrokerVersions::from_response(&response),
            connection,
        })
    }

    /// Whether requests may still be sent.
    pub(crate) fn is_open(&self) -> bool {
        self.connection.closed().is_none()
    }

    /// Ends it; whoever waits for an answer is told.
    pub(crate) fn close(&self) {
        self.connection.close();
    }

    /// The version to speak.
    pub(crate) fn version(&self, key: ApiKey) -> Result<i16> {
        self.versions.choose(key, &self.address)
    }

    /// Queues a request behind those sent before; the result waits for the answer, so long.
    pub(crate) fn send_within<R: Request>(
        &self,
        request: &R,
        version: i16,
        patience: std::time::Duration,
    ) -> Result<Response<R>> {
        let sent = self.connection.send_within(request, version, patience);
        sent.map_err(|error| self.error(R::KEY, &error))
    }

    /// Queues a request that has no answer.
    pub(crate) fn send_unanswered<R: Request>(&self, request: &R, version: i16) -> Result<()> {
        let sent = self.connection.send_unanswered(request, version);
        sent.map_err(|error| self.error(R::KEY, &error))
    }

    /// Waits until all that was queued is with the kernel.
    pub(crate) async fn flush(&self) -> Result<()> {
        let flushed = self.connection.flush().await;
        flushed.map_err(|error| self.error(ApiKey::Produce, &error))
    }

    /// Sends in the highest common version and waits for the answer.
    pub(crate) async fn request<R: Request>(&self, request: &R) -> Result<R::Response> {
        let version = self.version(R::KEY)?;
        self.request_version(request, version).await
    }

    /// Sends in a version chosen by the caller and waits for the answer.
    pub(crate) async fn request_version<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<R::Response> {
        let answer = self.connection.request(request, version).await;
        answer.map_err(|error| self.error(R::KEY, &error))
    }

    /// Sends in a version chosen by the caller; the answer as it came.
    pub(crate) async fn request_bytes<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<Bytes> {
        let header = RequestHeader {
            api_key: R::KEY,
            api_version: version,
            correlation_id: NEGOTIATION_CORRELATION_ID,
            client_id: None,
        };
        let sent = async {
            let message = frame::encode_request(&header, request)?;
            self.connection.ready().await?;
            self.connection
                .send_raw(message, NEGOTIATION_CORRELATION_ID)?
                .await
        };
        sent.await.map_err(|error| self.error(R::KEY, &error))
    }

    /// An error of the layer below, as this crate tells it.
    pub(crate) fn error(&self, key: ApiKey, error: &net::client::Error) -> Error {
        use net::client::Error as Net;
        match error {
            Net::Timeout { waited } => Error::TimedOut {
                what: format!("{} to {}", key.name(), self.address),
                after: *waited,
                last: None,
            },
            Net::Decode(_) | Net::OutOfOrder { .. } | Net::Unasked | Net::Frame(_) => {
                Error::Malformed {
                    what: format!("answer to {} from {}", key.name(), self.address),
                    reason: error.to_string(),
                }
            }
            Net::Encode(_) => Error::InvalidRequest {
                what: key.name(),
                reason: error.to_string(),
            },
            _ => Error::Disconnected {
                address: self.address.clone(),
                reason: reason(error),
            },
        }
    }
}

/// Who answers like this instead of a broker. The first four bytes, read as a length, give it away.
fn stranger(error: &net::client::Error) -> &'static str {
    const TLS_ALERT: usize = 0x1503;
    const HTTP: usize = 0x4854_5450;
    let announced = match error {
        net::client::Error::Frame(net::FrameError::TooLarge {
            announced_bytes, ..
        }) => *announced_bytes,
        net::client::Error::Closed => return "it closed the connection, as TLS ports do",
        _ => return "it sends something else",
    };
    match announced {
        tls if tls >> 16 == TLS_ALERT => "this is a TLS port, and TLS is not supported yet",
        HTTP => "this is an HTTP server",
        _ => "it sends something else",
    }
}

/// The innermost cause: the outer words repeat the address, which callers name already.
fn reason(error: &net::client::Error) -> String {
    use net::client::Error as Net;
    match error {
        Net::Resolve { source, .. } => format!("the name does not resolve ({source})"),
        Net::Connect { source, .. } | Net::Io(source) => match source.kind() {
            std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            _ => source.to_string(),
        },
        Net::ConnectTimeout { .. } => "no connection in time".to_owned(),
        Net::Closed => "the other end closed the connection".to_owned(),
        other => other.to_string(),
    }
}

/// Asks in our highest version. A broker that lacks it answers error 35 in version 0 with the
/// range it has.
async fn negotiate(connection: &Connection) -> Result<ApiVersionsResponse, net::client::Error> {
    let highest = *ApiKey::ApiVersions.versions().end();
    let first = ask_versions(connection, highest).await?;
    if first.error_code != ErrorCode::UnsupportedVersion.to_wire() {
        return Ok(first);
    }
    let own_key = ApiKey::ApiVersions.to_wire();
    let offered = first.api_keys.iter().find(|api| api.api_key == own_key);
    let version = offered.map_or(0, |api| api.max_version.clamp(0, highest));
    ask_versions(connection, version).await
}

async fn ask_versions(
    connection: &Connection,
    version: i16,
) -> Result<ApiVersionsResponse, net::client::Error> {
    let request = ApiVersionsRequest {
        client_software_name: Str::from_static("raudal-client"),
        client_software_version: Str::from_static(env!("CARGO_PKG_VERSION")),
    };
    let header = RequestHeader {
        api_key: ApiKey::ApiVersions,
        api_version: version,
        correlation_id: NEGOTIATION_CORRELATION_ID,
        client_id: Some(Str::from_static("raudal-client")),
    };
    let message = frame::encode_request(&header, &request)?;
    let answer = connection
        .send_raw(message, NEGOTIATION_CORRELATION_ID)?
        .await?;
    let version = match error_code(&answer) {
        Some(code) if code == ErrorCode::UnsupportedVersion.to_wire() => 0,
        _ => version,
    };
    Ok(frame::decode_response::<ApiVersionsRequest>(answer, version)?.1)
}

/// The error code, which stands right behind the correlation id in every version.
fn error_code(answer: &Bytes) -> Option<i16> {
    let mut r = Reader::new(answer.clone());
    r.i32().ok()?;
    r.i16().ok()
}
