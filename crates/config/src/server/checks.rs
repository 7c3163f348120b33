//! Judges every key on its own: known or not, gone or not, and its value.

use super::problem::{Problem, Warning};
use crate::invalid::{Invalid, nearest};
use crate::key::Scope;
use crate::properties::Properties;
use crate::table;

/// Keys that Kafka's table does not have, because plugins own them.
const OF_PLUGINS: &[&str] = &["allow.everyone.if.no.acl.found", "super.users"];

/// Keys below these prefixes belong to a listener or a plugin.
const OF_PREFIXES: &[&str] = &["listener.name.", "rlmm.config.", "rsm.config."];

/// Keys of older versions that no longer mean anything.
const GONE: &[&str] = &[
    "broker.id.generation.enable",
    "control.plane.listener.name",
    "delegation.token.master.key",
    "inter.broker.protocol.version",
    "leader.imbalance.per.broker.percentage",
    "log.message.format.version",
    "log.message.timestamp.difference.max.ms",
    "offsets.commit.required.acks",
    "password.encoder.secret",
    "reserved.broker.max.id",
];

/// Keys that switch on something this version does not have, where going on without it would give
/// away what the operator meant to protect.
const REFUSED: &[(&str, &str)] = &[(
    "authorizer.class.name",
    "this version has no authorizer, so every client could do everything",
)];

/// What was found about the keys one by one.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
}

/// Looks at every key that the operator gave.
pub(super) fn check(properties: &Properties) -> Findings {
    let mut findings = Findings::default();
    for (name, text) in properties.iter() {
        findings.check(name, text);
    }
    findings
}

impl Findings {
    fn check(&mut self, name: &str, text: &str) {
        if name.starts_with("zookeeper.") {
            self.problems.push(no_zookeeper(name, text));
            return;
        }
        if let Some((_, reason)) = refused(name).filter(|_| !text.trim().is_empty()) {
            let remedy = "take the key out to run without authorization";
            self.problems
                .push(Problem::new(name, Some(text), *reason, remedy));
            return;
        }
        match crate::validate(Scope::Broker, name, text) {
            Ok(_) => {}
            Err(Invalid::UnknownKey { .. }) => self.unknown(name),
            Err(Invalid::Value { value, reason, .. }) => {
                let remedy = remedy_for(name);
                self.problems
                    .push(Problem::new(name, Some(&value), reason, remedy));
            }
            Err(other) => self.warnings.push(Warning::new(name, other.to_string())),
        }
    }

    fn unknown(&mut self, name: &str) {
        if OF_PLUGINS.contains(&name) || OF_PREFIXES.iter().any(|it| name.starts_with(it)) {
            return;
        }
        let message = if GONE.contains(&name) {
            "no longer means anything and is ignored; take it out".to_owned()
        } else if let Some(near) = nearest(Scope::Broker, name) {
            format!("is not a known key and is ignored; did you mean {near}?")
        } else {
            "is not a known key and is ignored".to_owned()
        };
        self.warnings.push(Warning::new(name, message));
    }
}

fn refused(name: &str) -> Option<&'static (&'static str, &'static str)> {
    REFUSED.iter().find(|(refused, _)| *refused == name)
}

fn no_zookeeper(name: &str, text: &str) -> Problem {
    Problem::new(
        name,
        Some(text),
        "there is no ZooKeeper here: the controllers keep the metadata themselves",
        "take the zookeeper.* keys out; a node without process.roles is its own controller",
    )
}

fn remedy_for(name: &str) -> String {
    let default = table::key(Scope::Broker, name).and_then(|key| key.default_text());
    match default {
        Some(default) if !default.is_empty() => {
            format!("correct it, or take it out for the default, {default}")
        }
        _ => "correct it, or take it out".to_owned(),
    }
}
