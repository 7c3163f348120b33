//! Three controllers over pipes: one is active, and another takes over.

use rpc::transport::{Connector, in_process};
use rpc::{ControllerClient, TailEvent};
use tokio::time::timeout;
use types::NodeId;

use super::harness::{Node, PATIENCE, client, create_topic, join, join_as, listening, voter};
use crate::Controller;

struct Trio {
    controllers: Vec<(NodeId, Controller)>,
    connectors: Vec<(i32, Connector)>,
}

impl Trio {
    async fn start() -> Self {
        let pipes: Vec<_> = (1..=3).map(|id| (id, in_process())).collect();
        let (mut connectors, mut incomings) = (Vec::new(), Vec::new());
        for (id, (connector, incoming)) in pipes {
            connectors.push((id, connector));
            incomings.push(incoming);
        }
        let mut controllers = Vec::new();
        for (id, incoming) in (1..).zip(incomings) {
            let voters = connectors.iter().map(|(id, c)| voter(*id, c)).collect();
            let controller = Node::new(id).start(voters, incoming).await;
            controllers.push((NodeId(id), controller));
        }
        Self {
            controllers,
            connectors,
        }
    }

    fn client(&self) -> ControllerClient {
        client(&self.connectors)
    }

    async fn active(&self) -> NodeId {
        let quorum = self.client().describe_quorum(PATIENCE).await;
        quorum.expect("an active controller").leader_id
    }

    async fn stop(&mut self, id: NodeId) {
        let index = self.controllers.iter().position(|(i, _)| *i == id);
        let (_, controller) = self.controllers.remove(index.expect("running"));
        controller.shutdown().await;
    }

    async fn stop_all(self) {
        for (_, controller) in self.controllers {
            controller.shutdown().await;
        }
    }
}

async fn until_topic(client: &ControllerClient, topics: usize) {
    let mut tail = client.tail(0, NodeId(1));
    let mut seen = 0;
    while seen < topics {
        let event = timeout(PATIENCE, tail.next()).await.expect("in time");
        let records = match event.expect("sound") {
            TailEvent::Snapshot { records, .. } | TailEvent::Entry { records, .. } => records,
            TailEvent::HighWatermark(_) => continue,
        };
        let is_topic =
            |r: &metadata::MetadataRecord| matches!(r.kind, Some(metadata::Kind::Topic(_)));
        seen += records.iter().filter(|r| is_topic(r)).count();
    }
}

#[tokio::test]
async fn a_client_finds_the_active_controller_wherever_it_is() {
    let trio = Trio::start().await;
    let client = trio.client();
    let _session = join(&client, 1).await;
    for i in 0..3 {
        assert_eq!(create_topic(&trio.client(), &format!("t{i}")).await.0, 0);
    }
    // Every controller serves the tail, the active one or not.
    for connector in &trio.connectors {
        let one = super::harness::client(std::slice::from_ref(connector));
        until_topic(&one, 3).await;
    }
    trio.stop_all().await;
}

#[tokio::test]
async fn another_controller_takes_over_and_the_broker_goes_on() {
    let mut trio = Trio::start().await;
    let client = trio.client();
    let (registration, _listener) = listening(1).await;
    let mut session = join_as(&client, &registration).await;
    assert_eq!(create_topic(&client, "before").await.0, 0);

    let first = trio.active().await;
    trio.stop(first).await;
    let second = trio.active().await;
    assert_ne!(first, second);
    assert_eq!(create_topic(&client, "after").await.0, 0);
    let image = trio.controllers[0].1.image();
    let answer = session
        .heartbeat(&super::harness::state(image.offset()), PATIENCE)
        .await;
    assert!(!answer.expect("still registered").fenced);
    trio.stop_all().await;
}
