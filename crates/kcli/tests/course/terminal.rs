//! A command in a terminal: what it prints is read while it runs, Ctrl-C reaches all of its processes.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::screen::{Lines, Screen};

/// How long a command may take, and how long what it shall print may be waited for.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long the streams of a command that has ended may stay open.
const STREAMS_PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A command that was started.
#[derive(Debug)]
pub(crate) struct Running {
    text: String,
    child: Child,
    screen: Arc<Screen>,
    /// Lines of standard output that the page has shown already.
    shown: usize,
    was_interrupted: bool,
}

impl Running {
    /// Starts a command of the shell. What it prints is edited before it is looked at.
    pub(crate) fn start(
        mut shell: Command,
        text: &str,
        edit: impl Fn(&str) -> String + Clone + Send + 'static,
    ) -> Self {
        let mut child = shell
            .args(["-c", text])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the shell starts");
        let screen = Arc::new(Screen::default());
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        screen.read(stdout.expect("piped"), |l| &mut l.stdout, edit.clone());
        screen.read(stderr.expect("piped"), |l| &mut l.stderr, edit);
        Self {
            text: text.to_owned(),
            child,
            screen,
            shown: 0,
            was_interrupted: false,
        }
    }

    /// The number of its process group.
    pub(crate) fn group(&self) -> u32 {
        self.child.id()
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("the input is open");
        writeln!(stdin, "{line}").expect("it reads what is typed");
    }

    /// Ctrl-D.
    pub(crate) fn end_input(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&mut self) {
        self.was_interrupted = true;
        signal_group("-INT", self.group());
    }

    /// Waits until it has printed what the page shows next.
    pub(crate) fn shows(&mut self, expected: &[String]) {
        let first = self.shown;
        let is_there = |lines: &Lines| lines.shown(expected, first).is_some();
        let in_time = self.screen.wait_until(PATIENCE, is_there);
        let lines = self.screen.lines();
        assert!(in_time, "{}", self.complaint(expected, &lines));
        self.shown += lines.shown(expected, first).unwrap_or_default();
    }

    /// Waits for its end. It must have printed what the page shows, if it shows anything, and nothing
    /// else on standard output; and have gone well, unless Ctrl-C ended it.
    pub(crate) fn ends(&mut self, expected: &[String]) {
        let status = self.wait();
        // What it left running in the background may hold the streams open.
        self.screen.wait_until(STREAMS_PATIENCE, Lines::is_complete);
        let lines = self.screen.lines();
        let is_free = expected.is_empty() && !self.was_interrupted;
        let rest = lines.stdout.len().saturating_sub(self.shown);
        let is_shown = is_free || lines.shown(expected, self.shown) == Some(rest);
        let went_well = self.was_interrupted || status.success();
        let complaint = || format!("{}\n{status}", self.complaint(expected, &lines));
        assert!(is_shown && went_well, "{}", complaint());
    }

    fn wait(&mut self) -> ExitStatus {
        let mut looks = PATIENCE.as_millis() / LOOK_EVERY.as_millis();
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status;
            }
            looks = looks.saturating_sub(1);
            let lines = self.screen.lines();
            assert!(looks > 0, "$ {}\ndoes not end: {lines:#?}", self.text);
            pause();
        }
    }

    fn complaint(&self, expected: &[String], lines: &Lines) -> String {
        let (text, shown) = (&self.text, self.shown);
        let expected = expected.join("\n");
        format!("$ {text}\nshall print, after {shown} lines,\n{expected}\nand printed {lines:#?}")
    }
}

/// Sends a signal to all processes of a group. Whoever has ended already hears nothing.
pub(crate) fn signal_group(signal: &str, group: u32) {
    let group = format!("-{group}");
    let mut kill = Command::new("kill");
    kill.args([signal, "--", &group]).stderr(Stdio::null());
    drop(kill.status());
}

#[expect(clippy::disallowed_methods, reason = "another process is waited for")]
fn pause() {
    std::thread::sleep(LOOK_EVERY);
}
