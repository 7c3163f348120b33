//! A controller as the server starts it: its store on disk, its listener on a socket.

use std::path::Path;
use std::sync::Arc;

use config::Properties;
use config::server::{ServerConfig, Surroundings};
use rpc::transport::{Connector, Incoming, in_process};
use rpc::{ControllerClient, Error as ClientError};
use tokio::net::TcpListener;
use types::{NodeId, SystemClock};

use super::harness::{CLUSTER_ID, PATIENCE, client, create_topic, join};
use crate::quorum::testing::directory_id;
use crate::{Controller, ControllerOptions, Error, MissingStore};

fn server_config(dir: &Path) -> Arc<ServerConfig> {
    let mut properties = Properties::new();
    properties.set("process.roles", "broker,controller");
    properties.set("node.id", "1");
    properties.set("log.dirs", dir.to_string_lossy());
    let surroundings = Surroundings {
        host_name: "localhost".to_owned(),
        has_file: false,
    };
    let config = ServerConfig::new(properties, &surroundings);
    Arc::new(config.unwrap_or_else(|problems| panic!("{problems}")))
}

struct Started {
    controller: Controller,
    pipe: ControllerClient,
    socket: ControllerClient,
}

async fn start(dir: &Path, missing_store: MissingStore) -> Result<Started, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    let (connector, incoming): (Connector, Incoming) = in_process();
    let options = ControllerOptions {
        config: server_config(dir),
        cluster_id: Some(CLUSTER_ID.to_owned()),
        directory_id: directory_id(1),
        missing_store,
        initial_voters: Vec::new(),
        in_process: incoming,
        listeners: vec![listener],
        clock: Arc::new(SystemClock::new()),
    };
    Ok(Started {
        controller: Controller::start(options).await?,
        pipe: client(&[(1, connector)]),
        socket: client(&[(1, Connector::tcp(address))]),
    })
}

#[tokio::test]
async fn what_was_decided_is_there_after_a_restart_and_served_on_socket_and_pipe() {
    let dir = tempfile::tempdir().expect("a folder");
    let started = start(dir.path(), MissingStore::Format)
        .await
        .expect("starts");
    let session = join(&started.pipe, 1).await;
    assert_eq!(create_topic(&started.socket, "t").await.0, 0);
    drop(session);
    started.controller.shutdown().await;

    let started = start(dir.path(), MissingStore::Refuse)
        .await
        .expect("starts again");
    let quorum = started
        .socket
        .describe_quorum(PATIENCE)
        .await
        .expect("active");
    assert_eq!(quorum.leader_id, NodeId(1));
    assert_eq!(quorum.voters[0].directory_id, directory_id(1));
    let image = started.controller.image();
    assert!(image.topic("t").is_some());
    assert_eq!(image.cluster_id(), Some(CLUSTER_ID));
    started.controller.shutdown().await;
    let after = started
        .pipe
        .describe_quorum(std::time::Duration::ZERO)
        .await;
    assert!(matches!(after, Err(ClientError::NoController { .. })));
}

#[tokio::test]
async fn a_vanished_store_is_refused_with_an_instruction() {
    let dir = tempfile::tempdir().expect("a folder");
    let started = start(dir.path(), MissingStore::Format)
        .await
        .expect("starts");
    started.controller.shutdown().await;
    std::fs::remove_dir_all(dir.path().join("quorum/voter/store")).expect("removed");
    for missing_store in [MissingStore::Format, MissingStore::Refuse] {
        let refused = start(dir.path(), missing_store).await.map(|_| ());
        let error = refused.expect_err("the store is gone");
        assert!(matches!(error, Error::LostStore { .. }), "{error:?}");
        assert_eq!(error.exit_code(), Error::EXIT_CODE_STORE);
        assert!(
            error
                .to_string()
                .contains("format this node as a new voter")
        );
    }
    std::fs::remove_dir_all(dir.path().join("quorum")).expect("removed");
    let refused = start(dir.path(), MissingStore::Refuse).await.map(|_| ());
    assert!(matches!(refused, Err(Error::LostStore { .. })));
}
