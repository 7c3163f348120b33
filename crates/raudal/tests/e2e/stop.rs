//! What is acknowledged survives every way to stop.

use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use crate::support::{Client, PATIENCE, Server, raudal};
use tempfile::TempDir;

const ANY_PORT: [&str; 2] = ["--override", "listeners=PLAINTEXT://localhost:0"];

#[test]
fn records_and_topics_survive_kill_and_restart() {
    let dir = TempDir::new().expect("a folder");
    let mut expected = Vec::new();
    for round in 0..4 {
        let server = Server::start(dir.path(), &ANY_PORT);
        let client = Client::connect(server.port());
        let created = client.create_topic("diario", 3);
        assert_eq!(created, if round == 0 { 0 } else { 36 });
        for i in 0..20 {
            let value = format!("{round}-{i}");
            let offset = client
                .produce("diario", &[&value])
                .expect("is acknowledged");
            expected.push((offset, value));
        }
        assert_eq!(client.fetch("diario"), expected);
        server.kill();
    }
    let server = Server::start(dir.path(), &ANY_PORT);
    assert_eq!(Client::connect(server.port()).fetch("diario"), expected);
    assert_eq!(server.stop(), 0);
    let server = Server::start(dir.path(), &ANY_PORT);
    assert_eq!(Client::connect(server.port()).fetch("diario"), expected);
    let last = expected.last().map_or(0, |(offset, _)| *offset);
    assert_eq!(last, 79);
}

#[test]
fn a_node_keeps_its_cluster_and_says_when_it_has_stopped() {
    let dir = TempDir::new().expect("a folder");
    let first = Server::start(dir.path(), &ANY_PORT);
    let cluster_id = first.started["cluster_id"].clone();
    first.signal("TERM");
    let mut first = first;
    let stopped = first.wait_for("stopped");
    assert!(
        stopped["took_ms"].as_u64().is_some_and(|ms| ms < 5_000),
        "{stopped}"
    );
    let second = Server::start(dir.path(), &ANY_PORT);
    assert_eq!(second.started["cluster_id"], cluster_id);
    second.signal("INT");
    let mut second = second;
    second.wait_for("stopped");
}

#[test]
fn a_supervisor_that_asked_is_told() {
    let dir = TempDir::new().expect("a folder");
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("can be set");
    let mut command = raudal(dir.path(), &ANY_PORT);
    command
        .args(["--log-format", "json"])
        .stderr(Stdio::piped());
    command.env("NOTIFY_SOCKET", &path);
    let server = Server::spawn(command);
    let hear = || {
        let mut buffer = [0; 64];
        let length = socket.recv(&mut buffer).expect("is told");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    assert_eq!(hear(), "READY=1");
    assert_eq!(server.stop(), 0);
    assert_eq!(hear(), "STOPPING=1");
}

#[test]
fn it_stops_while_clients_are_connected_and_waiting() {
    let dir = TempDir::new().expect("a folder");
    let server = Server::start(dir.path(), &ANY_PORT);
    let client = Client::connect(server.port());
    assert_eq!(client.create_topic("largo", 1), 0);
    let idle = Client::connect(server.port());
    assert_eq!(server.stop(), 0);
    drop((client, idle));
}
