//! `DescribeConfigs` (32): every key of a resource, its value, and where the value comes from.

use config::describe::{self, Entry, Synonym};
use config::{Layers, Properties, Scope, Source};
use metadata::{MetadataImage, ResourceKind};
use net::server::Reply;
use protocol::Str;
use protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};
use tracing::level_filters::LevelFilter;
use types::{ErrorCode, NodeId};

use super::Ctx;
use super::view::name_problem;

/// Kafka's number of the one kind of resource that is not in the metadata: a broker's log levels.
pub(super) const BROKER_LOGGER: i8 = 8;

pub(crate) fn handle(ctx: &Ctx<'_>, request: DescribeConfigsRequest) -> Reply {
    let image = ctx.image();
    let describer = Describer {
        image: &image,
        node_id: ctx.core.node_id(),
        file: &ctx.core.config.properties,
        with_synonyms: request.include_synonyms,
        with_documentation: request.include_documentation && ctx.version() >= 3,
    };
    let results = request.resources.iter().map(|it| describer.result(it));
    ctx.respond(&DescribeConfigsResponse {
        results: results.collect(),
        ..DescribeConfigsResponse::default()
    })
}

type Refusal = (ErrorCode, String);

/// Describes resources for one request.
struct Describer<'a> {
    image: &'a MetadataImage,
    node_id: NodeId,
    file: &'a Properties,
    with_synonyms: bool,
    with_documentation: bool,
}

impl Describer<'_> {
    fn result(&self, resource: &DescribeConfigsResource) -> DescribeConfigsResult {
        let (code, message, entries) = match self.entries(resource) {
            Ok(entries) => (ErrorCode::None, String::new(), entries),
            Err((code, message)) => (code, message, Vec::new()),
        };
        let wanted = resource.configuration_keys.as_deref().unwrap_or_default();
        let is_wanted =
            |entry: &Entry| wanted.is_empty() || wanted.iter().any(|name| **name == *entry.name);
        let configs = entries.into_iter().filter(is_wanted);
        DescribeConfigsResult {
            error_code: code.to_wire(),
            error_message: Some(message.into()),
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
            configs: configs.map(|entry| self.listed(entry)).collect(),
        }
    }

    fn entries(&self, resource: &DescribeConfigsResource) -> Result<Vec<Entry>, Refusal> {
        let name = &*resource.resource_name;
        match ResourceKind::from_wire(resource.resource_type) {
            Some(ResourceKind::Topic) => self.topic(name),
            Some(ResourceKind::Broker) if name.is_empty() => Ok(self.all_brokers()),
            Some(ResourceKind::Broker) => {
                check_broker_id(self.node_id, name, " or empty string,")?;
                Ok(self.this_broker())
            }
            Some(ResourceKind::ClientMetrics) if name.is_empty() => Err(invalid(
                "Client metrics subscription name must not be empty",
            )),
            Some(ResourceKind::Group) if name.is_empty() => {
                Err(invalid("Group name must not be empty"))
            }
            Some(kind @ (ResourceKind::ClientMetrics | ResourceKind::Group)) => {
                Ok(self.resource(kind, name))
            }
            None if resource.resource_type == BROKER_LOGGER => {
                if name.is_empty() {
                    return Err(invalid("Broker id must not be empty"));
                }
                check_broker_id(self.node_id, name, "")?;
                Ok(vec![root_logger()])
            }
            None => Err(invalid("There are no configs of this type")),
        }
    }

    fn topic(&self, name: &str) -> Result<Vec<Entry>, Refusal> {
        if let Some(problem) = name_problem(name) {
            return Err((ErrorCode::InvalidTopicException, problem));
        }
        let Some(topic) = self.image.topic(name) else {
            return Err((ErrorCode::UnknownTopicOrPartition, String::new()));
        };
        let factor = i32::try_from(topic.replication_factor()).unwrap_or(i32::MAX);
        Ok(self.with_layers(ResourceKind::Topic, name, |layers| {
            describe::topic(layers, factor)
        }))
    }

    fn resource(&self, kind: ResourceKind, name: &str) -> Vec<Entry> {
        let scope = match kind {
            ResourceKind::Group => Scope::Group,
            ResourceKind::ClientMetrics => Scope::ClientMetrics,
            ResourceKind::Topic => Scope::Topic,
            ResourceKind::Broker => Scope::Broker,
        };
        self.with_layers(kind, name, |layers| describe::resource(scope, layers))
    }

    fn this_broker(&self) -> Vec<Entry> {
        let id = self.node_id.to_string();
        let names = |name| {
            let set = self.image.configs_of(ResourceKind::Broker, name);
            set.into_iter()
                .flat_map(|set| set.iter().map(|(key, _)| &**key))
        };
        let names_set: Vec<&str> = names(&id).chain(names("")).collect();
        self.with_layers(ResourceKind::Broker, "", |layers| {
            describe::broker(layers, names_set.iter().copied())
        })
    }

    fn all_brokers(&self) -> Vec<Entry> {
        let set = self.image.configs_of(ResourceKind::Broker, "");
        let names_set = set
            .into_iter()
            .flat_map(|set| set.iter().map(|(key, _)| &**key));
        let names_set: Vec<&str> = names_set.collect();
        self.with_layers(ResourceKind::Broker, "", |layers| {
            describe::cluster(layers, names_set.iter().copied())
        })
    }

    /// All places a value may stand in. A broker has no place of its own beyond the shared ones.
    fn with_layers<T>(
        &self,
        kind: ResourceKind,
        name: &str,
        describe: impl FnOnce(&Layers<'_>) -> T,
    ) -> T {
        let id = self.node_id.to_string();
        let own = match kind {
            ResourceKind::Broker => None,
            other => self.image.configs_of(other, name),
        };
        let broker = self.image.configs_of(ResourceKind::Broker, &id);
        let cluster = self.image.configs_of(ResourceKind::Broker, "");
        describe(&Layers {
            resource: Some(&|key| own.and_then(|set| set.get(key))),
            broker: Some(&|key| broker.and_then(|set| set.get(key))),
            cluster: Some(&|key| cluster.and_then(|set| set.get(key))),
            file: Some(&|key| self.file.get(key)),
        })
    }

    fn listed(&self, entry: Entry) -> DescribeConfigsResourceResult {
        let synonyms = if self.with_synonyms {
            entry.synonyms
        } else {
            Vec::new()
        };
        let documentation = entry.documentation.filter(|_| self.with_documentation);
        DescribeConfigsResourceResult {
            name: entry.name.into(),
            value: entry.value.map(Str::from),
            read_only: entry.is_read_only,
            config_source: entry.source.to_wire(),
            is_sensitive: entry.is_sensitive,
            synonyms: synonyms.into_iter().map(listed_synonym).collect(),
            // 0 is Kafka's "unknown".
            config_type: entry.kind.map_or(0, config::Kind::to_wire),
            documentation: documentation.map(Str::from_static),
        }
    }
}

fn listed_synonym(synonym: Synonym) -> DescribeConfigsSynonym {
    DescribeConfigsSynonym {
        name: Str::from_static(synonym.name),
        value: synonym.value.map(Str::from),
        source: synonym.source.to_wire(),
    }
}

fn invalid(message: &str) -> Refusal {
    (ErrorCode::InvalidRequest, message.to_owned())
}

/// A broker knows its own file and no other's, so it answers for itself alone. `or` names what else
/// may be asked for.
pub(super) fn check_broker_id(node_id: NodeId, name: &str, or: &str) -> Result<(), Refusal> {
    match name.parse::<i32>() {
        Ok(id) if id == node_id.0 => Ok(()),
        Ok(id) => Err(invalid(&format!(
            "Unexpected broker id, expected {node_id}{or} but received {id}"
        ))),
        Err(_) => Err(invalid(&format!(
            "Broker id must be an integer, but it is: {name}"
        ))),
    }
}

/// The level of everything that is logged, in Kafka's words. It is chosen at start.
fn root_logger() -> Entry {
    let level = match LevelFilter::current() {
        LevelFilter::OFF => "OFF",
        LevelFilter::ERROR => "ERROR",
        LevelFilter::WARN => "WARN",
        LevelFilter::INFO => "INFO",
        LevelFilter::DEBUG => "DEBUG",
        _ => "TRACE",
    };
    Entry {
        name: "root".to_owned(),
        value: Some(level.to_owned()),
        source: Source::BrokerLogger,
        kind: None,
        is_read_only: true,
        is_sensitive: false,
        synonyms: Vec::new(),
        documentation: None,
    }
}

#[cfg(test)]
mod tests;
