//! What a consumer wants to read.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Topics by name, or by pattern.
#[derive(Clone)]
pub enum Selection {
    /// These topics. One that does not exist is read as soon as it does.
    Topics(BTreeSet<Arc<str>>),
    /// All topics that match, those that come later included; internal ones are left out.
    Pattern {
        /// The pattern, for the coordinator of a consumer group (RE2, matched as a whole).
        text: String,
        /// Whether a topic matches, for the members of a classic group.
        matches: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    },
}

impl Selection {
    /// These topics.
    pub fn topics<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Topics(names.into_iter().map(Arc::from).collect())
    }
}

impl fmt::Debug for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topics(names) => f.debug_set().entries(names).finish(),
            Self::Pattern { text, .. } => write!(f, "/{text}/"),
        }
    }
}
