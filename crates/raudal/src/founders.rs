//! The first voters of a cluster, as `raudal format` is told them and the first start reads them again
//! (KIP-853): `id@host:port:directory-id`, separated by commas.

use config::server::{Quorum, ServerConfig};
use controller::InitialVoter;
use types::{DirectoryId, NodeId};

use crate::args::Founding;
use crate::failure::Failure;

/// Reads a list of voters; `None` if one of them is not written as it should be.
pub(crate) fn parse(text: &str) -> Option<Vec<InitialVoter>> {
    let items = text.split(',').map(str::trim);
    items.filter(|item| !item.is_empty()).map(voter).collect()
}

/// Writes it as [`parse`] reads it.
pub(crate) fn to_text(voters: &[InitialVoter]) -> String {
    let items = voters
        .iter()
        .map(|it| format!("{}@{}:{}", it.node_id, it.address, it.directory_id));
    items.collect::<Vec<_>>().join(",")
}

fn voter(item: &str) -> Option<InitialVoter> {
    let (id, rest) = item.split_once('@')?;
    let (address, directory_id) = rest.rsplit_once(':')?;
    let (host, port) = address.rsplit_once(':')?;
    let node_id: i32 = id.parse().ok()?;
    let _port: u16 = port.parse().ok()?;
    let directory_id = DirectoryId(directory_id.parse().ok()?);
    let is_sound = node_id >= 0 && !host.is_empty() && directory_id != DirectoryId::ZERO;
    is_sound.then(|| InitialVoter {
        node_id: NodeId(node_id),
        address: address.to_owned(),
        directory_id,
    })
}

/// The first voters that the command line names; none if it names none. `directory_id` is what the
/// metadata directory gets unless the list says otherwise.
pub(crate) fn of(
    founding: &Founding,
    config: &ServerConfig,
    directory_id: DirectoryId,
) -> Result<Vec<InitialVoter>, Failure> {
    let is_given = founding.standalone
        || founding.initial_controllers.is_some()
        || founding.no_initial_controllers;
    if is_given && matches!(config.quorum, Quorum::Voters(_)) {
        return Err(wrong(
            "--standalone, --initial-controllers and --no-initial-controllers are for \
             controller.quorum.bootstrap.servers; controller.quorum.voters names the first voters already",
        ));
    }
    if !config.roles.controller && (founding.standalone || founding.initial_controllers.is_some()) {
        return Err(wrong(
            "process.roles has no controller, so this node cannot be one of the first voters; use \
             --no-initial-controllers",
        ));
    }
    if founding.standalone {
        let listener = config.listeners.advertised_controller.first();
        return Ok(vec![InitialVoter {
            node_id: config.node_id,
            address: listener
                .map(|it| it.endpoint.to_string())
                .unwrap_or_default(),
            directory_id,
        }]);
    }
    let Some(text) = &founding.initial_controllers else {
        return Ok(Vec::new());
    };
    let voters = parse(text).ok_or_else(|| {
        wrong("--initial-controllers: write it as id@host:port:directory-id,id@host:port:directory-id")
    })?;
    let mut ids: Vec<NodeId> = voters.iter().map(|voter| voter.node_id).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() < voters.len() {
        return Err(wrong("--initial-controllers repeats a node id"));
    }
    if !ids.contains(&config.node_id) {
        return Err(wrong(&format!(
            "--initial-controllers lacks this node, {}; a controller that is not one of the first \
             voters is formatted with --no-initial-controllers",
            config.node_id
        )));
    }
    Ok(voters)
}

fn wrong(message: &str) -> Failure {
    Failure::Config(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voters_are_read_as_they_were_written() {
        let text = "1@c1:9093:AAAAAAAAAAAAAAAAAAAAAQ,2@[::1]:9094:AAAAAAAAAAAAAAAAAAAAAg";
        let voters = parse(text).expect("well written");
        assert_eq!(voters[1].address, "[::1]:9094");
        assert_eq!(to_text(&voters), text);
    }

    #[test]
    fn what_is_no_voter_is_told() {
        for text in [
            "1",
            "1@c1",
            "1@c1:9093",
            "x@c1:9093:AAAAAAAAAAAAAAAAAAAAAQ",
            "-1@c1:9093:AAAAAAAAAAAAAAAAAAAAAQ",
            "1@:9093:AAAAAAAAAAAAAAAAAAAAAQ",
            "1@c1:port:AAAAAAAAAAAAAAAAAAAAAQ",
            "1@c1:9093:AAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
