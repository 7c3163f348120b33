//! The programs that the pages name, as a student has them on the PATH. Kafka's console tools are
//! made from the jars. With Apache Kafka as the server, `raudal` is Kafka under that name.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const CLUSTER_ID: &str = "J7s9e8PPTKOO47PxzI39VA";
const TOOLS: &[(&str, &str)] = &[
    ("kafka-topics.sh", "org.apache.kafka.tools.TopicCommand"),
    (
        "kafka-console-producer.sh",
        "org.apache.kafka.tools.ConsoleProducer",
    ),
    (
        "kafka-console-consumer.sh",
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
    ),
    (
        "kafka-consumer-groups.sh",
        "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    ),
];
/// What `kcli dev start` starts when the server is Apache Kafka: one node, where the page expects it.
const DEV_PROPERTIES: &str = "\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:19092
listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:19092
advertised.listeners=PLAINTEXT://localhost:9092
controller.listener.names=CONTROLLER
offsets.topic.replication.factor=1
log.dirs=data/dev
";

/// Whose servers the page is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// From the binary of `RAUDAL_BIN`, or the one beside kcli.
    Raudal,
    /// From the jars of `KAFKA_LIBS`.
    ApacheKafka,
}

impl Server {
    /// Its name in the names of tests.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Raudal => "raudal",
            Self::ApacheKafka => "apache_kafka",
        }
    }
}

/// What there is on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) raudal: Option<PathBuf>,
    pub(crate) kafka_libs: Option<PathBuf>,
}

impl Programs {
    /// Looks for them.
    pub(crate) fn find() -> Self {
        let from_environment = |name| std::env::var_os(name).map(PathBuf::from);
        let beside = Path::new(env!("CARGO_BIN_EXE_kcli")).with_file_name("raudal");
        let raudal = from_environment("RAUDAL_BIN").or_else(|| beside.is_file().then_some(beside));
        Self {
            raudal,
            kafka_libs: from_environment("KAFKA_LIBS"),
        }
    }

    /// Why a page cannot be done like that, if so.
    pub(crate) fn missing(&self, server: Server, way: &str) -> Option<&'static str> {
        if self.kafka_libs.is_none() && (server == Server::ApacheKafka || way == "kafka") {
            return Some("needs KAFKA_LIBS");
        }
        (self.raudal.is_none() && server == Server::Raudal).then_some("needs cargo build -p raudal")
    }

    /// Writes a folder for the PATH. `port` gives the port that stands for one of the page.
    pub(crate) fn install(&self, server: Server, bin: &Path, port: impl Fn(&str) -> String) {
        fs::create_dir(bin).expect("a folder");
        let kcli = format!("exec '{}' \"$@\"", env!("CARGO_BIN_EXE_kcli"));
        if let Some(libs) = &self.kafka_libs {
            let log4j = bin.join("log4j.properties");
            fs::write(&log4j, "log4j.rootLogger=OFF\n").expect("written");
            for (name, class) in TOOLS {
                script(
                    bin,
                    name,
                    &format!("exec {} {class} \"$@\"", java(libs, bin, 256)),
                );
            }
            if server == Server::ApacheKafka {
                fs::write(bin.join("dev.properties"), port(DEV_PROPERTIES)).expect("written");
                script(bin, "raudal", &kafka(libs, bin));
                script(bin, "kcli", &format!("{}{kcli}", dev(bin)));
                return;
            }
        }
        let raudal = self.raudal.as_ref().expect("it was looked for").display();
        script(bin, "raudal", &format!("exec '{raudal}' \"$@\""));
        // Its own port is one that is free.
        let base_port = port("9092");
        let start = format!("set -- \"$@\" --base-port {base_port} --raudal '{raudal}'");
        script(
            bin,
            "kcli",
            &format!("[ \"$1 $2\" = 'dev start' ] && {start}\n{kcli}"),
        );
    }
}

fn java(libs: &Path, bin: &Path, heap_mib: u32) -> String {
    let (libs, bin) = (libs.display(), bin.display());
    let options = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";
    let log = format!("-Dlog4j.configuration='file:{bin}/log4j.properties'");
    format!("java -Xmx{heap_mib}m {options} {log} -cp '{libs}/*'")
}

/// Kafka wants its directories formatted first.
fn kafka(libs: &Path, bin: &Path) -> String {
    let java = java(libs, bin, 512);
    let format = "kafka.tools.StorageTool format --ignore-formatted";
    format!(
        "{java} {format} -t {CLUSTER_ID} -c \"$1\" >/dev/null 2>&1\nexec {java} kafka.Kafka \"$1\""
    )
}

/// `kcli dev` where the server is Apache Kafka.
fn dev(bin: &Path) -> String {
    let bin = bin.display();
    format!(
        "case \"$1 $2\" in
  'dev start') '{bin}/raudal' '{bin}/dev.properties' >dev.log 2>&1 </dev/null & exec '{bin}/kcli' cluster health --wait 60s ;;
  'dev wipe') exit 0 ;;
esac
"
    )
}

fn script(bin: &Path, name: &str, text: &str) {
    let path = bin.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("written");
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&path, executable).expect("made executable");
}
