//! `raudal format`, `check-config` and `--version`.

use crate::support::{Server, run, write};
use tempfile::TempDir;

const TEXT: &str = "listeners=PLAINTEXT://localhost:0\nbroker.id=3\nlog.dirs=a,b\n\
                    metadata.log.dir=m\nnum.io.threads=4\nnum.partition=2\n";

#[test]
fn a_formatted_node_starts_in_the_cluster_it_was_given() {
    let dir = TempDir::new().expect("a folder");
    let file = write(dir.path(), TEXT);
    let format = ["format", "-c", file, "-t", "my-cluster_1"];
    let output = run(dir.path(), &format);
    assert!(output.status.success(), "{output:?}");
    for folder in ["a", "b", "m"] {
        let meta = dir.path().join(folder).join("meta.properties");
        let text = std::fs::read_to_string(meta).expect("is there");
        assert!(text.contains("cluster.id=my-cluster_1"), "{text}");
        assert!(
            text.contains("node.id=3") && text.contains("version=1"),
            "{text}"
        );
        assert!(text.contains("directory.id="), "{text}");
    }
    let server = Server::start(dir.path(), &[file]);
    assert_eq!(server.started["cluster_id"], "my-cluster_1");
    assert_eq!(server.stop(), 0);
    assert_eq!(Server::start(dir.path(), &[file]).stop(), 0);
}

#[test]
fn formatting_twice_is_refused_unless_it_is_meant() {
    let dir = TempDir::new().expect("a folder");
    let file = write(dir.path(), TEXT);
    assert!(run(dir.path(), &["format", "-c", file]).status.success());
    let again = run(dir.path(), &["format", "-c", file]);
    assert_eq!(again.status.code(), Some(5));
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(said.contains("--ignore-formatted"), "{said}");
    std::fs::remove_dir_all(dir.path().join("b")).expect("is there");
    let ignoring = run(dir.path(), &["format", "-c", file, "--ignore-formatted"]);
    assert!(ignoring.status.success(), "{ignoring:?}");
    let read = |folder: &str| {
        let text = std::fs::read_to_string(dir.path().join(folder).join("meta.properties"));
        let text = text.expect("is there");
        let mut lines = text.lines().filter(|line| line.starts_with("cluster.id="));
        lines.next().expect("a cluster").to_owned()
    };
    assert_eq!(read("a"), read("b"));
    let other = ["format", "-c", file, "-g", "-t", "other"];
    assert_eq!(run(dir.path(), &other).status.code(), Some(5));
    let odd = ["format", "-c", file, "-g", "-t", "a b"];
    assert_eq!(run(dir.path(), &odd).status.code(), Some(3));
}

#[test]
fn a_configuration_can_be_looked_at_without_starting() {
    let dir = TempDir::new().expect("a folder");
    let file = write(dir.path(), TEXT);
    let output = run(dir.path(), &["check-config", file]);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("did you mean num.partitions?"), "{said}");
    assert!(said.contains("num.io.threads"), "{said}");
    assert!(
        !dir.path()
            .join("a")
            .try_exists()
            .expect("can be looked for")
    );
}

#[test]
fn version_and_exit_codes_are_told() {
    let dir = TempDir::new().expect("a folder");
    let version = run(dir.path(), &["--version"]);
    let said = String::from_utf8_lossy(&version.stdout).into_owned();
    assert_eq!(said.trim(), concat!("raudal ", env!("CARGO_PKG_VERSION")));
    let help = run(dir.path(), &["--help"]);
    assert!(String::from_utf8_lossy(&help.stdout).contains("Exit codes"));
}

#[test]
fn the_file_in_deploy_is_fine() {
    let dir = TempDir::new().expect("a folder");
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../deploy/config/server.properties"
    );
    let output = run(dir.path(), &["check-config", file]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(
        !said.contains("not a known key") && !said.contains("no effect"),
        "{said}"
    );
}

#[test]
fn a_disk_added_later_gets_an_identity_of_its_own() {
    let dir = TempDir::new().expect("a folder");
    let text = "listeners=PLAINTEXT://localhost:0\nbroker.id=3\nlog.dirs=a";
    let file = write(dir.path(), text);
    assert_eq!(Server::start(dir.path(), &[file]).stop(), 0);
    let file = write(dir.path(), &format!("{text},b\n"));
    assert_eq!(Server::start(dir.path(), &[file]).stop(), 0);
    let id = |folder: &str| {
        let path = dir.path().join(folder).join("meta.properties");
        let text = std::fs::read_to_string(path).expect("is there");
        let mut lines = text.lines().filter(|it| it.starts_with("directory.id="));
        lines.next().expect("has one").to_owned()
    };
    assert_ne!(id("a"), id("b"));
}
