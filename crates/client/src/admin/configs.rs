//! Configs of topics, brokers and groups: read with their origin, changed key by key.

use protocol::Str;
use protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
};
use protocol::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};

use super::{Admin, text};
use crate::ask::Whom;
use crate::{Error, Result};

/// The number of topics among the kinds of resources.
const TOPIC: i8 = 2;
/// Topics described with one request.
const TOPICS_PER_REQUEST: usize = 500;

/// What has configs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceKind {
    /// A topic.
    Topic,
    /// A broker by id; an empty name means the cluster-wide default of all brokers.
    Broker,
    /// A group. It need not exist: its configs wait for it.
    Group,
}

/// One thing that has configs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Of which kind.
    pub kind: ResourceKind,
    /// Its name.
    pub name: String,
}

impl Resource {
    fn wire_kind(&self) -> i8 {
        match self.kind {
            ResourceKind::Topic => TOPIC,
            ResourceKind::Broker => 4,
            ResourceKind::Group => 32,
        }
    }

    /// Only a broker knows its own static configs.
    fn node_id(&self) -> Option<i32> {
        match self.kind {
            ResourceKind::Topic | ResourceKind::Group => None,
            ResourceKind::Broker => self.name.parse().ok(),
        }
    }

    fn describe(&self) -> String {
        match self.kind {
            ResourceKind::Topic => format!("topic {}", self.name),
            ResourceKind::Broker if self.name.is_empty() => "all brokers".to_owned(),
            ResourceKind::Broker => format!("broker {}", self.name),
            ResourceKind::Group => format!("group {}", self.name),
        }
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigSource {
    /// Set on the topic.
    Topic,
    /// Set on this broker while it runs.
    DynamicBroker,
    /// Set for all brokers while they run.
    DynamicDefaultBroker,
    /// The broker's file.
    StaticBroker,
    /// Nobody set it.
    Default,
    /// Set on the group.
    Group,
    /// Something newer than this client, by number.
    Other(i8),
}

impl ConfigSource {
    fn from_wire(code: i8) -> Self {
        match code {
            1 => Self::Topic,
            2 => Self::DynamicBroker,
            3 => Self::DynamicDefaultBroker,
            4 => Self::StaticBroker,
            5 => Self::Default,
            8 => Self::Group,
            other => Self::Other(other),
        }
    }

    /// Kafka's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Topic => "DYNAMIC_TOPIC_CONFIG",
            Self::DynamicBroker => "DYNAMIC_BROKER_CONFIG",
            Self::DynamicDefaultBroker => "DYNAMIC_DEFAULT_BROKER_CONFIG",
            Self::StaticBroker => "STATIC_BROKER_CONFIG",
            Self::Default => "DEFAULT_CONFIG",
            Self::Group => "DYNAMIC_GROUP_CONFIG",
            Self::Other(_) => "UNKNOWN",
        }
    }
}

/// One config with its value and origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Its key.
    pub name: String,
    /// Its value; `None` if unset or sensitive.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// Whether it can be changed at all.
    pub is_read_only: bool,
    /// Whether its value is kept secret.
    pub is_sensitive: bool,
    /// Other places that hold a value for it, strongest first.
    pub synonyms: Vec<ConfigSynonym>,
    /// What it is for, if the broker tells.
    pub documentation: Option<String>,
}

/// Another place that holds a value for a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigSynonym {
    /// Its key there.
    pub name: String,
    /// Its value there.
    pub value: Option<String>,
    /// Which place.
    pub source: ConfigSource,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlterOp {
    /// Sets a value.
    Set(String),
    /// Goes back to the default.
    Delete,
    /// Adds to a list.
    Append(String),
    /// Takes from a list.
    Subtract(String),
}

impl AlterOp {
    fn to_wire(&self) -> (i8, Option<Str>) {
        match self {
            Self::Set(value) => (0, Some(Str::from(value.as_str()))),
            Self::Delete => (1, None),
            Self::Append(value) => (2, Some(Str::from(value.as_str()))),
            Self::Subtract(value) => (3, Some(Str::from(value.as_str()))),
        }
    }
}

impl Admin {
    /// All configs of one resource, in the order of their keys.
    ///
    /// # Errors
    /// The resource does not exist, or the request failed.
    pub async fn describe_configs(
        &self,
        resource: &Resource,
        with_documentation: bool,
    ) -> Result<Vec<ConfigEntry>> {
        let request = DescribeConfigsRequest {
            resources: vec![DescribeConfigsResource {
                resource_type: resource.wire_kind(),
                resource_name: Str::from(resource.name.as_str()),
                configuration_keys: None,
            }],
            include_synonyms: true,
            include_documentation: with_documentation,
        };
        let whom = Whom::node_or_any(resource.node_id());
        let make = |_version| request.clone();
        let (_version, response) = self.client.ask(whom, make, |_| Ok(())).await?;
        let results = response.results;
        let Some(result) = results.into_iter().next() else {
            return Ok(Vec::new());
        };
        let what = || format!("configs of {}", resource.describe());
        Error::check(result.error_code, result.error_message.as_deref(), what)?;
        let mut entries: Vec<_> = result.configs.iter().map(entry).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Some configs of many topics. Each comes back with its own result.
    ///
    /// # Errors
    /// The request as a whole failed.
    pub async fn topic_configs(
        &self,
        topics: &[String],
        keys: &[&str],
    ) -> Result<Vec<(String, Result<Vec<ConfigEntry>>)>> {
        let mut described = Vec::with_capacity(topics.len());
        for chunk in topics.chunks(TOPICS_PER_REQUEST) {
            let resources = chunk.iter().map(|topic| DescribeConfigsResource {
                resource_type: TOPIC,
                resource_name: Str::from(topic.as_str()),
                configuration_keys: Some(keys.iter().map(|key| Str::from(*key)).collect()),
            });
            let request = DescribeConfigsRequest {
                resources: resources.collect(),
                include_synonyms: true,
                include_documentation: false,
            };
            let make = |_version| request.clone();
            let (_version, response) = self.client.ask(Whom::Any, make, |_| Ok(())).await?;
            described.extend(response.results.iter().map(|result| {
                let topic = result.resource_name.to_string();
                let message = result.error_message.as_deref();
                let what = || format!("configs of topic {topic}");
                let checked = Error::check(result.error_code, message, what);
                let configs = checked.map(|()| result.configs.iter().map(entry).collect());
                (topic, configs)
            }));
        }
        Ok(described)
    }

    /// Changes configs of one resource, all or none.
    ///
    /// # Errors
    /// The broker refused, or the request failed.
    pub async fn alter_configs(
        &self,
        resource: &Resource,
        changes: &[(String, AlterOp)],
        validates_only: bool,
    ) -> Result<()> {
        let configs = changes.iter().map(|(name, op)| {
            let (config_operation, value) = op.to_wire();
            AlterableConfig {
                name: Str::from(name.as_str()),
                config_operation,
                value,
            }
        });
        let request = IncrementalAlterConfigsRequest {
            resources: vec![AlterConfigsResource {
                resource_type: resource.wire_kind(),
                resource_name: Str::from(resource.name.as_str()),
                configs: configs.collect(),
            }],
            validate_only: validates_only,
        };
        let whom = resource.node_id().map_or(Whom::Controller, Whom::Node);
        let make = |_version| request.clone();
        let (_version, response) = self.client.ask(whom, make, |_| Ok(())).await?;
        let what = || format!("change configs of {}", resource.describe());
        match response.responses.first() {
            Some(result) => Error::check(result.error_code, result.error_message.as_deref(), what),
            None => Ok(()),
        }
    }
}

fn entry(config: &DescribeConfigsResourceResult) -> ConfigEntry {
    let synonyms = config.synonyms.iter().map(|synonym| ConfigSynonym {
        name: synonym.name.to_string(),
        value: text(synonym.value.as_ref()),
        source: ConfigSource::from_wire(synonym.source),
    });
    ConfigEntry {
        name: config.name.to_string(),
        value: text(config.value.as_ref()),
        source: ConfigSource::from_wire(config.config_source),
        is_read_only: config.read_only,
        is_sensitive: config.is_sensitive,
        synonyms: synonyms.collect(),
        documentation: text(config.documentation.as_ref()),
    }
}
