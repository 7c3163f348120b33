//! What every command runs with: the settings after all sources have had their say, the output,
//! and the connection, made when first needed.
//!
//! ```text
//! flag  >  -X  >  --command-config file  >  KCLI_* environment  >  .kcli.toml  >  defaults
//! ```

use std::io::IsTerminal as _;
use std::time::Duration;

use client::{Address, Admin, Client, Settings};
use tokio_util::sync::CancellationToken;
use types::{Clock as _, SystemClock, TimestampMs};

use crate::cli::Global;
use crate::failure::{Failure, Result};
use crate::output::{Format, Output, note};
use crate::sources::{self, Sources};

const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);
/// Kafka's 100 ms would be most of what a failover takes.
const RETRY_BACKOFF: Duration = Duration::from_millis(25);

/// See the module.
#[derive(Debug)]
pub(crate) struct Context {
    /// Settings of connections, producers and consumers.
    pub(crate) settings: Settings,
    /// How to print.
    pub(crate) output: Output,
    /// `--timeout`, if given anywhere.
    pub(crate) timeout_given: Option<Duration>,
    /// `--yes`.
    pub(crate) is_confirmed: bool,
    /// `protected = true` in the project file, or `KCLI_PROTECTED`: nothing may be broken on purpose.
    pub(crate) is_protected: bool,
    /// `--dry-run`.
    pub(crate) is_dry_run: bool,
    /// `--quiet`.
    pub(crate) is_quiet: bool,
    /// Cancelled by the first Ctrl-C.
    pub(crate) interrupt: CancellationToken,
    clock: SystemClock,
}

impl Context {
    /// Lets flags, files and environment have their say.
    pub(crate) fn new(global: &Global) -> Result<Self> {
        let sources = Sources::collect(global)?;
        let timeout_given = sources.timeout()?;
        let mut settings = Settings::new(vec![Address::new("localhost", client::DEFAULT_PORT)]);
        if let Some(bootstrap) = crate::cmd::dev::running_bootstrap() {
            settings.set("bootstrap.servers", &bootstrap)?;
        }
        let timeout = timeout_given.unwrap_or(TIMEOUT_DEFAULT);
        settings.client.api_timeout = timeout;
        settings.client.request_timeout = timeout.min(settings.client.request_timeout);
        settings.client.connect_timeout = timeout.min(Duration::from_secs(5));
        settings.client.retry_backoff = RETRY_BACKOFF;
        "kcli".clone_into(&mut settings.client.client_id);
        // A slip of the finger must not create a topic.
        settings.producer.may_create_topics = false;
        sources.apply(&mut settings)?;
        Ok(Self {
            settings,
            output: output(global, sources.format()?),
            timeout_given,
            is_confirmed: global.yes,
            is_protected: sources.is_protected(),
            is_dry_run: global.dry_run,
            is_quiet: global.quiet,
            interrupt: CancellationToken::new(),
            clock: SystemClock::new(),
        })
    }

    /// Connects.
    pub(crate) async fn client(&self) -> Result<Client> {
        Ok(Client::connect(self.settings.client.clone()).await?)
    }

    /// Connects, to administer.
    pub(crate) async fn admin(&self) -> Result<Admin> {
        self.client().await.map(Admin::new)
    }

    /// The present.
    pub(crate) fn now_ms(&self) -> TimestampMs {
        self.clock.wall_ms()
    }

    /// A remark for people on standard error, unless `--quiet`.
    pub(crate) fn remark(&self, line: &str) {
        if !self.is_quiet {
            note(line);
        }
    }

    /// Asks before something is destroyed. Without a terminal to ask on, only `--yes` will do.
    pub(crate) fn confirm(&self, what: &str) -> Result {
        if self.is_confirmed {
            return Ok(());
        }
        crate::ask::confirm(what)
    }
}

/// How to print, for failures before there is a context: as far as the flags can be trusted.
pub(crate) fn output_before_context(global: &Global) -> Output {
    let from_environment = sources::environment_format();
    output(global, global.output.or(from_environment))
}

fn output(global: &Global, format: Option<Format>) -> Output {
    let lower = |names: &Vec<String>| names.iter().map(|n| n.trim().to_lowercase()).collect();
    Output {
        format: format.unwrap_or(Format::Table),
        columns: global.columns.as_ref().map(lower),
        has_header: !global.no_header,
        is_colored: global.color.applies(),
        width: terminal_width(),
    }
}

fn terminal_width() -> Option<u16> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    rustix::termios::tcgetwinsize(std::io::stdout())
        .ok()
        .map(|size| size.ws_col)
        .filter(|columns| *columns >= 20)
}

impl From<client::SettingError> for Failure {
    fn from(error: client::SettingError) -> Self {
        let failure = Self::usage(error.to_string());
        match &error {
            client::SettingError::UnknownKey(key) => {
                let known = Settings::KEYS.iter().copied();
                failure.hint_if(crate::nearest::did_you_mean(key, known))
            }
            _ => failure,
        }
    }
}
