//! A broker that says what a test tells it to.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use protocol::frame::{self, RequestHeader};
use protocol::messages::api_versions::{ApiVersion, ApiVersionsResponse};
use protocol::messages::metadata::{
    MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use protocol::wire::Reader;
use protocol::{ApiKey, Message, Segments, Str};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use types::Uuid;

/// Answers one request; `None` closes the connection.
pub(crate) type Answer = Arc<dyn Fn(&RequestHeader, Reader) -> Option<Segments> + Send + Sync>;

/// The id of the topic `t`.
pub(crate) const TOPIC_ID: Uuid = Uuid::from_bytes([7; 16]);

/// Binds a port of the loopback interface.
pub(crate) async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

/// Serves until the runtime ends.
pub(crate) fn serve(listener: TcpListener, answer: Answer) {
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(converse(socket, Arc::clone(&answer)));
        }
    });
}

async fn converse(mut socket: TcpStream, answer: Answer) {
    while let Ok(size) = socket.read_u32().await {
        let mut body = vec![0; size as usize];
        socket.read_exact(&mut body).await.expect("a whole frame");
        let mut reader = Reader::new(Bytes::from(body));
        let header = frame::decode_request_header(&mut reader).expect("a header");
        let Some(mut reply) = answer(&header, reader) else {
            return;
        };
        let bytes = reply.copy_to_bytes(reply.remaining());
        socket.write_all(&bytes).await.expect("the client reads");
    }
}

/// A reply in the request's version.
pub(crate) fn reply<M: Message>(header: &RequestHeader, message: &M) -> Option<Segments> {
    reply_in(header, header.api_version, message)
}

/// A reply in another version than the request's.
pub(crate) fn reply_in<M: Message>(
    header: &RequestHeader,
    version: i16,
    message: &M,
) -> Option<Segments> {
    let encoded = frame::encode_response(header.correlation_id, header.api_key, version, message);
    Some(encoded.expect("encodes"))
}

/// Versions of these requests only.
pub(crate) fn versions(apis: &[(ApiKey, i16, i16)]) -> ApiVersionsResponse {
    let api_keys = apis
        .iter()
        .map(|(key, min_version, max_version)| ApiVersion {
            api_key: key.to_wire(),
            min_version: *min_version,
            max_version: *max_version,
        });
    ApiVersionsResponse {
        api_keys: api_keys.collect(),
        ..ApiVersionsResponse::default()
    }
}

/// What today's brokers support.
pub(crate) fn all_versions() -> ApiVersionsResponse {
    let apis = [
        ApiKey::ApiVersions,
        ApiKey::Metadata,
        ApiKey::Produce,
        ApiKey::Fetch,
        ApiKey::ListOffsets,
        ApiKey::InitProducerId,
    ];
    let ranges = apis.map(|key| (key, *key.versions().start(), *key.versions().end()));
    versions(&ranges)
}

/// Brokers by id, and the topic `t` with one partition under this leader.
pub(crate) fn metadata(
    brokers: &[(i32, SocketAddr)],
    leader: i32,
    leader_epoch: i32,
) -> MetadataResponse {
    let brokers = brokers
        .iter()
        .map(|(node_id, address)| MetadataResponseBroker {
            node_id: *node_id,
            host: Str::from(address.ip().to_string()),
            port: address.port().into(),
            rack: None,
        });
    MetadataResponse {
        brokers: brokers.collect(),
        controller_id: 1,
        topics: vec![MetadataResponseTopic {
            name: Some(Str::from_static("t")),
            topic_id: TOPIC_ID,
            partitions: vec![MetadataResponsePartition {
                leader_id: leader,
                leader_epoch,
                replica_nodes: vec![1, 2],
                isr_nodes: vec![1, 2],
                ..MetadataResponsePartition::default()
            }],
            ..MetadataResponseTopic::default()
        }],
        ..MetadataResponse::default()
    }
}
