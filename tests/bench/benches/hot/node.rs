//! A whole node in this process, on one thread, and a client of it on the same thread: what is counted
//! between a request and its answer is all that the node does for it, and two system calls of the client.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use broker::{Broker, BrokerOptions};
use bytes::Bytes;
use config::properties::Properties;
use config::server::{ServerConfig, Surroundings};
use controller::{Controller, ControllerOptions, MissingStore};
use protocol::Request;
use protocol::frame::{RequestHeader, decode_response, encode_request};
use rpc::ControllerClient;
use rpc::client::{ClientConfig, ControllerEndpoint};
use rpc::transport::in_process;
use storage::disk::RealDisk;
use storage::{LogDeps, LogDirs, LogDirsOptions};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use types::{DirectoryId, NodeId, SystemClock, Uuid};

const CLUSTER_ID: &str = "AAAAAAAAQACAAAAAAAAAAA";
const DIRECTORY: DirectoryId = DirectoryId(Uuid::from_bytes([9; 16]));
const PATIENCE: Duration = Duration::from_secs(20);

/// Dropped, everything in it ends with the runtime.
pub(crate) struct Node {
    pub(crate) runtime: Runtime,
    stream: TcpStream,
    _broker: Broker,
    _controller: Controller,
    _dir: TempDir,
}

impl Node {
    pub(crate) fn start() -> Self {
        let built = Builder::new_current_thread().enable_all().build();
        let runtime = built.expect("a runtime");
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (broker, controller, stream) = runtime.block_on(start(dir.path()));
        Self {
            runtime,
            stream,
            _broker: broker,
            _controller: controller,
            _dir: dir,
        }
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn call<R: Request>(&mut self, request: &R, version: i16) -> R::Response {
        let frame = frame(request, version);
        let mut answer = Vec::new();
        self.exchange(&frame, &mut answer);
        let decoded = decode_response::<R>(Bytes::from(answer), version);
        decoded.expect("an answer").1
    }

    /// Sends a frame and waits for the one that answers it, without its size. Allocates nothing if `answer`
    /// has the room.
    pub(crate) fn exchange(&mut self, frame: &[u8], answer: &mut Vec<u8>) {
        let stream = &mut self.stream;
        self.runtime.block_on(async {
            stream.write_all(frame).await.expect("sent");
            let size = stream.read_u32().await.expect("a size");
            answer.resize(size as usize, 0);
            stream.read_exact(answer).await.expect("an answer");
        });
    }

    /// Asks until the answer is what it should be.
    pub(crate) fn until<R: Request>(
        &mut self,
        request: &R,
        version: i16,
        is_good: impl Fn(&R::Response) -> bool,
    ) {
        for _ in 0..PATIENCE.as_millis() {
            if is_good(&self.call(request, version)) {
                return;
            }
            // Made inside: a timer belongs to the runtime it is made in.
            self.runtime.block_on(async {
                tokio::time::sleep(Duration::from_millis(1)).await;
            });
        }
        panic!("{:?} is not answered as it should be", R::KEY);
    }
}

pub(crate) fn frame<R: Request>(request: &R, version: i16) -> Vec<u8> {
    let header = RequestHeader {
        api_key: R::KEY,
        api_version: version,
        correlation_id: 1,
        client_id: Some("bench".into()),
    };
    let frame = encode_request(&header, request).expect("a request of that version");
    frame.to_bytes().to_vec()
}

async fn start(dir: &Path) -> (Broker, Controller, TcpStream) {
    let config = Arc::new(configuration(dir));
    let clock = Arc::new(SystemClock::new());
    let (connector, incoming) = in_process();
    let controller = Controller::start(ControllerOptions {
        config: Arc::clone(&config),
        cluster_id: Some(CLUSTER_ID.to_owned()),
        directory_id: DIRECTORY,
        missing_store: MissingStore::Format,
        initial_voters: Vec::new(),
        in_process: incoming,
        listeners: Vec::new(),
        clock: clock.clone(),
    });
    let controller = controller.await.expect("a controller");
    let dirs = LogDirsOptions {
        paths: config.log_dirs.clone(),
        cluster_id: CLUSTER_ID.to_owned(),
        node_id: NodeId(1),
        recovery_threads_per_dir: 1,
        new_directory_ids: vec![DirectoryId(Uuid::from_bytes([8; 16]))],
        foreign_names: Vec::new(),
    };
    let deps = LogDeps {
        disk: Arc::new(RealDisk),
        clock: clock.clone(),
    };
    let endpoint = ControllerEndpoint {
        node_id: Some(NodeId(1)),
        connector,
    };
    let broker = Broker::start(BrokerOptions {
        config,
        cluster_id: Some(CLUSTER_ID.to_owned()),
        log_dirs: Arc::new(LogDirs::open(dirs, deps).expect("an empty folder")),
        controllers: ControllerClient::new(vec![endpoint], ClientConfig::default()),
        clock,
    });
    let broker = broker.await.expect("a broker");
    let (_, address) = broker.addresses().first().expect("a listener");
    let stream = TcpStream::connect(address).await.expect("connected");
    stream.set_nodelay(true).expect("a socket");
    (broker, controller, stream)
}

fn configuration(dir: &Path) -> ServerConfig {
    let folder = |name: &str| {
        let path = dir.join(name);
        std::fs::create_dir(&path).expect("a folder");
        path.display().to_string()
    };
    let mut properties = Properties::default();
    for (key, value) in [
        ("node.id", "1"),
        ("process.roles", "broker,controller"),
        ("listeners", "PLAINTEXT://127.0.0.1:0"),
        ("log.dirs", &folder("logs")),
        ("metadata.log.dir", &folder("metadata")),
        ("offsets.topic.num.partitions", "1"),
        ("offsets.topic.replication.factor", "1"),
    ] {
        properties.set(key, value);
    }
    let surroundings = Surroundings {
        host_name: "localhost".to_owned(),
        has_file: false,
    };
    ServerConfig::new(properties, &surroundings).expect("a good configuration")
}
