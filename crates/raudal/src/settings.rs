//! Gathers a node's configuration: file, environment, command line.

use std::path::Path;

use config::Properties;
use config::server::{ServerConfig, Surroundings};

use crate::failure::Failure;

/// Reads and checks the configuration. Later sources go before earlier ones: file, `KAFKA_*`
/// variables, overrides.
pub(crate) fn load(file: Option<&Path>, overrides: &[String]) -> Result<ServerConfig, Failure> {
    let mut properties = match file {
        Some(path) => read(path)?,
        None => Properties::new(),
    };
    let environment: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let pairs = environment.iter();
    properties.set_environment(pairs.map(|(name, value)| (name.as_str(), value.as_str())));
    for text in overrides {
        if let Err(text) = properties.set_override(text) {
            let message = format!("--override {text}: write it as --override key=value");
            return Err(Failure::Config(message));
        }
    }
    let surroundings = Surroundings {
        host_name: host_name(),
        has_file: file.is_some(),
    };
    ServerConfig::new(properties, &surroundings)
        .map_err(|problems| Failure::Config(problems.to_string()))
}

/// Configured keys that change nothing yet. Keys the node chose for itself do not count.
pub(crate) fn without_effect(config: &ServerConfig) -> Vec<&str> {
    let known = |name: &str| config::key(config::Scope::Broker, name).is_some();
    config
        .properties
        .iter()
        .map(|(name, _)| name)
        .filter(|name| known(name) && !config::has_effect(name))
        .collect()
}

fn read(path: &Path) -> Result<Properties, Failure> {
    let failure = |what: String| Failure::Config(format!("{}: {what}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| failure(format!("cannot be read: {error}")))?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        // Java reads properties as Latin-1, in which every byte is the code point of its number.
        Err(error) => error
            .into_bytes()
            .iter()
            .map(|byte| char::from(*byte))
            .collect(),
    };
    Properties::parse(&text).map_err(|error| failure(error.to_string()))
}

/// This machine's name, as its other users know it.
fn host_name() -> String {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    if name.is_empty() {
        "localhost".to_owned()
    } else {
        name.into_owned()
    }
}
