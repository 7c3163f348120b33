//! Reads and checks the listeners of a node.

use super::Roles;
use super::addresses::Endpoint;
use super::listeners::{AdvertisedListener, Listener, Listeners, SecurityProtocol};
use super::problem::Problem;
use super::read::Reader;
use crate::value::items;

const LISTENERS: &str = "listeners";
const ADVERTISED: &str = "advertised.listeners";
const PROTOCOLS: &str = "listener.security.protocol.map";
pub(super) const CONTROLLER_NAMES: &str = "controller.listener.names";
const INTER_BROKER: &str = "inter.broker.listener.name";
const INTER_BROKER_PROTOCOL: &str = "security.inter.broker.protocol";

/// Reads the listeners of a node with these roles. `host_name` is what is advertised for a listener
/// without a host.
pub(super) fn read(
    reader: &Reader<'_>,
    roles: Roles,
    host_name: &str,
) -> Result<Listeners, Problem> {
    let text: Vec<String> = reader.read(LISTENERS);
    let text = text.join(",");
    let names = Names::read(reader)?;
    let all = read_listeners(&text, &names)?;
    check_ports(&text, &all)?;
    let (controller, broker): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|listener| names.is_controller(&listener.name));
    check_roles(&text, roles, &names, &broker, &controller)?;
    let advertised = read_advertised(reader, &names, &broker, &controller, host_name)?;
    let (advertised_controller, advertised): (Vec<_>, Vec<_>) = advertised
        .into_iter()
        .partition(|listener| names.is_controller(&listener.name));
    let inter_broker_name = read_inter_broker(reader, roles, &advertised)?;
    Ok(Listeners {
        broker,
        controller,
        advertised,
        advertised_controller,
        inter_broker_name,
    })
}

/// What the configuration says about listener names.
struct Names {
    controller: Vec<String>,
    protocols: Vec<(String, SecurityProtocol)>,
    protocols_are_given: bool,
}

impl Names {
    fn read(reader: &Reader<'_>) -> Result<Self, Problem> {
        let controller: Vec<String> = reader.read(CONTROLLER_NAMES);
        let text: String = reader.read::<Option<String>>(PROTOCOLS).unwrap_or_default();
        let mut protocols = Vec::new();
        for item in items(&text) {
            let pair = item.split_once(':').and_then(|(name, protocol)| {
                Some((name.to_uppercase(), SecurityProtocol::parse(protocol)?))
            });
            protocols.push(pair.ok_or_else(|| {
                Problem::new(
                    PROTOCOLS,
                    Some(&text),
                    format!("{item:?} is not a listener name with its security protocol"),
                    "write it as NAME:PLAINTEXT, with PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
                )
            })?);
        }
        Ok(Self {
            controller: controller.iter().map(|name| name.to_uppercase()).collect(),
            protocols,
            protocols_are_given: reader.text(PROTOCOLS).is_some(),
        })
    }

    fn is_controller(&self, name: &str) -> bool {
        self.controller.iter().any(|other| other == name)
    }

    /// A controller's listener may go without an entry while nobody wrote a map.
    fn protocol(&self, name: &str) -> Option<SecurityProtocol> {
        let entry = self.protocols.iter().find(|(other, _)| other == name);
        let fallback = !self.protocols_are_given && self.is_controller(name);
        entry
            .map(|(_, protocol)| *protocol)
            .or(fallback.then_some(SecurityProtocol::Plaintext))
    }
}

fn read_listeners(text: &str, names: &Names) -> Result<Vec<Listener>, Problem> {
    let mut listeners: Vec<Listener> = Vec::new();
    for (name, bind) in read_addresses(LISTENERS, text)? {
        let protocol = protocol_of(LISTENERS, text, names, &name)?;
        if listeners.iter().any(|other| other.name == name) {
            let reason = format!("listener {name} stands here twice");
            let remedy = "give each listener a name of its own";
            return Err(Problem::new(LISTENERS, Some(text), reason, remedy));
        }
        listeners.push(Listener {
            name,
            protocol,
            bind,
        });
    }
    Ok(listeners)
}

fn protocol_of(
    key: &str,
    text: &str,
    names: &Names,
    name: &str,
) -> Result<SecurityProtocol, Problem> {
    let Some(protocol) = names.protocol(name) else {
        let reason = format!("no security protocol is known for listener {name}");
        let remedy = format!("add {name}:PLAINTEXT to {PROTOCOLS}, or correct the name");
        return Err(Problem::new(key, Some(text), reason, remedy));
    };
    if protocol != SecurityProtocol::Plaintext {
        let reason = format!("listener {name} speaks {protocol}, which this version cannot");
        let remedy = "use PLAINTEXT behind a firewall, or wait for a version with TLS and SASL";
        return Err(Problem::new(key, Some(text), reason, remedy));
    }
    Ok(protocol)
}

/// Reads `NAME://host:port,NAME://host:port`. Names come back in upper case.
fn read_addresses(key: &str, text: &str) -> Result<Vec<(String, Endpoint)>, Problem> {
    let read = |item: &str| {
        let (name, address) = item.split_once("://")?;
        let endpoint = Endpoint::parse(address)?;
        (!name.is_empty()).then(|| (name.to_uppercase(), endpoint))
    };
    let mut addresses = Vec::new();
    for item in items(text) {
        let Some(address) = read(item) else {
            let reason = format!("{item:?} is not a listener");
            let remedy = "write it as NAME://host:port, for example PLAINTEXT://:9092";
            return Err(Problem::new(key, Some(text), reason, remedy));
        };
        addresses.push(address);
    }
    Ok(addresses)
}

fn check_ports(text: &str, listeners: &[Listener]) -> Result<(), Problem> {
    for (i, one) in listeners.iter().enumerate() {
        for other in &listeners[..i] {
            if collide(&one.bind, &other.bind) {
                let reason = format!(
                    "listeners {} and {} share port {}",
                    other.name, one.name, one.bind.port
                );
                let remedy = "give each listener a port of its own";
                return Err(Problem::new(LISTENERS, Some(text), reason, remedy));
            }
        }
    }
    Ok(())
}

/// One port may serve two listeners only where one is on IPv4 and the other on IPv6.
fn collide(one: &Endpoint, other: &Endpoint) -> bool {
    let family = |endpoint: &Endpoint| {
        let address: Result<std::net::IpAddr, _> = endpoint.host.parse();
        address.ok().map(|address| address.is_ipv4())
    };
    let differ = matches!((family(one), family(other)), (Some(a), Some(b)) if a != b);
    one.port != 0 && one.port == other.port && !differ
}

fn check_roles(
    text: &str,
    roles: Roles,
    names: &Names,
    broker: &[Listener],
    controller: &[Listener],
) -> Result<(), Problem> {
    let wrong =
        |reason: &str, remedy: &str| Err(Problem::new(LISTENERS, Some(text), reason, remedy));
    if roles.broker && broker.is_empty() {
        let reason = "a broker needs a listener that is not in controller.listener.names";
        return wrong(reason, "add one, for example PLAINTEXT://:9092");
    }
    if roles.broker && !roles.controller && !controller.is_empty() {
        let reason = "a node that is only a broker cannot listen as a controller";
        let remedy = "take the names in controller.listener.names out of listeners";
        return wrong(reason, remedy);
    }
    if !roles.broker && !broker.is_empty() {
        let reason = format!("listener {} is not a controller's", broker[0].name);
        let remedy = "list its name in controller.listener.names, or take it out of listeners";
        return wrong(&reason, remedy);
    }
    let listens = |name: &String| controller.iter().any(|listener| listener.name == *name);
    if roles.controller && !names.controller.is_empty() && !names.controller.iter().any(listens) {
        let reason = "no listener is in controller.listener.names";
        let remedy = format!("add one, for example {}://:9093", names.controller[0]);
        return wrong(reason, &remedy);
    }
    Ok(())
}

fn read_advertised(
    reader: &Reader<'_>,
    names: &Names,
    broker: &[Listener],
    controller: &[Listener],
    host_name: &str,
) -> Result<Vec<AdvertisedListener>, Problem> {
    let known = |name: &str| broker.iter().chain(controller).find(|it| it.name == name);
    let mut advertised: Vec<AdvertisedListener> = Vec::new();
    if let Some(text) = reader.text(ADVERTISED) {
        for (name, endpoint) in read_addresses(ADVERTISED, text)? {
            let Some(listener) = known(&name) else {
                // A node that is only a broker may say where its controllers listen.
                if names.is_controller(&name) {
                    continue;
                }
                let reason = format!("{name} is not one of the listeners");
                let remedy = format!("add {name} to {LISTENERS}, or take it out here");
                return Err(Problem::new(ADVERTISED, Some(text), reason, remedy));
            };
            let endpoint = routable(ADVERTISED, text, endpoint, host_name)?;
            advertised.push(advertise(listener, endpoint));
        }
        check_advertised(text, broker, &advertised)?;
    }
    let text: Vec<String> = reader.read(LISTENERS);
    let text = text.join(",");
    // Without advertised.listeners everything is told as it is bound; with it, only controllers
    // are, which clients never hear of.
    let told = if advertised.is_empty() { broker } else { &[] };
    for listener in told.iter().chain(controller) {
        if advertised.iter().all(|other| other.name != listener.name) {
            let endpoint = routable(LISTENERS, &text, listener.bind.clone(), host_name)?;
            advertised.push(advertise(listener, endpoint));
        }
    }
    Ok(advertised)
}

fn advertise(listener: &Listener, endpoint: Endpoint) -> AdvertisedListener {
    AdvertisedListener {
        name: listener.name.clone(),
        protocol: listener.protocol,
        endpoint,
    }
}

fn check_advertised(
    text: &str,
    broker: &[Listener],
    advertised: &[AdvertisedListener],
) -> Result<(), Problem> {
    let is_told = |listener: &Listener| advertised.iter().any(|it| it.name == listener.name);
    if broker.is_empty() || broker.iter().any(is_told) {
        return Ok(());
    }
    let reason = "no listener for clients is advertised";
    let remedy = "advertise at least one listener that is not in controller.listener.names";
    Err(Problem::new(ADVERTISED, Some(text), reason, remedy))
}

/// An address others can connect to.
fn routable(
    key: &str,
    text: &str,
    endpoint: Endpoint,
    host_name: &str,
) -> Result<Endpoint, Problem> {
    if endpoint.is_unspecified() {
        let reason = format!("nobody can connect to {}", endpoint.host);
        let remedy = format!(
            "set {ADVERTISED} to an address that clients reach, for example PLAINTEXT://{host_name}:9092"
        );
        return Err(Problem::new(key, Some(text), reason, remedy));
    }
    if endpoint.host.is_empty() {
        return Ok(Endpoint {
            host: host_name.to_owned(),
            port: endpoint.port,
        });
    }
    Ok(endpoint)
}

/// The listener brokers use among themselves: by name, or the one named like the protocol.
fn read_inter_broker(
    reader: &Reader<'_>,
    roles: Roles,
    advertised: &[AdvertisedListener],
) -> Result<String, Problem> {
    let name = reader.read::<Option<String>>(INTER_BROKER);
    let protocol = reader.text(INTER_BROKER_PROTOCOL);
    if let (Some(name), Some(_)) = (&name, protocol) {
        let reason = format!("{INTER_BROKER_PROTOCOL} is set as well");
        return Err(Problem::new(
            INTER_BROKER,
            Some(name),
            reason,
            "keep one of the two",
        ));
    }
    let wanted = name.as_deref().or(protocol).unwrap_or("PLAINTEXT");
    let wanted = wanted.to_uppercase();
    if !roles.broker || advertised.iter().any(|listener| listener.name == wanted) {
        return Ok(wanted);
    }
    // Kafka refuses here as soon as no listener is called PLAINTEXT. With a single listener there
    // is no doubt which one is meant.
    if let ([only], None, None) = (advertised, &name, protocol) {
        return Ok(only.name.clone());
    }
    let names: Vec<&str> = advertised.iter().map(|it| it.name.as_str()).collect();
    let reason = format!("brokers cannot reach each other on {wanted}, which is not advertised");
    let remedy = format!("set it to one of {}", names.join(", "));
    Err(Problem::new(INTER_BROKER, name.as_deref(), reason, remedy))
}
