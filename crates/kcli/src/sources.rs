//! Where settings come from, besides defaults, in the order of who wins.

use std::path::{Path, PathBuf};
use std::time::Duration;

use client::Settings;
use config::Properties;

use crate::cli::Global;
use crate::failure::{Failure, Result};
use crate::output::Format;
use crate::when;

const PROJECT_FILE: &str = ".kcli.toml";
const ENV_PREFIX: &str = "KCLI_";

/// One `key=value` and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    key: String,
    value: String,
    origin: String,
    /// Whether a key that this client does not know is passed over: files are shared with others.
    is_lenient: bool,
}

/// All of them, weakest first.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    settings: Vec<Setting>,
    format: Option<(String, &'static str)>,
    timeout: Option<(String, &'static str)>,
    is_protected: bool,
    format_flag: Option<Format>,
    timeout_flag: Option<Duration>,
}

impl Sources {
    /// Reads files and environment, and takes the flags.
    pub(crate) fn collect(global: &Global) -> Result<Self> {
        let mut sources = Self::default();
        if let Some(path) = project_file() {
            sources.add_project_file(&path)?;
        }
        sources.add_environment();
        let config_file = global.command_config.clone();
        if let Some(path) = config_file.or_else(|| env("COMMAND_CONFIG").map(PathBuf::from)) {
            sources.add_properties_file(&path)?;
        }
        sources.add_flags(global)?;
        Ok(sources)
    }

    /// Applies all settings; the strongest comes last.
    pub(crate) fn apply(&self, settings: &mut Settings) -> Result {
        for setting in &self.settings {
            match settings.set(&setting.key, &setting.value) {
                Err(client::SettingError::UnknownKey(_)) if setting.is_lenient => {}
                Err(error) => {
                    let failure = Failure::from(error);
                    let message = format!("{}: {}", setting.origin, failure.message);
                    return Err(Failure { message, ..failure });
                }
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Whether somebody has said that nothing may be broken here.
    pub(crate) fn is_protected(&self) -> bool {
        self.is_protected
    }

    /// `-o`, from wherever.
    pub(crate) fn format(&self) -> Result<Option<Format>> {
        let parsed = self.format.as_ref().map(|(text, origin)| {
            crate::cli::parse_format(text)
                .map_err(|error| Failure::usage(format!("{origin}: {text:?}: {error}")))
        });
        Ok(self.format_flag.or(parsed.transpose()?))
    }

    /// `--timeout`, from wherever.
    pub(crate) fn timeout(&self) -> Result<Option<Duration>> {
        let parsed = self.timeout.as_ref().map(|(text, origin)| {
            when::duration(text).map_err(|error| Failure::usage(format!("{origin}: {error}")))
        });
        let timeout = self.timeout_flag.or(parsed.transpose()?);
        match timeout {
            Some(Duration::ZERO) => {
                Err(Failure::usage("a timeout of 0 leaves no time for anything")
                    .hint("write how long the command may take: --timeout 30s"))
            }
            timeout => Ok(timeout),
        }
    }

    fn add(&mut self, key: &str, value: &str, origin: &str, is_lenient: bool) {
        self.settings.push(Setting {
            key: key.to_owned(),
            value: value.to_owned(),
            origin: origin.to_owned(),
            is_lenient,
        });
    }

    fn add_project_file(&mut self, path: &Path) -> Result {
        let origin = path.display().to_string();
        let text = read(path)?;
        let table: toml::Table = text
            .parse()
            .map_err(|error| Failure::usage(format!("{origin}: {error}")))?;
        for (key, value) in flat(&table) {
            match key.as_str() {
                "output" => self.format = Some((value, PROJECT_FILE)),
                "timeout" => self.timeout = Some((value, PROJECT_FILE)),
                "protected" => self.is_protected |= value == "true",
                "bootstrap-server" => self.add("bootstrap.servers", &value, &origin, false),
                _ => self.add(&key, &value, &origin, false),
            }
        }
        Ok(())
    }

    fn add_environment(&mut self) {
        if let Some(value) = env("OUTPUT") {
            self.format = Some((value, "KCLI_OUTPUT"));
        }
        if let Some(value) = env("TIMEOUT") {
            self.timeout = Some((value, "KCLI_TIMEOUT"));
        }
        self.is_protected |= env("PROTECTED").is_some_and(|value| value == "true" || value == "1");
        if let Some(value) = env("BOOTSTRAP_SERVER") {
            self.add("bootstrap.servers", &value, "KCLI_BOOTSTRAP_SERVER", false);
        }
        for key in Settings::KEYS {
            let name = key.replace('.', "_").to_uppercase();
            if let Some(value) = env(&name) {
                self.add(key, &value, &format!("{ENV_PREFIX}{name}"), false);
            }
        }
    }

    fn add_properties_file(&mut self, path: &Path) -> Result {
        let origin = path.display().to_string();
        let properties = Properties::parse(&read(path)?)
            .map_err(|error| Failure::usage(format!("{origin}: {error}")))?;
        for (key, value) in properties.iter() {
            self.add(key, value, &origin, true);
        }
        Ok(())
    }

    fn add_flags(&mut self, global: &Global) -> Result {
        for pair in &global.settings {
            let (key, value) = pair.split_once('=').ok_or_else(|| {
                Failure::usage(format!(
                    "-X {pair}: write KEY=VALUE, for example -X linger.ms=50"
                ))
            })?;
            self.add(key.trim(), value.trim(), "-X", false);
        }
        if let Some(servers) = &global.bootstrap_server {
            self.add("bootstrap.servers", servers, "--bootstrap-server", false);
        }
        self.format_flag = global.output;
        self.timeout_flag = global.timeout;
        Ok(())
    }
}

/// `KCLI_OUTPUT`, if it is set and makes sense.
pub(crate) fn environment_format() -> Option<Format> {
    env("OUTPUT").and_then(|text| crate::cli::parse_format(&text).ok())
}

fn env(name: &str) -> Option<String> {
    let value = std::env::var(format!("{ENV_PREFIX}{name}")).ok()?;
    (!value.is_empty()).then_some(value)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// The nearest project file, from here upward.
fn project_file() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors()
        .map(|dir| dir.join(PROJECT_FILE))
        .find(|path| path.is_file())
}

/// `a.b = 1` in TOML is a table in a table; here it is the key `a.b` again.
fn flat(table: &toml::Table) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => {
                let inner = flat(inner).into_iter();
                pairs.extend(inner.map(|(k, v)| (format!("{key}.{k}"), v)));
            }
            toml::Value::String(text) => pairs.push((key.clone(), text.clone())),
            toml::Value::Integer(number) => pairs.push((key.clone(), number.to_string())),
            toml::Value::Boolean(truth) => pairs.push((key.clone(), truth.to_string())),
            // Nothing that a client is set with is a list, a fraction or a date.
            other => pairs.push((key.clone(), format!("{other:?}"))),
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_keys_of_toml_are_kafkas_keys() {
        let table: toml::Table = "bootstrap-server = 'a:1'\nlinger.ms = 5\n"
            .parse()
            .expect("toml");
        let mut pairs = flat(&table);
        pairs.sort();
        assert_eq!(
            pairs,
            [
                ("bootstrap-server".to_owned(), "a:1".to_owned()),
                ("linger.ms".to_owned(), "5".to_owned())
            ]
        );
    }

    #[test]
    fn the_strongest_source_is_applied_last() {
        let mut sources = Sources::default();
        sources.add("client.id", "weak", "file", false);
        sources.add("client.id", "strong", "-X", false);
        let mut settings = Settings::new(vec![]);
        sources.apply(&mut settings).expect("applies");
        assert_eq!(settings.client.client_id, "strong");
    }

    #[test]
    fn no_time_at_all_is_refused() {
        let sources = Sources {
            timeout_flag: Some(Duration::ZERO),
            ..Sources::default()
        };
        let failure = sources.timeout().expect_err("refused");
        assert_eq!(failure.exit, crate::exit::Exit::Usage);
        assert_eq!(
            failure.message,
            "a timeout of 0 leaves no time for anything"
        );
    }

    #[test]
    fn a_java_file_may_hold_what_is_not_for_us() {
        let mut sources = Sources::default();
        sources.add("key.serializer", "org.x.Y", "file", true);
        sources
            .apply(&mut Settings::new(vec![]))
            .expect("passed over");
        sources.add("key.serializer", "org.x.Y", "-X", false);
        let failure = sources
            .apply(&mut Settings::new(vec![]))
            .expect_err("named");
        assert!(failure.message.starts_with("-X: unknown client setting"));
    }
}
