//! How a node is struck and brought back: by the dev cluster's processes, by a signal here, by a
//! command on another machine, or by the person in front of the screen.

mod words;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use clap::{Args, ValueEnum};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio_util::sync::CancellationToken;

pub(super) use words::Mode;

use super::scene::Scene;
use crate::cmd::dev;
use crate::failure::{Failure, Result};
use crate::output::note;

/// How long a command on another machine may take.
const COMMAND_MAX: Duration = Duration::from_secs(120);

/// `--method`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// The cluster that `kcli dev start` made
    Dev,
    /// A process of this machine, by --pid
    Signal,
    /// ssh to the node's machine
    Ssh,
    /// gcloud compute ssh to the node's machine
    Gcloud,
    /// You do it; the drill says what and waits
    Manual,
}

/// The flags that say how.
#[derive(Debug, Clone, Args)]
pub(super) struct MethodArgs {
    /// How the node is reached [default: dev, if the cluster was made by `kcli dev start`]
    #[arg(long, value_enum, value_name = "METHOD")]
    method: Option<Kind>,
    #[command(flatten)]
    place: dev::Place,
    /// The process to strike (signal)
    #[arg(long, value_name = "PID")]
    pid: Option<i32>,
    /// Whom to ssh to; {id} and {host} are filled in [default: the host the broker advertises]
    #[arg(long, value_name = "[USER@]HOST")]
    host: Option<String>,
    /// The name of the machine (gcloud); {id} is filled in
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// Its zone (gcloud)
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Its project (gcloud)
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Name of the process and of the service there
    #[arg(long, value_name = "NAME", default_value = "raudal")]
    service: String,
    /// The command that strikes, instead of the usual one; {id} and {host} are filled in
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
    /// The command that brings it back, likewise
    #[arg(long, value_name = "COMMAND")]
    restore_command: Option<String>,
}

/// The way to the nodes.
#[derive(Debug)]
pub(super) struct Striker {
    kind: Kind,
    args: MethodArgs,
    hosts: Vec<(i32, String)>,
    cluster: Option<dev::Cluster>,
}

impl Striker {
    /// Finds the way, before anything begins.
    ///
    /// # Errors
    /// There is none, or something needed for it is missing.
    pub(super) fn new(args: MethodArgs, scene: &Scene) -> Result<Self> {
        let found = dev::Cluster::load(&args.place)?;
        let is_ours = found
            .as_ref()
            .is_some_and(|cluster| cluster.cluster_id == scene.cluster_id);
        let kind = match args.method {
            Some(kind) => kind,
            None if is_ours => Kind::Dev,
            None => {
                return Err(Failure::usage("how shall a node be struck? say --method")
                    .hint("manual works everywhere: the drill waits while you do it")
                    .hint("ssh, gcloud and signal do it for you; dev is for `kcli dev start`"));
            }
        };
        if kind == Kind::Dev && !is_ours {
            let message = "this is not the cluster that `kcli dev start` made";
            return Err(Failure::usage(message)
                .hint("say where that one is with --dir, or choose another --method"));
        }
        let needs = |is_there: bool, flag: &str| match is_there {
            true => Ok(()),
            false => Err(Failure::usage(format!("this --method needs {flag}"))),
        };
        match kind {
            Kind::Signal => needs(args.pid.is_some_and(|pid| pid > 1), "--pid")?,
            Kind::Gcloud => needs(
                args.instance.is_some(),
                "--instance, for example raudal-{id}",
            )?,
            Kind::Dev | Kind::Ssh | Kind::Manual => {}
        }
        let hosts = scene.brokers.iter();
        let hosts = hosts.map(|(id, address)| (*id, address.host.clone()));
        Ok(Self {
            kind,
            hosts: hosts.collect(),
            cluster: found.filter(|_| kind == Kind::Dev),
            args,
        })
    }

    /// Whether the moment of the blow is only known from its effects.
    pub(super) fn is_slow(&self) -> bool {
        matches!(self.kind, Kind::Ssh | Kind::Gcloud | Kind::Manual)
    }

    /// Whether a struck node can be brought back.
    pub(super) fn can_restore(&self, mode: Mode) -> bool {
        self.kind != Kind::Signal || mode == Mode::Pause || self.args.restore_command.is_some()
    }

    /// What will be done, for the plan.
    pub(super) fn plan(&self, id: i32, mode: Mode) -> String {
        match self.kind {
            Kind::Dev => format!("kcli dev {} {id}", dev_verb(mode)),
            Kind::Signal => {
                let pid = self.args.pid.unwrap_or_default();
                format!("kill -{} {pid}", signal_of(mode).0)
            }
            Kind::Manual => format!("you run it on the machine of node {id}"),
            Kind::Ssh | Kind::Gcloud => words::shown(&self.strike_words(id, mode)),
        }
    }

    /// Strikes. Returns when it has been done.
    ///
    /// # Errors
    /// It could not be done; then nothing is known to have been struck.
    pub(super) async fn strike(
        &self,
        id: i32,
        mode: Mode,
        interrupt: &CancellationToken,
    ) -> Result {
        match (self.kind, &self.cluster) {
            (Kind::Dev, Some(cluster)) => cluster.strike(id, blow(mode)).await,
            (Kind::Signal, _) => self.send(signal_of(mode).1),
            (Kind::Manual, _) => {
                let host = self.host(id);
                let command = self.own_or(self.args.command.as_ref(), id, || {
                    words::strike(mode, &self.args.service)
                });
                ask_person(
                    &format!("on node {id} ({host}), run:\n    {command}"),
                    interrupt,
                )
                .await
            }
            _ => run(&self.strike_words(id, mode)).await,
        }
    }

    /// Brings it back. Returns when it has been started, not when it is well.
    ///
    /// # Errors
    /// It could not be done.
    pub(super) async fn restore(
        &mut self,
        id: i32,
        mode: Mode,
        interrupt: &CancellationToken,
    ) -> Result {
        if let Some(cluster) = &mut self.cluster {
            // A node that was asked to stop may still be at it.
            if matches!(mode, Mode::Term | Mode::Stop) {
                cluster.wait_down(id, COMMAND_MAX).await?;
            }
            return cluster.restore(id).await;
        }
        let command = self.own_or(self.args.restore_command.as_ref(), id, || {
            words::restore(mode, &self.args.service)
        });
        match self.kind {
            Kind::Signal if self.args.restore_command.is_none() => self.send(Signal::CONT),
            Kind::Signal => run(&["sh".to_owned(), "-c".to_owned(), command]).await,
            Kind::Manual => {
                let host = self.host(id);
                ask_person(
                    &format!("on node {id} ({host}), run:\n    {command}"),
                    interrupt,
                )
                .await
            }
            _ => run(&self.far_words(id, &command)).await,
        }
    }

    fn host(&self, id: i32) -> String {
        let found = self.hosts.iter().find(|(node, _)| *node == id);
        found.map_or_else(|| format!("node-{id}"), |(_, host)| host.clone())
    }

    fn own_or(&self, own: Option<&String>, id: i32, usual: impl FnOnce() -> String) -> String {
        match own {
            Some(own) => words::filled(own, id, &self.host(id)),
            None => usual(),
        }
    }

    fn strike_words(&self, id: i32, mode: Mode) -> Vec<String> {
        let command = self.own_or(self.args.command.as_ref(), id, || {
            words::strike(mode, &self.args.service)
        });
        self.far_words(id, &command)
    }

    fn far_words(&self, id: i32, command: &str) -> Vec<String> {
        let host = self.host(id);
        if self.kind == Kind::Gcloud {
            let instance = self.args.instance.as_deref().unwrap_or("{host}");
            let instance = words::filled(instance, id, &host);
            let (zone, project) = (self.args.zone.as_deref(), self.args.project.as_deref());
            return words::gcloud(&instance, zone, project, command);
        }
        let whom = self.args.host.as_deref().unwrap_or("{host}");
        words::ssh(&words::filled(whom, id, &host), command)
    }

    fn send(&self, signal: Signal) -> Result {
        let pid = self.args.pid.filter(|pid| *pid > 1).and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| Failure::usage("--pid names no process"))?;
        let failure = |error| Failure::failed(format!("signal to {pid:?}: {error}"));
        test_kill_process(pid).map_err(failure)?;
        kill_process(pid, signal).map_err(failure)
    }
}

fn dev_verb(mode: Mode) -> &'static str {
    match blow(mode) {
        dev::Blow::Kill => "kill",
        dev::Blow::Stop => "stop",
        dev::Blow::Pause => "pause",
    }
}

fn blow(mode: Mode) -> dev::Blow {
    match mode {
        Mode::Kill9 => dev::Blow::Kill,
        Mode::Term | Mode::Stop => dev::Blow::Stop,
        Mode::Pause => dev::Blow::Pause,
    }
}

fn signal_of(mode: Mode) -> (&'static str, Signal) {
    match mode {
        Mode::Kill9 => ("KILL", Signal::KILL),
        Mode::Term | Mode::Stop => ("TERM", Signal::TERM),
        Mode::Pause => ("STOP", Signal::STOP),
    }
}

/// Runs a command to its end; what it says goes where our own remarks go.
async fn run(words: &[String]) -> Result {
    let shown = words::shown(words);
    let (program, rest) = words
        .split_first()
        .ok_or_else(|| Failure::usage("no command"))?;
    let (program, rest) = (Path::new(program).to_owned(), rest.to_vec());
    let ran = tokio::task::spawn_blocking(move || {
        std::process::Command::new(&program)
            .args(rest)
            .stdin(Stdio::null())
            .output()
    });
    let output = match tokio::time::timeout(COMMAND_MAX, ran).await {
        Err(_elapsed) => Err(format!("not done within {} s", COMMAND_MAX.as_secs())),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Ok(Ok(output))) => Ok(output),
    };
    let failure = |why: String| Failure::failed(format!("{shown}: {why}"));
    let output = output.map_err(failure)?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(failure(format!("{}: {said}", output.status)))
        }
    }
}

/// Says what to do and waits for Enter.
async fn ask_person(what: &str, interrupt: &CancellationToken) -> Result {
    note(&format!("\n{what}\nthen press Enter here"));
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)
    });
    tokio::select! {
        read = read => match read {
            Ok(Ok(1..)) => Ok(()),
            _ => Err(Failure::new(crate::exit::Exit::NotConfirmed, "nobody pressed Enter")),
        },
        () = interrupt.cancelled() => Ok(()),
    }
}
