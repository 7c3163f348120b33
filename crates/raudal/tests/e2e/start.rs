//! The three shapes of a configuration start, serve, and stop.

use crate::support::{Client, Server, write};
use tempfile::TempDir;

const ANY_PORT: &str = "listeners=PLAINTEXT://localhost:0";

fn serves(server: &Server) {
    let client = Client::connect(server.port());
    assert_eq!(client.create_topic("colores", 1), 0);
    assert_eq!(client.produce("colores", &["verde", "azul"]), Ok(0));
    let read = client.fetch("colores");
    assert_eq!(read, [(0, "verde".to_owned()), (1, "azul".to_owned())]);
    let metadata = client.metadata("colores", false);
    assert_eq!(metadata.brokers.len(), 1);
    assert_eq!(
        metadata.topics[0].partitions[0].leader_id,
        metadata.brokers[0].node_id
    );
}

#[test]
fn without_a_file_it_serves_and_keeps_its_data_under_data() {
    let dir = TempDir::new().expect("a folder");
    let server = Server::start(dir.path(), &["--override", ANY_PORT]);
    serves(&server);
    assert_eq!(server.started["node_id"], 1);
    assert_eq!(server.started["roles"], "broker,controller");
    assert!(dir.path().join("data/meta.properties").is_file());
    assert!(dir.path().join("data/colores-0").is_dir());
    assert_eq!(server.stop(), 0);
}

#[test]
fn kafkas_stock_file_serves() {
    let dir = TempDir::new().expect("a folder");
    let text = "process.roles=broker,controller\n\
                node.id=1\n\
                controller.quorum.bootstrap.servers=localhost:9093\n\
                listeners=PLAINTEXT://:0,CONTROLLER://:0\n\
                inter.broker.listener.name=PLAINTEXT\n\
                advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n\
                controller.listener.names=CONTROLLER\n\
                listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,\
                SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL\n\
                num.network.threads=3\n\
                log.dirs=logs\n\
                offsets.topic.replication.factor=1\n";
    let server = Server::start(dir.path(), &[write(dir.path(), text)]);
    serves(&server);
    assert!(server.address("CONTROLLER").port() > 0);
    assert_eq!(server.stop(), 0);
}

#[test]
fn an_old_file_without_quorum_keys_serves_and_advertises_what_it_says() {
    let dir = TempDir::new().expect("a folder");
    let text = "broker.id=7\n\
                listeners=PLAINTEXT://:0\n\
                advertised.listeners=PLAINTEXT://192.168.0.10:9092\n\
                log.dirs=kafka-logs\n";
    let server = Server::start(dir.path(), &[write(dir.path(), text)]);
    serves(&server);
    let metadata = Client::connect(server.port()).metadata("colores", false);
    let broker = &metadata.brokers[0];
    assert_eq!(
        (broker.node_id, &*broker.host, broker.port),
        (7, "192.168.0.10", 9092)
    );
    assert_eq!(server.stop(), 0);
}

#[test]
fn environment_goes_before_the_file_and_overrides_before_both() {
    let dir = TempDir::new().expect("a folder");
    let text = format!("{ANY_PORT}\nlog.dirs=here\nbroker.id=1\nnum.partitions=2\n");
    let mut command = crate::support::raudal(dir.path(), &[write(dir.path(), &text)]);
    command.args(["--override", "num.partitions=5", "--log-format", "json"]);
    command.env("KAFKA_LOG_DIRS", "there");
    command.env("KAFKA_NUM_PARTITIONS", "3");
    command.stderr(std::process::Stdio::piped());
    let server = Server::spawn(command);
    let client = Client::connect(server.port());
    assert_eq!(client.create_topic("numeros", -1), 0);
    assert_eq!(
        client.metadata("numeros", false).topics[0].partitions.len(),
        5
    );
    assert!(dir.path().join("there/meta.properties").is_file());
    client.produce("numeros", &["uno"]).expect("written");
    assert!(dir.path().join("there/numeros-0").is_dir());
    assert_eq!(server.stop(), 0);
}

#[test]
fn asking_for_a_topic_may_create_it() {
    let dir = TempDir::new().expect("a folder");
    let server = Server::start(dir.path(), &["--override", ANY_PORT]);
    let client = Client::connect(server.port());
    assert_eq!(client.metadata("nuevo", false).topics[0].error_code, 3);
    let mut code = client.metadata("nuevo", true).topics[0].error_code;
    assert_eq!(code, 3);
    // Each question is an answer's time away from the one before.
    for _ in 0..10_000 {
        if code == 0 {
            break;
        }
        code = client.metadata("nuevo", true).topics[0].error_code;
    }
    assert_eq!(code, 0);
    assert_eq!(client.produce("nuevo", &["uno"]), Ok(0));
}
