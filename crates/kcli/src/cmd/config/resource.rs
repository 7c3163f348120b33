//! `TYPE/NAME`: what has settings.

use client::Error;
use client::admin::{Resource, ResourceKind};
use config::Scope;
use types::ErrorCode;

use crate::failure::Failure;
use crate::nearest::did_you_mean;

/// Reads `topic/NAME`, `broker/ID`, `broker/default` or `group/NAME`.
pub(crate) fn parse(text: &str) -> Result<Resource, String> {
    let hint = || {
        format!(
            "{text:?}: write topic/NAME, broker/ID, broker/default for all brokers, or group/NAME"
        )
    };
    let (kind, name) = text.split_once('/').ok_or_else(hint)?;
    match kind {
        "topic" | "topics" if !name.is_empty() => Ok(Resource {
            kind: ResourceKind::Topic,
            name: name.to_owned(),
        }),
        "group" | "groups" if !name.is_empty() => Ok(Resource {
            kind: ResourceKind::Group,
            name: name.to_owned(),
        }),
        "broker" | "brokers" => {
            let is_default = matches!(name, "" | "default" | "*");
            if !is_default && name.parse::<u32>().is_err() {
                return Err(format!(
                    "{name:?} is no broker id: write a number or default"
                ));
            }
            Ok(Resource {
                kind: ResourceKind::Broker,
                name: if is_default {
                    String::new()
                } else {
                    name.to_owned()
                },
            })
        }
        _ => Err(hint()),
    }
}

/// As it was written.
pub(crate) fn display(resource: &Resource) -> String {
    match resource.kind {
        ResourceKind::Topic => format!("topic/{}", resource.name),
        ResourceKind::Broker if resource.name.is_empty() => "broker/default".to_owned(),
        ResourceKind::Broker => format!("broker/{}", resource.name),
        ResourceKind::Group => format!("group/{}", resource.name),
    }
}

/// The keys such a resource can have.
pub(crate) fn scope(resource: &Resource) -> Scope {
    match resource.kind {
        ResourceKind::Topic => Scope::Topic,
        ResourceKind::Broker => Scope::Broker,
        ResourceKind::Group => Scope::Group,
    }
}

/// The key that was meant, if this one is unknown.
pub(crate) fn nearest_key(resource: &Resource, key: &str) -> Option<String> {
    let scope = scope(resource);
    match config::key(scope, key) {
        Some(_) => None,
        None => did_you_mean(key, config::keys(scope).iter().map(config::Key::name)),
    }
}

/// A broker's error about a resource, with the nearest key or topic.
pub(crate) async fn explain<'k>(
    admin: &client::Admin,
    resource: &Resource,
    keys: impl Iterator<Item = &'k str>,
    error: Error,
) -> Failure {
    if error.code() == Some(ErrorCode::UnknownTopicOrPartition) {
        return crate::topics::explain(admin.client(), &resource.name, error).await;
    }
    let mut failure = Failure::from(error);
    failure
        .hints
        .extend(keys.filter_map(|key| nearest_key(resource, key)));
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_written_with_their_type() {
        for (text, shown) in [
            ("topic/a/b", "topic/a/b"),
            ("broker/1", "broker/1"),
            ("broker/", "broker/default"),
            ("broker/default", "broker/default"),
            ("group/a", "group/a"),
        ] {
            assert_eq!(parse(text).map(|r| display(&r)).as_deref(), Ok(shown));
        }
        for text in ["cities", "topic/", "broker/x", "user/a", "group/"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_mistyped_key_finds_the_right_one() {
        let topic = parse("topic/a").expect("a topic");
        let hint = nearest_key(&topic, "retention.m").expect("a hint");
        assert!(hint.contains("retention.ms"), "{hint}");
        assert_eq!(nearest_key(&topic, "retention.ms"), None);
    }
}
