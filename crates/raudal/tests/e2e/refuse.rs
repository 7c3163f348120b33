//! What cannot start says why and what to do, and exits with a code of its own.

use std::path::Path;

use crate::support::{Client, Server, run, write};
use tempfile::TempDir;

const ANY_PORT: &str = "listeners=PLAINTEXT://localhost:0\n";

fn refused(dir: &Path, args: &[&str]) -> (i32, String) {
    let output = run(dir, args);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap_or(-1), text)
}

#[test]
fn a_wrong_configuration_names_key_value_and_remedy() {
    let cases: &[(&str, &[&str])] = &[
        (
            "num.partitions=viele\n",
            &["num.partitions=viele", "INT", "correct it"],
        ),
        (
            "socket.request.max.bytes=0\n",
            &["socket.request.max.bytes=0", "at least 1"],
        ),
        (
            "zookeeper.connect=localhost:2181\n",
            &["zookeeper.connect=localhost:2181", "take the"],
        ),
        (
            "listeners=PLAINTEXT//:9092\n",
            &["listeners=PLAINTEXT//:9092", "NAME://host:port"],
        ),
        (
            "listeners=SSL://:9093\n",
            &["listeners=SSL://:9093", "SSL", "PLAINTEXT"],
        ),
        (
            "advertised.listeners=PLAINTEXT://0.0.0.0:9092\n",
            &["0.0.0.0", "nobody can connect"],
        ),
        ("node.id=1\nbroker.id=2\n", &["node.id=1", "broker.id is 2"]),
        (
            "process.roles=broker\nnode.id=1\n",
            &["controller.quorum.bootstrap.servers is not set"],
        ),
        ("a=\\u00\n", &["line 1", "hexadecimal"]),
    ];
    let dir = TempDir::new().expect("a folder");
    for (text, parts) in cases {
        let file = write(dir.path(), text);
        for args in [
            &[file][..],
            &["check-config", file],
            &["format", "-c", file],
        ] {
            let (code, said) = refused(dir.path(), args);
            assert_eq!(code, 3, "{text}{said}");
            for part in *parts {
                assert!(said.contains(part), "{text}{part:?} is not in\n{said}");
            }
        }
    }
    let left = std::fs::read_dir(dir.path()).expect("a folder").count();
    assert_eq!(left, 1, "nothing was created");
}

#[test]
fn a_missing_file_and_a_wrong_command_line_are_told_apart() {
    let dir = TempDir::new().expect("a folder");
    let (code, said) = refused(dir.path(), &["nowhere.properties"]);
    assert_eq!(code, 3);
    assert!(
        said.contains("nowhere.properties: cannot be read"),
        "{said}"
    );
    assert_eq!(refused(dir.path(), &["--no-such-flag"]).0, 2);
    assert_eq!(refused(dir.path(), &["--override", "num.partitions"]).0, 3);
}

#[test]
fn a_port_in_use_is_named() {
    let dir = TempDir::new().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let listener = format!("listeners=PLAINTEXT://127.0.0.1:{port}");
    let (code, said) = refused(dir.path(), &["--override", &listener]);
    assert_eq!(code, 4, "{said}");
    assert!(
        said.contains("listeners") && said.contains(&port.to_string()),
        "{said}"
    );
}

#[test]
fn a_directory_in_use_is_left_alone() {
    let dir = TempDir::new().expect("a folder");
    let file = write(dir.path(), &format!("{ANY_PORT}log.dirs=logs\n"));
    let first = Server::start(dir.path(), &[file]);
    let (code, said) = refused(dir.path(), &[file]);
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("log.dirs") && said.contains("logs"), "{said}");
    let client = Client::connect(first.port());
    assert_eq!(client.create_topic("a", 1), 0);
    assert_eq!(first.stop(), 0);
}

#[test]
fn a_directory_of_another_node_is_refused() {
    let dir = TempDir::new().expect("a folder");
    let file = write(
        dir.path(),
        &format!("{ANY_PORT}broker.id=1\nlog.dirs=logs\n"),
    );
    assert_eq!(Server::start(dir.path(), &[file]).stop(), 0);
    let (code, said) = refused(dir.path(), &[file, "--override", "broker.id=2"]);
    assert_eq!(code, 5, "{said}");
}

#[test]
fn a_directory_with_something_else_in_it_is_never_formatted() {
    let dir = TempDir::new().expect("a folder");
    std::fs::create_dir(dir.path().join("data")).expect("a folder");
    std::fs::write(dir.path().join("data/thesis.tex"), "years of work").expect("a file");
    let (code, said) = refused(dir.path(), &["--override", ANY_PORT.trim()]);
    assert_eq!(code, 5, "{said}");
    let left = std::fs::read_dir(dir.path().join("data")).expect("a folder");
    let names: Vec<_> = left
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert!(
        names
            .iter()
            .all(|name| name == "thesis.tex" || name == ".lock"),
        "{names:?}"
    );
}

#[test]
fn a_lost_quorum_store_is_not_made_anew() {
    let dir = TempDir::new().expect("a folder");
    let args = ["--override", ANY_PORT.trim()];
    assert_eq!(Server::start(dir.path(), &args).stop(), 0);
    std::fs::remove_dir_all(dir.path().join("data/quorum")).expect("is there");
    let (code, said) = refused(dir.path(), &args);
    assert_eq!(code, 5, "{said}");
}

#[test]
fn a_lone_controller_whose_metadata_disk_is_missing_does_not_begin_anew() {
    let dir = TempDir::new().expect("a folder");
    let text = "listeners=PLAINTEXT://localhost:0\nlog.dirs=a\nmetadata.log.dir=m\n";
    let file = write(dir.path(), text);
    assert_eq!(Server::start(dir.path(), &[file]).stop(), 0);
    std::fs::remove_dir_all(dir.path().join("m")).expect("is there");
    std::fs::create_dir(dir.path().join("m")).expect("a mount point");
    for _ in 0..2 {
        let (code, said) = refused(dir.path(), &[file]);
        assert_eq!(code, 5, "{said}");
        assert!(said.contains("--ignore-formatted"), "{said}");
    }
    let formatted = run(dir.path(), &["format", "-c", file, "--ignore-formatted"]);
    assert!(formatted.status.success(), "{formatted:?}");
    assert_eq!(Server::start(dir.path(), &[file]).stop(), 0);
}
