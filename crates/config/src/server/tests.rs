//! Whole files in, typed configurations or complaints out.

use types::NodeId;

use super::*;

fn surroundings() -> Surroundings {
    Surroundings {
        host_name: "box.example".to_owned(),
        has_file: true,
    }
}

fn build(text: &str) -> Result<ServerConfig, Problems> {
    let properties = Properties::parse(text).expect("a properties file");
    ServerConfig::new(properties, &surroundings())
}

fn config(text: &str) -> ServerConfig {
    build(text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn complaint(text: &str) -> String {
    build(text).expect_err(text).to_string()
}

fn told(config: &ServerConfig) -> Vec<String> {
    let text = |it: &AdvertisedListener| format!("{}://{}", it.name, it.endpoint);
    config.listeners.advertised.iter().map(text).collect()
}

fn warned_keys(config: &ServerConfig) -> Vec<&str> {
    config.warnings.iter().map(|it| it.key.as_str()).collect()
}

const BOTH: Roles = Roles {
    broker: true,
    controller: true,
};

#[test]
fn without_a_file_a_lone_node_serves_this_machine() {
    let surroundings = Surroundings {
        has_file: false,
        ..surroundings()
    };
    let config = ServerConfig::new(Properties::new(), &surroundings).expect("starts");
    assert_eq!(config.roles, BOTH);
    assert_eq!(config.node_id, NodeId(1));
    assert_eq!(config.quorum, Quorum::Embedded);
    assert_eq!(told(&config), ["PLAINTEXT://localhost:9092"]);
    assert_eq!(config.listeners.controller, []);
    assert_eq!(config.log_dirs, [PathBuf::from("./data")]);
    assert_eq!(config.metadata_log_dir, PathBuf::from("./data"));
    assert_eq!(config.warnings, []);
}

#[test]
fn an_old_file_without_a_word_on_quorums_starts_a_lone_node() {
    let config = config(
        "broker.id=1\n\
         listeners=PLAINTEXT://:9092\n\
         advertised.listeners=PLAINTEXT://192.168.0.10:9092\n\
         log.dirs=/var/lib/kafka\n",
    );
    assert_eq!(config.roles, BOTH);
    assert_eq!(config.node_id, NodeId(1));
    assert_eq!(config.quorum, Quorum::Embedded);
    assert_eq!(told(&config), ["PLAINTEXT://192.168.0.10:9092"]);
    assert_eq!(config.listeners.inter_broker_name, "PLAINTEXT");
    assert_eq!(config.log_dirs, [PathBuf::from("/var/lib/kafka")]);
    assert_eq!(warned_keys(&config), ["listeners"]);
}

/// What Kafka 4.3 ships as `config/server.properties`, without its comments.
const STOCK: &str = "\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
";

#[test]
fn the_stock_file_starts() {
    let config = config(STOCK);
    assert_eq!(config.roles, BOTH);
    let Quorum::Bootstrap(servers) = &config.quorum else {
        panic!("{:?}", config.quorum);
    };
    assert_eq!(servers[0].to_string(), "localhost:9093");
    assert_eq!(told(&config), ["PLAINTEXT://localhost:9092"]);
    assert_eq!(config.listeners.controller[0].bind.to_string(), ":9093");
    let told = &config.listeners.advertised_controller;
    assert_eq!(told[0].endpoint.to_string(), "localhost:9093");
    assert_eq!(config.logs.num_recovery_threads_per_data_dir, 1);
    assert_eq!(
        warned_keys(&config),
        ["listeners", "listeners", "advertised.listeners", "log.dirs"]
    );
}

#[test]
fn three_voters_of_a_fixed_quorum_are_read() {
    let voters = "controller.quorum.voters=1@a:9093,2@b:9093,3@c:9093\n\
                  controller.listener.names=CONTROLLER\nlog.dirs=/d\n";
    let both = config(&format!(
        "process.roles=broker,controller\nnode.id=2\n{voters}\
         listeners=PLAINTEXT://b:9092,CONTROLLER://b:9093\n"
    ));
    let Quorum::Voters(read) = &both.quorum else {
        panic!("{:?}", both.quorum);
    };
    assert_eq!(read[2].endpoint.to_string(), "c:9093");
    let broker = config(&format!(
        "process.roles=broker\nnode.id=4\n{voters}listeners=PLAINTEXT://d:9092\n"
    ));
    assert!(!broker.roles.controller);
    let controller = config(&format!(
        "process.roles=controller\nnode.id=1\n{voters}listeners=CONTROLLER://a:9093\n"
    ));
    assert!(controller.listeners.broker.is_empty());
}

#[test]
fn a_node_knows_whether_it_votes_alone() {
    assert!(config("log.dirs=/d\n").is_sole_voter());
    assert!(config(STOCK).is_sole_voter());
    let another = STOCK.replace("servers=localhost:9093", "servers=other.example:9093");
    assert!(!config(&another).is_sole_voter());
    let own_name = STOCK.replace("servers=localhost:9093", "servers=box.example:9093");
    assert!(!config(&own_name).is_sole_voter());
    let own_name = own_name.replace(",CONTROLLER://localhost:9093", "");
    assert!(config(&own_name).is_sole_voter());
    let more = STOCK.replace("servers=localhost:9093", "servers=localhost:9093,b:9093");
    assert!(!config(&more).is_sole_voter());
}

#[test]
fn a_listener_without_a_host_is_advertised_as_this_machine() {
    let config = config("listeners=PLAINTEXT://:9092\nlog.dirs=/d\n");
    assert_eq!(told(&config), ["PLAINTEXT://box.example:9092"]);
    let config = build("log.dirs=/d\n").expect("starts");
    assert_eq!(told(&config), ["PLAINTEXT://box.example:9092"]);
}

#[test]
fn two_listeners_are_told_apart_by_name() {
    let config = config(
        "listeners=INTERNAL://10.0.0.1:9092,EXTERNAL://:9094\n\
         advertised.listeners=internal://10.0.0.1:9092,EXTERNAL://kafka.example:19094\n\
         listener.security.protocol.map=INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT\n\
         inter.broker.listener.name=INTERNAL\nlog.dirs=/d\n",
    );
    assert_eq!(
        told(&config),
        ["INTERNAL://10.0.0.1:9092", "EXTERNAL://kafka.example:19094"]
    );
    assert_eq!(config.listeners.inter_broker_name, "INTERNAL");
}

#[test]
fn settings_are_read_with_their_units() {
    let config = config(
        "log.dirs=/a, /b\nbroker.rack=z1\nconnections.max.idle.ms=5000\n\
         auto.create.topics.enable=FALSE\nnum.partitions= 12 \nmetadata.log.dir=/m\n",
    );
    assert_eq!(config.log_dirs.len(), 2);
    assert_eq!(config.metadata_log_dir, PathBuf::from("/m"));
    assert_eq!(config.rack.as_deref(), Some("z1"));
    assert_eq!(config.sockets.connections_max_idle.as_secs(), 5);
    assert!(!config.topics.auto_create_topics_enable);
    assert_eq!(config.topics.num_partitions, 12);
    assert_eq!(config.sessions.broker_session_timeout.as_secs(), 3);
}

#[test]
fn every_complaint_names_the_key_and_the_remedy() {
    let quorum = "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=C\n\
                  listener.security.protocol.map=C:PLAINTEXT,PLAINTEXT:PLAINTEXT\n\
                  listeners=PLAINTEXT://:1,C://:2\n";
    let cases: &[(String, &str, &str)] = &[
        ("num.partitions=0".into(), "num.partitions=0: Value must be at least 1", "default, 1"),
        ("num.partitions=x".into(), "Not a number of type INT", "correct it"),
        ("zookeeper.connect=z:2181".into(), "zookeeper.connect=z:2181: there is no ZooKeeper", "take the zookeeper.* keys out"),
        ("authorizer.class.name=a.B".into(), "authorizer.class.name=a.B", "take the key out"),
        ("listeners=PLAINTEX://:9092".into(), "no security protocol is known for listener PLAINTEX", "add PLAINTEX:PLAINTEXT"),
        ("listeners=:9092".into(), "\":9092\" is not a listener", "NAME://host:port"),
        ("listeners=SSL://:9092".into(), "speaks SSL, which this version cannot", "use PLAINTEXT"),
        ("listeners=PLAINTEXT://:1,PLAINTEXT://:2".into(), "stands here twice", "a name of its own"),
        ("listeners=PLAINTEXT://:1,A://:1\nlistener.security.protocol.map=PLAINTEXT:PLAINTEXT,A:PLAINTEXT".into(), "share port 1", "a port of its own"),
        ("listeners=PLAINTEXT://0.0.0.0:9092".into(), "nobody can connect to 0.0.0.0", "set advertised.listeners"),
        ("advertised.listeners=PLAINTEXT://0.0.0.0:9092".into(), "nobody can connect to 0.0.0.0", "PLAINTEXT://box.example:9092"),
        ("advertised.listeners=OTHER://h:1".into(), "OTHER is not one of the listeners", "add OTHER to listeners"),
        ("listener.security.protocol.map=A".into(), "\"A\" is not a listener name", "NAME:PLAINTEXT"),
        ("inter.broker.listener.name=X".into(), "X, which is not advertised", "set it to one of PLAINTEXT"),
        ("inter.broker.listener.name=X\nsecurity.inter.broker.protocol=SSL".into(), "security.inter.broker.protocol is set as well", "keep one"),
        ("node.id=1\nbroker.id=2".into(), "broker.id is 2", "the same value"),
        ("node.id=-1".into(), "node.id=-1: Value must be at least 0", "correct it"),
        ("controller.quorum.voters=1@h:9093".into(), "process.roles is not set", "set it to broker"),
        ("process.roles=broker\nnode.id=1".into(), "cannot find the controllers", "host:port"),
        ("process.roles=broker,controller\ncontroller.listener.names=C".into(), "node.id is not set", "a number of its own"),
        ("process.roles=proxy".into(), "String must be one of: broker, controller", "correct it"),
        (format!("{quorum}controller.quorum.voters=2@h:2"), "lacks node 1", "add 1@host:port"),
        (format!("{quorum}controller.quorum.voters=1@h"), "is not id@host:port", "write it as"),
        (format!("{quorum}controller.quorum.voters=1@h:1,1@i:1"), "repeats a node id", "write it as"),
        (format!("{quorum}controller.quorum.bootstrap.servers=h"), "is not host:port", "write it as"),
        ("process.roles=broker\nnode.id=1\ncontroller.listener.names=C\ncontroller.quorum.voters=1@h:1".into(), "has node 1", "take node 1 out"),
        ("process.roles=controller\nnode.id=1\ncontroller.listener.names=C\ncontroller.quorum.voters=1@h:1".into(), "listener PLAINTEXT is not a controller's", "controller.listener.names"),
        ("process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=C\ncontroller.quorum.voters=1@h:1".into(), "no listener is in controller.listener.names", "C://:9093"),
        ("process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@h:1".into(), "controller.listener.names is not set", "CONTROLLER"),
        ("log.dirs=/a,/a".into(), "stands here twice", "once"),
        ("log.dirs=".into(), "log.dirs=: it is empty, so there is nowhere to keep data", "set it to a directory"),
        ("log.dirs=\nlog.dir=/d".into(), "log.dirs=: it is empty", "take it out"),
        ("log.dir=".into(), "log.dir=: it is empty", "set it to a directory"),
    ];
    for (text, reason, remedy) in cases {
        let complaint = complaint(text);
        assert!(complaint.contains(reason), "{text}\n{complaint}");
        assert!(complaint.contains(remedy), "{text}\n{complaint}");
    }
}

#[test]
fn an_empty_log_dirs_is_refused_without_a_file_too() {
    let surroundings = Surroundings {
        has_file: false,
        ..surroundings()
    };
    for text in ["log.dirs=", "log.dir= "] {
        let properties = Properties::parse(text).expect("a properties file");
        let problems = ServerConfig::new(properties, &surroundings).expect_err(text);
        assert!(problems.to_string().contains("it is empty"), "{problems}");
    }
}

#[test]
fn all_bad_values_are_named_at_once() {
    let Problems(problems) = build("num.partitions=x\nlog.roll.ms=0\n").expect_err("two");
    let keys: Vec<&str> = problems.iter().map(|it| it.key.as_str()).collect();
    assert_eq!(keys, ["log.roll.ms", "num.partitions"]);
}

#[test]
fn a_secret_is_not_repeated() {
    let config = config("ssl.keystore.password=hunter2\nlog.dirs=/d\n");
    assert!(
        config
            .warnings
            .iter()
            .all(|it| !it.message.contains("hunter2"))
    );
}

#[test]
fn unknown_keys_are_warned_about_with_the_nearest_known_one() {
    let config = config(
        "log.dirs=/d\nlisteners=PLAINTEXT://localhost:1\nnum.partition=3\nwhat.is.this=1\n\
         listener.name.plaintext.x=1\nsuper.users=User:a\nlog.message.format.version=2.0\n",
    );
    let messages: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "log.message.format.version: no longer means anything and is ignored; take it out",
            "num.partition: is not a known key and is ignored; did you mean num.partitions?",
            "what.is.this: is not a known key and is ignored",
        ]
    );
}

#[test]
fn an_even_number_of_voters_is_warned_about() {
    let config = config(
        "process.roles=broker\nnode.id=3\ncontroller.listener.names=C\nlog.dirs=/d\n\
         listeners=PLAINTEXT://localhost:1\ncontroller.quorum.voters=1@a:1,2@b:1\n",
    );
    assert_eq!(warned_keys(&config), ["controller.quorum.voters"]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_makes_reading_panic(
        lines in proptest::collection::vec(
            ("(listeners|advertised.listeners|controller.quorum.voters|log.dirs|node.id|x)?", "\\PC*"),
            0..6,
        ),
    ) {
        let text: Vec<String> = lines.iter().map(|(key, value)| format!("{key}={value}")).collect();
        if let Ok(properties) = Properties::parse(&text.join("\n")) {
            let read = ServerConfig::new(properties, &surroundings());
            proptest::prop_assert!(read.is_ok_and(|it| !it.log_dirs.is_empty()) || !text.is_empty());
        }
    }
}
