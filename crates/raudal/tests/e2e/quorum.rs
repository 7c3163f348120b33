//! Several nodes: they find together, lose and replace each other.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use protocol::messages::add_raft_voter::{AddRaftVoterRequest, Listener};
use protocol::messages::describe_quorum::{
    DescribeQuorumRequest, ReplicaState, RequestPartitionData, RequestTopicData,
    ResponsePartitionData,
};
use protocol::messages::remove_raft_voter::RemoveRaftVoterRequest;
use protocol::{ApiKey, Str};
use tempfile::TempDir;
use types::Uuid;

use crate::support::{Client, PATIENCE, Server, raudal, run, write};

/// The nodes of one cluster, each with a folder and two ports of its own.
struct Nodes(Vec<Node>);

struct Node {
    id: i32,
    dir: TempDir,
    /// For clients, for controllers.
    ports: (u16, u16),
}

impl Nodes {
    fn new(count: i32) -> Self {
        // Held until all are found, so that none is found twice.
        let mut held = Vec::new();
        let mut port = || {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let port = listener.local_addr().expect("bound").port();
            held.push(listener);
            port
        };
        let node = |id| Node {
            id,
            dir: TempDir::new().expect("a folder"),
            ports: (port(), port()),
        };
        Self((1..=count).map(node).collect())
    }

    fn controllers(&self, with: impl Fn(&Node) -> String) -> String {
        self.0.iter().map(with).collect::<Vec<_>>().join(",")
    }

    /// Combined nodes that name each other.
    fn configure_static(&self) {
        let voters = self.controllers(|n| format!("{}@127.0.0.1:{}", n.id, n.ports.1));
        for node in &self.0 {
            let (client, controller) = node.ports;
            let text = format!(
                "process.roles=broker,controller\nnode.id={}\nlog.dirs=data\n\
                 controller.quorum.voters={voters}\ncontroller.listener.names=CONTROLLER\n\
                 listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}\n",
                node.id
            );
            write(node.dir.path(), &text);
        }
    }

    /// Starts all at once, as none comes up without the others.
    fn start(&self) -> Vec<Server> {
        std::thread::scope(|scope| {
            let starts: Vec<_> = self.0.iter().map(|n| scope.spawn(|| n.start())).collect();
            let started = starts.into_iter().map(|it| it.join());
            started.map(|it| it.expect("started")).collect()
        })
    }
}

impl Node {
    fn start(&self) -> Server {
        Server::start(self.dir.path(), &["server.properties"])
    }

    fn directory_id(&self) -> Uuid {
        let path = self.dir.path().join("data/meta.properties");
        let text = std::fs::read_to_string(path).expect("formatted");
        let mut lines = text
            .lines()
            .filter_map(|it| it.strip_prefix("directory.id="));
        let id = lines.next().expect("has one");
        id.parse().expect("an id")
    }
}

fn describe(client: &Client) -> ResponsePartitionData {
    let request = DescribeQuorumRequest {
        topics: vec![RequestTopicData {
            topic_name: Str::from_static("__cluster_metadata"),
            partitions: vec![RequestPartitionData { partition_index: 0 }],
        }],
    };
    let response = client.ask(&request, 2);
    assert_eq!(response.error_code, 0, "{:?}", response.error_message);
    let topic = response.topics.into_iter().next().expect("one topic");
    topic.partitions.into_iter().next().expect("one partition")
}

fn ids(replicas: &[ReplicaState]) -> Vec<i32> {
    let mut ids: Vec<i32> = replicas.iter().map(|it| it.replica_id).collect();
    ids.sort_unstable();
    ids
}

/// Describes the quorum until it is as wanted.
fn until(client: &Client, is_so: impl Fn(&ResponsePartitionData) -> bool) -> ResponsePartitionData {
    let mut quorum = describe(client);
    let mut looks = PATIENCE.as_millis() / LOOK_PAUSE.as_millis();
    while !is_so(&quorum) {
        looks -= 1;
        assert!(looks > 0, "not in time: {quorum:?}");
        std::thread::park_timeout(LOOK_PAUSE);
        quorum = describe(client);
    }
    quorum
}

/// Between two looks at the quorum.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

#[test]
fn three_nodes_need_no_formatting_survive_losses_and_replace_a_wiped_disk() {
    let nodes = Nodes::new(3);
    nodes.configure_static();
    let mut servers: Vec<Option<Server>> = nodes.start().into_iter().map(Some).collect();
    let cluster_id = |server: &Server| server.started["cluster_id"].clone();
    let first_id = servers[0].as_ref().map(cluster_id);
    assert!(
        servers
            .iter()
            .flatten()
            .all(|s| Some(cluster_id(s)) == first_id)
    );

    let client = Client::connect(nodes.0[0].ports.0);
    let is_recorded = |it: &ReplicaState| it.replica_directory_id != Uuid::ZERO;
    let quorum = until(&client, |q| q.current_voters.iter().all(is_recorded));
    assert_eq!(ids(&quorum.current_voters), [1, 2, 3]);
    drop(client);

    // The active controller dies; the others go on.
    let dead = usize::try_from(quorum.leader_id - 1).expect("an id");
    let alive = (dead + 1) % 3;
    servers[dead].take().expect("running").kill();
    let client = Client::connect(nodes.0[alive].ports.0);
    let quorum = until(&client, |q| q.leader_id != quorum.leader_id);
    assert_eq!(client.create_topic("kept", 1), 0);

    // Its disk is gone: it must not vote under its old name.
    let wiped = &nodes.0[dead];
    let former = wiped.directory_id();
    std::fs::remove_dir_all(wiped.dir.path().join("data")).expect("its disk");
    let refused = run(wiped.dir.path(), &["server.properties"]);
    assert_eq!(refused.status.code(), Some(7), "{refused:?}");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("remove-voter") && said.contains(&former.to_string()),
        "{said}"
    );

    // Taken out and let in again, it is a voter with its new disk.
    let remove = RemoveRaftVoterRequest {
        cluster_id: None,
        voter_id: wiped.id,
        voter_directory_id: former,
    };
    assert_eq!(client.ask(&remove, 0).error_code, 0);
    assert_eq!(client.ask(&remove, 0).error_code, 127);
    servers[dead] = Some(wiped.start());
    until(&client, |q| ids(&q.observers).contains(&wiped.id));
    let add = AddRaftVoterRequest {
        cluster_id: None,
        timeout_ms: 30_000,
        voter_id: wiped.id,
        voter_directory_id: wiped.directory_id(),
        listeners: vec![Listener {
            name: Str::from_static("CONTROLLER"),
            host: Str::from_static("127.0.0.1"),
            port: wiped.ports.1,
        }],
        ack_when_committed: true,
    };
    let other_cluster = AddRaftVoterRequest {
        cluster_id: Some(Str::from_static("another")),
        ..add.clone()
    };
    assert_eq!(client.ask(&other_cluster, 1).error_code, 104);
    let no_endpoint = AddRaftVoterRequest {
        listeners: Vec::new(),
        ..add.clone()
    };
    assert_eq!(client.ask(&no_endpoint, 1).error_code, 42);
    assert_eq!(client.ask(&add, 1).error_code, 0);
    assert_eq!(client.ask(&add, 1).error_code, 126);
    assert_eq!(ids(&describe(&client).current_voters), [1, 2, 3]);
    assert!(quorum.leader_id > 0);
    drop(client);

    // All at once, the hard way; nothing is lost.
    servers.drain(..).flatten().for_each(Server::kill);
    let servers = nodes.start();
    assert!(servers.iter().all(|s| Some(cluster_id(s)) == first_id));
    let client = Client::connect(nodes.0[0].ports.0);
    assert_eq!(client.metadata("kept", false).topics[0].error_code, 0);
    drop(client);
    assert!(servers.into_iter().all(|server| server.stop() == 0));
}

#[test]
fn controllers_formatted_together_serve_a_broker_that_was_not_formatted() {
    let nodes = Nodes::new(3);
    let (controllers, broker) = nodes.0.split_at(2);
    let servers = nodes.controllers(|n| format!("127.0.0.1:{}", n.ports.1));
    let voters: Vec<String> = controllers
        .iter()
        .map(|n| {
            let disk = Uuid::from_bytes([u8::try_from(n.id).expect("small"); 16]);
            format!("{}@127.0.0.1:{}:{disk}", n.id, n.ports.1)
        })
        .collect();
    let common = |n: &Node| {
        format!(
            "node.id={}\nlog.dirs=data\ncontroller.quorum.bootstrap.servers={servers}\n\
             controller.listener.names=CONTROLLER\n",
            n.id
        )
    };
    for node in controllers {
        let text = format!(
            "{}process.roles=controller\nlisteners=CONTROLLER://127.0.0.1:{}\n",
            common(node),
            node.ports.1
        );
        let file = write(node.dir.path(), &text);
        let dir = node.dir.path();
        assert_eq!(
            run(dir, &[file]).status.code(),
            Some(5),
            "nobody said who votes"
        );
        assert_eq!(run(dir, &["format", "-c", file]).status.code(), Some(3));
        let format = [
            "format",
            "-c",
            file,
            "-t",
            "together",
            "-I",
            &voters.join(","),
        ];
        let formatted = run(dir, &format);
        assert!(formatted.status.success(), "{formatted:?}");
    }
    let text = format!(
        "{}process.roles=broker\nlisteners=PLAINTEXT://127.0.0.1:{}\n",
        common(&broker[0]),
        broker[0].ports.0
    );
    write(broker[0].dir.path(), &text);

    let servers = nodes.start();
    let broker_server = servers.last().expect("the broker");
    assert_eq!(broker_server.started["cluster_id"], "together");
    assert_eq!(broker_server.started["roles"], "broker");
    assert_eq!(servers[0].started["roles"], "controller");
    let client = Client::connect(broker[0].ports.0);
    let quorum = describe(&client);
    assert_eq!(ids(&quorum.current_voters), [1, 2]);
    let disks = quorum
        .current_voters
        .iter()
        .map(|it| it.replica_directory_id);
    assert!(disks.into_iter().all(|id| id != Uuid::ZERO));
    assert!(ids(&quorum.observers).contains(&3));
    drop(client);
    for server in servers.into_iter().rev() {
        assert_eq!(server.stop(), 0);
    }
}

#[test]
fn a_lone_controller_formatted_to_stand_alone_begins_a_cluster() {
    let nodes = Nodes::new(1);
    let node = &nodes.0[0];
    let (client, controller) = node.ports;
    let text = format!(
        "process.roles=broker,controller\nnode.id=1\nlog.dirs=data\n\
         controller.quorum.bootstrap.servers=elsewhere:1,127.0.0.1:{controller}\n\
         controller.listener.names=CONTROLLER\n\
         listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}\n"
    );
    let file = write(node.dir.path(), &text);
    let format = ["format", "-c", file, "--standalone"];
    assert!(run(node.dir.path(), &format).status.success());
    let both = ["format", "-c", file, "-g", "--standalone", "-N"];
    assert_eq!(run(node.dir.path(), &both).status.code(), Some(2));
    assert_eq!(node.start().stop(), 0);
    // Once more: the voters are in the log now.
    let mut command = raudal(node.dir.path(), &[file, "--log-format", "json"]);
    command.stderr(Stdio::piped());
    let server = Server::spawn(command);
    let client = Client::connect(client);
    assert_eq!(ids(&describe(&client).current_voters), [1]);
    assert!(ApiKey::AddRaftVoter.versions().contains(&1));
    drop(client);
    assert_eq!(server.stop(), 0);
}
