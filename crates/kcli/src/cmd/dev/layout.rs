//! Who shall be there: ids, roles and ports of the nodes, and the properties each is started with.
//! Nothing happens here.

use std::path::Path;

use crate::failure::{Failure, Result};

/// Controllers without a broker are numbered from here.
const FIRST_CONTROLLER_ID: i32 = 101;
/// Controller listeners lie so far above the brokers' ports.
const CONTROLLER_PORTS_ABOVE: u16 = 100;
/// More nodes than this are not for one machine.
const NODES_MAX: u8 = 50;
/// The address of everything.
pub(super) const HOST: &str = "127.0.0.1";

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Keeps partitions.
    Broker,
    /// Votes about metadata.
    Controller,
    /// Both in one process.
    Combined,
}

impl Role {
    /// `process.roles`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Controller => "controller",
            Self::Combined => "broker,controller",
        }
    }

    /// Whether clients connect to it.
    pub(crate) fn is_broker(self) -> bool {
        self != Self::Controller
    }

    /// Whether it votes.
    pub(crate) fn is_voter(self) -> bool {
        self != Self::Broker
    }
}

/// One node to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) id: i32,
    pub(super) role: Role,
    /// Where clients connect, of a broker.
    pub(super) port: Option<u16>,
    /// Where nodes speak with it as a controller, of a voter.
    pub(super) controller_port: Option<u16>,
}

/// The nodes. Without a number of controllers the brokers vote, an odd number of them; beside two
/// brokers stands a third voter, because two voters lose their majority with either one.
pub(super) fn plan(brokers: u8, controllers: Option<u8>, base_port: u16) -> Result<Vec<Planned>> {
    let apart = match (brokers, controllers) {
        (0, _) => return Err(Failure::usage("--brokers 0: at least one is needed")),
        (_, Some(0)) => {
            return Err(Failure::usage("--controllers 0: at least one is needed")
                .hint("leave it out, and the brokers are controllers, too"));
        }
        (_, Some(apart)) => apart,
        (2, None) => 1,
        (_, None) => 0,
    };
    if brokers.saturating_add(apart) > NODES_MAX {
        return Err(Failure::usage(format!("at most {NODES_MAX} nodes")));
    }
    let combined = match controllers {
        Some(_) => 0,
        None if brokers <= 3 => brokers,
        None if brokers == 4 => 3,
        None => 5,
    };
    let port = |above: u16| {
        let port = base_port.checked_add(above);
        port.ok_or_else(|| Failure::usage(format!("--base-port {base_port}: too high")))
    };
    let mut nodes = Vec::new();
    for i in 0..brokers {
        let is_voter = i < combined;
        nodes.push(Planned {
            id: i32::from(i) + 1,
            role: if is_voter {
                Role::Combined
            } else {
                Role::Broker
            },
            port: Some(port(u16::from(i))?),
            controller_port: is_voter
                .then(|| port(CONTROLLER_PORTS_ABOVE + u16::from(i)))
                .transpose()?,
        });
    }
    for i in 0..apart {
        nodes.push(Planned {
            id: FIRST_CONTROLLER_ID + i32::from(i),
            role: Role::Controller,
            port: None,
            controller_port: Some(port(
                CONTROLLER_PORTS_ABOVE + u16::from(brokers) + u16::from(i),
            )?),
        });
    }
    Ok(nodes)
}

/// `controller.quorum.voters`.
pub(super) fn voters(nodes: &[Planned]) -> String {
    let voters = nodes.iter().filter_map(|node| {
        let port = node.controller_port?;
        Some(format!("{}@{HOST}:{port}", node.id))
    });
    voters.collect::<Vec<_>>().join(",")
}

/// The node's server.properties. What the user gives stands last and wins.
pub(super) fn properties(
    node: &Planned,
    voters: &str,
    data: &Path,
    extra: &[(String, String)],
) -> String {
    let mut listeners = Vec::new();
    listeners.extend(node.port.map(|port| format!("PLAINTEXT://{HOST}:{port}")));
    listeners.extend(
        node.controller_port
            .map(|port| format!("CONTROLLER://{HOST}:{port}")),
    );
    let mut pairs: Vec<(String, String)> = [
        ("process.roles", node.role.name().to_owned()),
        ("node.id", node.id.to_string()),
        ("controller.quorum.voters", voters.to_owned()),
        ("listeners", listeners.join(",")),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("log.dirs", data.display().to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    if let Some(port) = node.port {
        let advertised = format!("PLAINTEXT://{HOST}:{port}");
        pairs.push(("advertised.listeners".to_owned(), advertised));
        pairs.push((
            "inter.broker.listener.name".to_owned(),
            "PLAINTEXT".to_owned(),
        ));
    }
    for (key, value) in extra {
        match pairs.iter_mut().find(|(known, _)| known == key) {
            Some(pair) => pair.1.clone_from(value),
            None => pairs.push((key.clone(), value.clone())),
        }
    }
    let lines = pairs.iter().map(|(key, value)| format!("{key}={value}\n"));
    let head = format!(
        "# Node {} of a cluster that `kcli dev start` made.\n",
        node.id
    );
    std::iter::once(head).chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(brokers: u8, controllers: Option<u8>) -> Vec<(i32, Role)> {
        let nodes = plan(brokers, controllers, 9092).expect("possible");
        nodes.iter().map(|node| (node.id, node.role)).collect()
    }

    #[test]
    fn three_brokers_are_three_voters() {
        let all = [1, 2, 3].map(|id| (id, Role::Combined));
        assert_eq!(roles(3, None), all);
    }

    #[test]
    fn two_brokers_get_a_third_voter_beside_them() {
        let expected = [
            (1, Role::Combined),
            (2, Role::Combined),
            (101, Role::Controller),
        ];
        assert_eq!(roles(2, None), expected);
    }

    #[test]
    fn voters_are_an_odd_number_however_many_brokers_there_are() {
        for brokers in 1..=12 {
            let voters = roles(brokers, None)
                .iter()
                .filter(|(_, role)| role.is_voter())
                .count();
            assert_eq!(voters % 2, 1, "{brokers} brokers have {voters} voters");
        }
    }

    #[test]
    fn controllers_may_stand_apart() {
        let expected = [
            (1, Role::Broker),
            (2, Role::Broker),
            (101, Role::Controller),
        ];
        assert_eq!(roles(2, Some(1)), expected);
    }

    #[test]
    fn what_the_user_sets_wins() {
        let nodes = plan(1, None, 9092).expect("possible");
        let extra = [
            ("log.dirs".to_owned(), "/disk".to_owned()),
            ("broker.rack".to_owned(), "a".to_owned()),
        ];
        let text = properties(&nodes[0], &voters(&nodes), Path::new("/data"), &extra);
        assert!(
            text.contains("controller.quorum.voters=1@127.0.0.1:9192\n"),
            "{text}"
        );
        assert!(text.contains("\nlog.dirs=/disk\n"), "{text}");
        assert!(text.contains("\nbroker.rack=a\n"), "{text}");
        assert!(!text.contains("/data"), "{text}");
    }

    #[test]
    fn what_makes_no_cluster_is_refused() {
        assert!(plan(0, None, 9092).is_err());
        assert!(plan(3, Some(0), 9092).is_err());
        assert!(plan(200, None, 9092).is_err());
        assert!(plan(3, None, 65_534).is_err());
    }
}
