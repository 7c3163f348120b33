//! What is wrong with a configuration, said so that the operator can fix it.

use std::fmt;

/// One reason why the node cannot start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key at fault.
    pub key: String,
    /// Its value, unless it is missing. Hidden if sensitive.
    pub value: Option<String>,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

impl Problem {
    pub(super) fn new(
        key: &str,
        value: Option<&str>,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            key: key.to_owned(),
            value: value.map(str::to_owned),
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}", self.key)?,
            None => write!(f, "{} is not set", self.key)?,
        }
        write!(f, ": {}; {}", self.reason, self.remedy)
    }
}

/// Every reason why the node cannot start; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

/// Something the operator should know, though the node starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The key it is about.
    pub key: String,
    /// What to know, and what to do about it.
    pub message: String,
}

impl Warning {
    pub(super) fn new(key: &str, message: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}
