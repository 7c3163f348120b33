//! `--name value` pairs, which is all that a program started by a program needs.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use protocol::records::Compression;

/// The pairs by name. A name given twice has its last value.
#[derive(Debug)]
pub(crate) struct Args(BTreeMap<String, String>);

impl Args {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut pairs = BTreeMap::new();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else {
                bail!("expected --name, found {word:?}");
            };
            let value = words.next();
            let value = value.with_context(|| format!("--{name} has no value"))?;
            pairs.insert(name.to_owned(), value);
        }
        Ok(Self(pairs))
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str> {
        let value = self.0.get(name).map(String::as_str);
        value.with_context(|| format!("--{name} is needed"))
    }

    pub(crate) fn text_or<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.0.get(name).map_or(default, String::as_str)
    }

    pub(crate) fn number<T: FromStr>(&self, name: &str, default: T) -> Result<T> {
        match self.0.get(name) {
            None => Ok(default),
            Some(value) => match value.parse() {
                Ok(number) => Ok(number),
                Err(_) => bail!("--{name} {value}: not a number in range"),
            },
        }
    }

    pub(crate) fn seconds(&self, name: &str, default: f64) -> Result<Duration> {
        let seconds = self.number(name, default)?;
        Duration::try_from_secs_f64(seconds).with_context(|| format!("--{name} {seconds}"))
    }

    pub(crate) fn compression(&self) -> Result<Compression> {
        let name = self.text_or("compression", "none");
        Compression::from_name(name).with_context(|| format!("--compression {name}"))
    }
}
