//! What the hot path costs in allocations and copies: none but what the values themselves are.

#[path = "support/counting.rs"]
mod counting;

use bytes::{Bytes, BytesMut};
use protocol::frame::{self, RequestHeader};
use protocol::messages::{fetch, produce};
use protocol::wire::Reader;
use protocol::{ApiKey, Message, Str};

const PARTITIONS: i32 = 5;
const BATCH_BYTES: usize = 16 * 1024;

fn batch() -> Bytes {
    Bytes::from(vec![7; BATCH_BYTES])
}

/// The frame as it is when it has been read from a socket: without its size, and shared.
fn received(request: &produce::ProduceRequest, version: i16) -> Bytes {
    let header = RequestHeader {
        api_key: ApiKey::Produce,
        api_version: version,
        correlation_id: 1,
        client_id: Some(Str::from_static("producer-1")),
    };
    let framed = frame::encode_request(&header, request).expect("a valid request");
    BytesMut::from(&framed.to_bytes()[4..]).freeze()
}

fn produce_request() -> produce::ProduceRequest {
    let partition = |index| produce::PartitionProduceData {
        index,
        records: Some(batch().into()),
    };
    produce::ProduceRequest {
        acks: -1,
        topic_data: vec![produce::TopicProduceData {
            name: Str::from_static("orders"),
            partition_data: (0..PARTITIONS).map(partition).collect(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[test]
fn reading_a_produce_request_allocates_its_two_arrays_and_copies_nothing() {
    let frame = received(&produce_request(), 9);
    // The connection's buffer shares it.
    let _buffer = frame.clone();
    let window = frame.as_ptr_range();
    let mut r = Reader::new(frame);
    let (request, allocated) = counting::count(|| {
        let header = frame::decode_request_header(&mut r)?;
        frame::decode_request::<produce::ProduceRequest>(&mut r, header.api_version)
            .map_err(frame::HeaderError::from)
    });
    let request = request.expect("a valid request");
    assert_eq!(allocated.count, 2, "{allocated:?}");
    for partition in &request.topic_data[0].partition_data {
        let records = partition.records.as_ref().expect("not null").to_bytes();
        assert!(window.contains(&records.as_ptr()));
    }
}

#[test]
fn writing_a_fetch_response_allocates_once_and_refers_to_its_records() {
    let records: Vec<Bytes> = (0..PARTITIONS).map(|_| batch()).collect();
    // Shared, as the bytes of a read from a log are.
    let _shared = records.clone();
    let partition = |(partition_index, records): (i32, &Bytes)| fetch::PartitionData {
        partition_index,
        records: Some(records.clone().into()),
        ..Default::default()
    };
    let response = fetch::FetchResponse {
        responses: vec![fetch::FetchableTopicResponse {
            topic: Str::from_static("orders"),
            partitions: (0..).zip(&records).map(partition).collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let (segments, allocated) =
        counting::count(|| frame::encode_response(1, ApiKey::Fetch, 12, &response));
    let segments = segments.expect("a valid response");
    // The buffer, the count of its owners, and the two lists of pieces.
    assert!(allocated.count <= 5, "{allocated:?}");
    assert!(
        allocated.bytes < response.encoded_len() + 2048,
        "{allocated:?}"
    );
    for batch in &records {
        assert!(
            segments
                .pieces()
                .any(|piece| piece.as_ptr() == batch.as_ptr())
        );
    }
    // One piece before, between and after the record sets.
    assert_eq!(segments.pieces().len(), 2 * records.len() + 1);
    let whole = segments.to_bytes();
    assert_eq!(
        whole[..4],
        u32::try_from(whole.len() - 4).expect("short").to_be_bytes()
    );
}

#[test]
fn small_record_sets_do_not_cut_the_buffer() {
    let partition = |records: usize| fetch::PartitionData {
        records: Some(Bytes::from(vec![1; records]).into()),
        ..Default::default()
    };
    let response = |sizes: [usize; 2]| fetch::FetchResponse {
        responses: vec![fetch::FetchableTopicResponse {
            partitions: sizes.map(partition).into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let pieces = |sizes| {
        let segments = frame::encode_response(1, ApiKey::Fetch, 12, &response(sizes));
        segments.expect("a valid response").pieces().len()
    };
    assert_eq!(pieces([0, 100]), 1);
    assert_eq!(pieces([100, 1000]), 3);
}
