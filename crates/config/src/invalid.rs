//! Why a configuration is refused. The texts reach Kafka clients, so they follow Kafka's form.

use crate::key::{Key, Mode, Scope};
use crate::table;
use crate::value::Value;

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The scope has no key of that name.
    #[error("Unknown {scope} config name: {name}{}", did_you_mean(.nearest))]
    UnknownKey {
        /// What was to be configured.
        scope: Scope,
        /// The name as given.
        name: String,
        /// The known key that looks most alike.
        nearest: Option<&'static str>,
    },
    /// The value is not of the key's type, or out of its range.
    #[error("Invalid value {value} for configuration {name}: {reason}")]
    Value {
        /// The key.
        name: String,
        /// The value as given, hidden if sensitive.
        value: String,
        /// What a value must be.
        reason: String,
    },
    /// The broker key cannot change while the broker runs.
    #[error("Cannot update these configs dynamically: [{name}]")]
    ReadOnly {
        /// The key.
        name: String,
    },
    /// The broker key can change only for one broker at a time.
    #[error(
        "Cannot update these configs at default cluster level, broker id must be specified: [{name}]"
    )]
    PerBroker {
        /// The key.
        name: String,
    },
    /// The broker key can change only for one listener at a time.
    #[error(
        "These security configs can be dynamically updated only per-listener using the listener \
         prefix: [{name}]"
    )]
    PerListener {
        /// The key.
        name: String,
    },
    /// Two values contradict each other, or what the cluster can do.
    #[error("{0}")]
    Conflict(String),
}

impl Invalid {
    pub(crate) fn unknown(scope: Scope, name: &str) -> Self {
        Self::UnknownKey {
            scope,
            name: name.to_owned(),
            nearest: nearest(scope, name),
        }
    }

    pub(crate) fn refused(key: &Key, value: &str, reason: String) -> Self {
        Self::Value {
            name: key.name().to_owned(),
            value: shown(key, value).to_owned(),
            reason,
        }
    }
}

impl Key {
    /// Checks a value against this key's type and range.
    ///
    /// # Errors
    /// [`Invalid::Value`].
    pub fn validate(&self, text: &str) -> Result<Value, Invalid> {
        let refused = |reason| Invalid::refused(self, text, reason);
        let value = Value::parse(self.kind(), text).map_err(refused)?;
        self.rule().check(&value).map_err(refused)?;
        Ok(value)
    }

    /// Whether a broker key may be changed at run time, for one broker or for all of them.
    ///
    /// # Errors
    /// [`Invalid::ReadOnly`], [`Invalid::PerBroker`].
    pub fn may_change(&self, for_all_brokers: bool) -> Result<(), Invalid> {
        let name = || self.name().to_owned();
        match self.mode() {
            Mode::ReadOnly => Err(Invalid::ReadOnly { name: name() }),
            Mode::PerBroker if self.is_of_listeners() => Err(Invalid::PerListener { name: name() }),
            Mode::PerBroker if for_all_brokers => Err(Invalid::PerBroker { name: name() }),
            Mode::PerBroker | Mode::ClusterWide => Ok(()),
        }
    }

    /// Whether each listener has its own value, below the prefix `listener.name.`.
    fn is_of_listeners(&self) -> bool {
        self.name().starts_with("ssl.") || self.name().starts_with("sasl.")
    }
}

/// The value as it may be shown to people.
#[must_use]
pub fn shown<'a>(key: &Key, value: &'a str) -> &'a str {
    if key.is_sensitive() {
        "[hidden]"
    } else {
        value
    }
}

/// The known key that looks most like a name that is not known, if any looks alike at all.
#[must_use]
pub fn nearest(scope: Scope, name: &str) -> Option<&'static str> {
    const ALIKE: f64 = 0.85;
    let mut best: Option<(f64, &'static str)> = None;
    for key in table::keys(scope) {
        let score = strsim::normalized_damerau_levenshtein(key.name(), name);
        if score >= ALIKE && best.is_none_or(|(highest, _)| score > highest) {
            best = Some((score, key.name()));
        }
    }
    best.map(|(_, name)| name)
}

fn did_you_mean(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean {name}?)"))
}
