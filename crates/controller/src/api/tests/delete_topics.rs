use protocol::Str;
use protocol::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use protocol::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest,
};
use types::{TopicId, Uuid};

use crate::decide::testing::Cluster;

fn with_topics(names: &[&str]) -> Cluster {
    let mut cluster = Cluster::of(1);
    create(&mut cluster, names);
    cluster
}

fn create(cluster: &mut Cluster, names: &[&str]) {
    let topics = names.iter().map(|name| CreatableTopic {
        name: Str::from(*name),
        num_partitions: 1,
        replication_factor: 1,
        ..CreatableTopic::default()
    });
    let request = CreateTopicsRequest {
        topics: topics.collect(),
        ..CreateTopicsRequest::default()
    };
    cluster.tell(7, &request);
}

fn by_name(names: &[&str]) -> DeleteTopicsRequest {
    DeleteTopicsRequest {
        topic_names: names.iter().copied().map(Str::from).collect(),
        timeout_ms: 5000,
        ..DeleteTopicsRequest::default()
    }
}

fn by_either(targets: &[(Option<&str>, Uuid)]) -> DeleteTopicsRequest {
    let topics = targets.iter().map(|(name, id)| DeleteTopicState {
        name: name.map(Str::from),
        topic_id: *id,
    });
    DeleteTopicsRequest {
        topics: topics.collect(),
        timeout_ms: 5000,
        ..DeleteTopicsRequest::default()
    }
}

fn words(result: &DeletableTopicResult) -> (Option<&str>, i16, Option<&str>) {
    let text = result.error_message.as_deref();
    (result.name.as_deref(), result.error_code, text)
}

#[test]
fn a_topic_is_deleted_by_name_in_every_version() {
    for version in 1..=6 {
        let mut cluster = with_topics(&["t"]);
        let id = cluster.image.topic("t").map(|topic| topic.id());
        let request = match version {
            6 => by_either(&[(Some("t"), Uuid::ZERO)]),
            _ => by_name(&["t"]),
        };
        let response = cluster.tell(version, &request);
        let [result] = &*response.responses else {
            panic!("one answer expected");
        };
        assert_eq!(words(result), (Some("t"), 0, None), "version {version}");
        let shown = (version >= 6).then_some(TopicId(result.topic_id));
        assert_eq!(shown, id.filter(|_| version >= 6));
        assert!(cluster.image.topic("t").is_none());
    }
}

#[test]
fn a_topic_is_deleted_by_id_and_its_name_is_told() {
    let mut cluster = with_topics(&["t", "u"]);
    let id = cluster.image.topic("t").expect("it exists").id();
    let response = cluster.tell(6, &by_either(&[(None, id.0)]));
    assert_eq!(words(&response.responses[0]), (Some("t"), 0, None));
    assert!(cluster.image.topic("t").is_none());
    assert!(cluster.image.topic("u").is_some());
}

#[test]
fn a_topic_that_is_deleted_and_created_again_is_another_one() {
    let mut cluster = with_topics(&["t"]);
    let old = cluster.image.topic("t").expect("it exists").id();
    cluster.tell(5, &by_name(&["t"]));
    create(&mut cluster, &["t"]);
    let new = cluster.image.topic("t").expect("it exists").id();
    assert_ne!(old, new);
    let response = cluster.ask(6, &by_either(&[(None, old.0)]));
    assert_eq!(response.responses[0].error_code, 100);
}

#[test]
fn targets_that_make_no_sense_are_refused_one_by_one() {
    let cluster = with_topics(&["good", "dup", "both"]);
    let unknown = Uuid::from_bytes([9; 16]);
    let both = cluster.image.topic("both").expect("it exists").id().0;
    let request = by_either(&[
        (Some("nope"), Uuid::ZERO),
        (None, unknown),
        (None, Uuid::ZERO),
        (Some("good"), unknown),
        (Some("dup"), Uuid::ZERO),
        (Some("dup"), Uuid::ZERO),
        (None, both),
        (Some("both"), Uuid::ZERO),
    ]);
    let response = cluster.ask(6, &request);
    let answers: Vec<_> = response.responses.iter().map(words).collect();
    assert_eq!(
        answers,
        [
            (
                Some("nope"),
                3,
                Some("This server does not host this topic-partition.")
            ),
            (None, 100, Some("This server does not host this topic ID.")),
            (None, 42, Some("Neither topic name nor id were specified.")),
            (
                Some("good"),
                42,
                Some("You may not specify both topic name and topic id.")
            ),
            (Some("dup"), 42, Some("Duplicate topic name.")),
            (Some("both"), 0, None),
            (
                Some("both"),
                42,
                Some("The provided topic name maps to an ID that was already supplied.")
            ),
        ]
    );
}

#[test]
fn an_id_that_stands_twice_is_refused_once() {
    let cluster = with_topics(&["t"]);
    let id = cluster.image.topic("t").expect("it exists").id().0;
    let evaluated = cluster.evaluate(6, &by_either(&[(None, id), (None, id)]));
    assert_eq!(evaluated.records, []);
    let response = cluster.ask(6, &by_either(&[(None, id), (None, id)]));
    let answers: Vec<_> = response.responses.iter().map(words).collect();
    assert_eq!(answers, [(None, 42, Some("Duplicate topic id."))]);
}

#[test]
fn nothing_is_deleted_where_deletion_is_off() {
    let mut cluster = with_topics(&["t"]);
    cluster.settings.delete_topic_enable = false;
    let response = cluster.tell(5, &by_name(&["t", "nope"]));
    let codes: Vec<i16> = response
        .responses
        .iter()
        .map(|topic| topic.error_code)
        .collect();
    assert_eq!(codes, [73, 73]);
    assert!(cluster.image.topic("t").is_some());
}

#[test]
fn a_client_that_does_not_wait_gets_a_timeout_and_keeps_its_topic() {
    let mut cluster = with_topics(&["t"]);
    let mut request = by_name(&["t"]);
    request.timeout_ms = 0;
    let response = cluster.tell(5, &request);
    assert_eq!(words(&response.responses[0]), (Some("t"), 7, None));
    assert!(cluster.image.topic("t").is_some());
}
