//! What kcli does without a cluster.

use assert_cmd::Command;

fn kcli(line: &str) -> Command {
    let mut command = Command::cargo_bin("kcli").expect("it was built");
    command
        .env_remove("KCLI_BOOTSTRAP_SERVER")
        .args(line.split_whitespace());
    command
}

fn stdout(command: &mut Command) -> String {
    let output = command.assert().success().get_output().clone();
    String::from_utf8(output.stdout).expect("text")
}

fn stderr(command: &mut Command, status: i32) -> String {
    let output = command.assert().code(status).get_output().clone();
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn help_and_pages_are_data() {
    for (line, part) in [
        ("--help", "Usage: kcli"),
        ("help", "Usage: kcli"),
        ("help topic create", "--replication-factor"),
        ("help exit-codes", "130  interrupted"),
        ("help format", "%v %s value"),
        ("help offsets", "ninety minutes ago"),
        ("cheat", "kcli produce cities"),
        ("--version", "kcli "),
        ("version", "kcli "),
        ("version -o json", "\"version\""),
        ("topic create --help", "Global options"),
    ] {
        let text = stdout(&mut kcli(line));
        assert!(text.contains(part), "{line}: {text}");
    }
}

#[test]
fn a_command_line_that_makes_no_sense_exits_with_2_and_a_hint() {
    for (line, part) in [
        ("topc list", "topic"),
        ("help topics", "did you mean topic"),
        (
            "consume t -o -10",
            "-o is --output here. Did you mean --offset -10?",
        ),
        ("topic list --format json", "--format"),
        ("topic list --broker-list a:1", "--bootstrap-server a:1"),
        ("topic list --zookeeper a:1", "no ZooKeeper"),
        ("topic list -X linger.m=5", "did you mean linger.ms?"),
        ("topic list -X security.protocol=SASL_SSL", "only PLAINTEXT"),
        ("topic list -X oops", "KEY=VALUE"),
        ("topic list -b a:b:c:d", "expected host:port"),
        ("config get cities", "topic/NAME"),
        ("consume t -g group -p 1", "share out the partitions"),
        (
            "consume t -g group --offset 5",
            "goes on where it has come to",
        ),
        ("consume t -f %q", "unknown field %q"),
        ("produce t -z rot13", "zstd"),
        ("topic trim t", "--before"),
        ("group reset g", "where to? Write --to start"),
        ("group reset g --to soon", "group:OTHER"),
        ("group reset --to start", "which group?"),
        ("group reset g --to 1 --to-latest", "cannot be used with"),
        ("group lag", "kcli group list"),
        ("group list --state asleep", "stable, empty"),
        ("group delete-offsets g --topic t:x", "TOPIC:0,1"),
        ("--timeout soon topic list", "duration"),
    ] {
        let text = stderr(&mut kcli(line), 2);
        assert!(text.contains(part), "{line}: {text}");
    }
}

#[test]
fn a_cluster_that_is_not_there_exits_with_3() {
    let text = stderr(&mut kcli("topic list -b 127.0.0.1:1"), 3);
    assert!(text.contains("127.0.0.1:1: connection refused"), "{text}");
    assert!(text.contains("hint: is the broker running"), "{text}");
    let text = stderr(&mut kcli("topic list -b no-such-host.invalid:1"), 3);
    assert!(text.contains("does not resolve"), "{text}");
}

#[test]
fn json_is_valid_also_on_failure() {
    for (line, status) in [
        ("topic list -b 127.0.0.1:1 -o json", 3),
        ("topic list --no-such-flag -o json", 2),
        ("topic list -X oops -o json", 2),
        ("debug error 12345 -o json", 2),
    ] {
        let output = kcli(line).assert().code(status).get_output().clone();
        let json: serde_json::Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{line}: {e}"));
        assert_eq!(json["error"]["exitCode"], status, "{line}");
    }
}

#[test]
fn sources_win_in_the_documented_order() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join(".kcli.toml");
    std::fs::write(&file, "bootstrap-server = '127.0.0.1:2'\n").expect("writes");
    let properties = dir.path().join("client.properties");
    let text = "bootstrap.servers=127.0.0.1:4\nkey.serializer=org.example.X\n";
    std::fs::write(&properties, text).expect("writes");
    let in_dir = |line: &str| {
        let mut command = kcli(line);
        command.current_dir(dir.path());
        command
    };
    let tried = |command: &mut Command, port: u16| {
        let text = stderr(command, 3);
        assert!(
            text.contains(&format!("127.0.0.1:{port}:")),
            "{port}: {text}"
        );
    };
    tried(&mut in_dir("topic list"), 2);
    tried(
        in_dir("topic list").env("KCLI_BOOTSTRAP_SERVER", "127.0.0.1:3"),
        3,
    );
    let config = format!("topic list --command-config {}", properties.display());
    tried(
        in_dir(&config).env("KCLI_BOOTSTRAP_SERVER", "127.0.0.1:3"),
        4,
    );
    tried(
        &mut in_dir(&format!("{config} -X bootstrap.servers=127.0.0.1:5")),
        5,
    );
    tried(
        &mut in_dir("topic list -X bootstrap.servers=127.0.0.1:5 -b 127.0.0.1:6"),
        6,
    );
}

#[test]
fn errors_are_looked_up_by_number_and_name() {
    assert!(stdout(&mut kcli("debug error 19")).contains("NOT_ENOUGH_REPLICAS"));
    assert!(stdout(&mut kcli("debug error -1")).contains("UNKNOWN_SERVER_ERROR"));
    assert!(stdout(&mut kcli("debug error not_enough_replicas")).contains("19"));
    let text = stderr(&mut kcli("debug error NOT_ENOUGH_REPLIKAS"), 2);
    assert!(text.contains("did you mean NOT_ENOUGH_REPLICAS"), "{text}");
    assert_eq!(
        stdout(&mut kcli("debug error -o csv --no-header 3")),
        "3,UNKNOWN_TOPIC_OR_PARTITION,yes\n"
    );
    assert_eq!(
        stdout(&mut kcli("debug error -o name 3 5")).lines().count(),
        2
    );
    assert_eq!(
        stdout(&mut kcli("debug error --columns name 3")),
        "NAME\nUNKNOWN_TOPIC_OR_PARTITION\n"
    );
}

#[test]
fn completions_and_man_pages_come_from_the_same_tree() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let dynamic = stdout(&mut kcli(&format!("generate completions {shell}")));
        assert!(dynamic.contains("kcli"), "{shell}");
        let fixed = stdout(&mut kcli(&format!("generate completions {shell} --static")));
        assert!(fixed.contains("add-partitions"), "{shell}");
    }
    assert!(stdout(&mut kcli("generate man")).contains(".TH kcli 1"));
    let dir = tempfile::tempdir().expect("a directory");
    stdout(&mut kcli(&format!(
        "generate man --dir {}",
        dir.path().display()
    )));
    let page = dir.path().join("kcli-topic-create.1");
    assert!(page.is_file(), "{}", page.display());
}

#[test]
fn a_shell_gets_candidates_even_if_no_cluster_answers() {
    let mut command = kcli("-- kcli debug e");
    command
        .env("COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", "2");
    command.env("KCLI_BOOTSTRAP_SERVER", "127.0.0.1:1");
    command
        .env("_CLAP_COMPLETE_COMP_TYPE", "9")
        .env("_CLAP_COMPLETE_SPACE", "true");
    command.env("_CLAP_IFS", "\n");
    assert!(stdout(&mut command).contains("error"));
    let mut command = kcli("-- kcli config set topic/t retention");
    command
        .env("COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", "4")
        .env("_CLAP_IFS", "\n");
    command
        .env("_CLAP_COMPLETE_COMP_TYPE", "9")
        .env("_CLAP_COMPLETE_SPACE", "true");
    assert!(stdout(&mut command).contains("retention.ms="));
}
