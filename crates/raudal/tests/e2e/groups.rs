//! Groups find their coordinator, and what they commit survives the process.

use protocol::messages::find_coordinator::FindCoordinatorRequest;
use protocol::messages::metadata::MetadataResponseTopic;
use protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use protocol::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use tempfile::TempDir;

use crate::support::{Client, Server};

const ANY_PORT: [&str; 4] = [
    "--override",
    "listeners=PLAINTEXT://localhost:0",
    "--override",
    "offsets.topic.num.partitions=5",
];

/// Far more questions than it takes for anything to be ready.
const TRIES: usize = 100_000;

impl Client {
    /// Asks until the group's coordinator is known; the codes on the way.
    fn find_coordinator(&self) -> Vec<i16> {
        let request = FindCoordinatorRequest {
            coordinator_keys: vec!["diarios".into()],
            ..FindCoordinatorRequest::default()
        };
        let ask = || self.ask(&request, 6).coordinators[0].error_code;
        let codes: Vec<i16> = (0..TRIES)
            .map(|_| ask())
            .take_while(|it| *it != 0)
            .collect();
        assert!(codes.len() < TRIES, "never found");
        codes
    }

    fn commit(&self, offset: i64) -> i16 {
        let request = OffsetCommitRequest {
            group_id: "diarios".into(),
            topics: vec![OffsetCommitRequestTopic {
                name: "diario".into(),
                partitions: vec![OffsetCommitRequestPartition {
                    committed_offset: offset,
                    ..OffsetCommitRequestPartition::default()
                }],
                ..OffsetCommitRequestTopic::default()
            }],
            ..OffsetCommitRequest::default()
        };
        // While groups are being loaded: 14.
        let ask = || self.ask(&request, 9).topics[0].partitions[0].error_code;
        let mut codes = (0..TRIES).map(|_| ask());
        codes.find(|code| *code != 14).expect("loaded")
    }

    fn committed(&self) -> i64 {
        let request = OffsetFetchRequest {
            groups: vec![OffsetFetchRequestGroup {
                group_id: "diarios".into(),
                topics: Some(vec![OffsetFetchRequestTopics {
                    name: "diario".into(),
                    partition_indexes: vec![0],
                    ..OffsetFetchRequestTopics::default()
                }]),
                ..OffsetFetchRequestGroup::default()
            }],
            ..OffsetFetchRequest::default()
        };
        let mut answers = (0..TRIES).map(|_| self.ask(&request, 9).groups.remove(0));
        let group = answers.find(|group| group.error_code != 14);
        let group = group.expect("loaded");
        assert_eq!(group.error_code, 0);
        group.topics[0].partitions[0].committed_offset
    }

    fn offsets_topic(&self) -> MetadataResponseTopic {
        self.metadata("__consumer_offsets", true).topics.remove(0)
    }
}

#[test]
fn the_first_group_creates_the_topic_and_every_commit_survives_a_kill() {
    let dir = TempDir::new().expect("a folder");
    let mut last = -1;
    for round in 0..3 {
        let server = Server::start(dir.path(), &ANY_PORT);
        let client = Client::connect(server.port());
        if round == 0 {
            assert_eq!(client.create_topic("diario", 1), 0);
            assert_eq!(client.offsets_topic().error_code, 3, "nobody asked for it");
            let codes = client.find_coordinator();
            assert!(codes.iter().all(|code| *code == 15), "{codes:?}");
            let topic = client.offsets_topic();
            assert_eq!((topic.is_internal, topic.partitions.len()), (true, 5));
            assert_eq!(client.produce("__consumer_offsets", &["mine"]), Err(17));
        }
        let codes = client.find_coordinator();
        assert!(codes.is_empty(), "{codes:?}");
        assert_eq!(client.committed(), last);
        for offset in last + 1..last + 20 {
            assert_eq!(client.commit(offset), 0);
            last = offset;
        }
        assert_eq!(client.committed(), last);
        server.kill();
    }
    let server = Server::start(dir.path(), &ANY_PORT);
    assert_eq!(Client::connect(server.port()).committed(), last);
    assert_eq!(server.stop(), 0);
}
