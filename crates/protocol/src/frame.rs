//! Whole frames: the header before each body, and the size before each frame.
//!
//! ```text
//! request   size  key  version  correlation id  client id  [tags]  body
//! response  size  correlation id  [tags]  body
//! ```
//!
//! Functions that decode start behind the size; functions that encode write it.

use bytes::Bytes;

use crate::wire::{DecodeError, EncodeError, Reader, Segments, Writer};
use crate::{ApiKey, Message, Request, Str};

/// What precedes every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHeader {
    /// What is asked.
    pub api_key: ApiKey,
    /// In which version the body is written; the response is in the same.
    pub api_version: i16,
    /// Comes back in the response.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<Str>,
}

/// Why a request cannot be dispatched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// No API has this key: close the connection.
    #[error("unknown api key {api_key} version {api_version}")]
    UnknownApi {
        /// The key as it came.
        api_key: i16,
        /// The version as it came.
        api_version: i16,
    },
    /// The API is known, the version is not. `ApiVersions` is answered with error 35 in version 0;
    /// for any other, close the connection.
    #[error("{api_key} has no version {api_version}")]
    UnsupportedVersion {
        /// The key.
        api_key: ApiKey,
        /// The version as it came.
        api_version: i16,
        /// For the answer to `ApiVersions`.
        correlation_id: i32,
    },
    /// The header is not a header.
    #[error("malformed request header: {0}")]
    Malformed(#[from] DecodeError),
}

/// Reads a request's header and leaves the reader at the body. A version within
/// [`ApiKey::versions`] is the only one that passes.
pub fn decode_request_header(r: &mut Reader) -> Result<RequestHeader, HeaderError> {
    let key = r.i16()?;
    let api_version = r.i16()?;
    let correlation_id = r.i32()?;
    let Some(api_key) = ApiKey::from_wire(key) else {
        return Err(HeaderError::UnknownApi {
            api_key: key,
            api_version,
        });
    };
    if !api_key.versions().contains(&api_version) {
        return Err(HeaderError::UnsupportedVersion {
            api_key,
            api_version,
            correlation_id,
        });
    }
    // The client id never has a compact length, so that brokers of any age can read it.
    r.set_flexible(false);
    let client_id = r.nullable_string()?;
    r.set_flexible(api_key.request_header_version(api_version) >= 2);
    r.skip_tags()?;
    Ok(RequestHeader {
        api_key,
        api_version,
        correlation_id,
        client_id,
    })
}

/// Reads a request's body. Bytes behind it are ignored, as Kafka does.
pub fn decode_request<R: Request>(r: &mut Reader, version: i16) -> Result<R, DecodeError> {
    R::decode(r, version)
}

/// A response, size included.
pub fn encode_response<M: Message>(
    correlation_id: i32,
    api_key: ApiKey,
    version: i16,
    response: &M,
) -> Result<Segments, EncodeError> {
    let mut w = begin_response(correlation_id, api_key, version, response.encoded_len());
    response.encode(&mut w, version)?;
    w.finish_frame()
}

/// A response, size included, whose body has been encoded elsewhere.
pub fn encode_response_with_body(
    correlation_id: i32,
    api_key: ApiKey,
    version: i16,
    body: &Bytes,
) -> Result<Segments, EncodeError> {
    let mut w = begin_response(correlation_id, api_key, version, 0);
    w.insert(body);
    w.finish_frame()
}

fn begin_response(correlation_id: i32, api_key: ApiKey, version: i16, body_len: usize) -> Writer {
    let mut w = Writer::with_capacity(4 + 4 + 1 + body_len);
    w.i32(0);
    w.i32(correlation_id);
    w.set_flexible(api_key.response_header_version(version) >= 1);
    w.no_tags();
    w
}

/// A request, size included. The header's key must be the request's own.
pub fn encode_request<R: Request>(
    header: &RequestHeader,
    request: &R,
) -> Result<Segments, EncodeError> {
    debug_assert_eq!(header.api_key, R::KEY, "the header is of another request");
    let client_id_len = header.client_id.as_ref().map_or(0, |id| id.len());
    let capacity = 4 + 8 + 2 + client_id_len + 1 + request.encoded_len();
    let mut w = Writer::with_capacity(capacity);
    w.i32(0);
    w.i16(R::KEY.to_wire());
    w.i16(header.api_version);
    w.i32(header.correlation_id);
    w.set_flexible(false);
    w.nullable_string(header.client_id.as_ref())?;
    w.set_flexible(R::KEY.request_header_version(header.api_version) >= 2);
    w.no_tags();
    request.encode(&mut w, header.api_version)?;
    w.finish_frame()
}

/// The correlation id that a response starts with.
pub fn decode_correlation_id(frame: &Bytes) -> Result<i32, DecodeError> {
    Reader::new(frame.clone()).i32()
}

/// Reads a whole response of the given request's kind: its correlation id and its body.
pub fn decode_response<R: Request>(
    frame: Bytes,
    version: i16,
) -> Result<(i32, R::Response), DecodeError> {
    let mut r = Reader::new(frame);
    let correlation_id = r.i32()?;
    r.set_flexible(R::KEY.response_header_version(version) >= 1);
    r.skip_tags()?;
    Ok((correlation_id, R::Response::decode(&mut r, version)?))
}

/// A body alone, in one piece.
pub fn encode_body<M: Message>(body: &M, version: i16) -> Result<Bytes, EncodeError> {
    let mut w = Writer::with_capacity(body.encoded_len());
    body.encode(&mut w, version)?;
    Ok(w.finish().to_bytes())
}

/// Reads a body alone.
pub fn decode_body<M: Message>(body: Bytes, version: i16) -> Result<M, DecodeError> {
    M::decode(&mut Reader::new(body), version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
    use crate::messages::sasl_handshake::SaslHandshakeRequest;

    fn header_of(bytes: &[u8]) -> Result<RequestHeader, HeaderError> {
        decode_request_header(&mut Reader::new(Bytes::copy_from_slice(bytes)))
    }

    #[test]
    fn an_unknown_key_is_told_from_an_unknown_version() {
        let unknown = HeaderError::UnknownApi {
            api_key: 4,
            api_version: 1,
        };
        assert_eq!(header_of(&[0, 4, 0, 1, 0, 0, 0, 9]), Err(unknown));
        for (key, version) in [(ApiKey::Produce, 2), (ApiKey::ApiVersions, 5)] {
            let [_, low] = key.to_wire().to_be_bytes();
            let result = header_of(&[0, low, 0, version, 0, 0, 0, 9]);
            let expected = HeaderError::UnsupportedVersion {
                api_key: key,
                api_version: i16::from(version),
                correlation_id: 9,
            };
            assert_eq!(result, Err(expected));
        }
    }

    #[test]
    fn a_header_that_ends_early_is_malformed() {
        for end in 0..11 {
            let header = [0, 3, 0, 1, 0, 0, 0, 9, 0, 1, b'x'];
            let result = header_of(&header[..end]);
            assert!(
                matches!(result, Err(HeaderError::Malformed(_))),
                "{end} {result:?}"
            );
        }
    }

    #[test]
    fn tags_in_a_header_are_skipped() {
        let header = [0, 3, 0, 12, 0, 0, 0, 9, 0, 1, b'x', 1, 7, 2, 0, 0];
        let header = header_of(&header).expect("a header");
        assert_eq!(header.client_id.as_deref(), Some("x"));
    }

    #[test]
    fn bytes_behind_a_request_stay_in_the_reader() {
        let body = encode_body(&SaslHandshakeRequest::default(), 1).expect("defaults");
        let mut r = Reader::new([&body[..], &[1, 2, 3]].concat().into());
        let request: SaslHandshakeRequest = decode_request(&mut r, 1).expect("defaults");
        assert_eq!(request, SaslHandshakeRequest::default());
        assert_eq!(r.rest(), Bytes::from_static(&[1, 2, 3]));
    }

    #[test]
    fn a_response_is_read_with_its_own_header() {
        for version in [3, 4] {
            let response = HeartbeatResponse {
                throttle_time_ms: 7,
                error_code: 25,
            };
            let framed = encode_response(11, ApiKey::Heartbeat, version, &response);
            let framed = framed.expect("two numbers").to_bytes();
            let frame = framed.slice(4..);
            assert_eq!(decode_correlation_id(&frame), Ok(11));
            let decoded = decode_response::<HeartbeatRequest>(frame, version);
            assert_eq!(decoded, Ok((11, response.clone())));

            let body = encode_body(&response, version).expect("two numbers");
            let forwarded = encode_response_with_body(11, ApiKey::Heartbeat, version, &body);
            assert_eq!(forwarded.expect("short").to_bytes(), framed);
        }
    }
}
