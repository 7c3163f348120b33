//! A page being done: its files written, its commands run in its terminals, one after the other.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use parking_lot::Mutex;
use tempfile::TempDir;

use crate::page::{Block, Line};
use crate::programs::{Programs, Server};
use crate::terminal::{Running, signal_group};

/// A folder, ports and terminals for one page. Whatever still runs at the end is killed.
pub(crate) struct Lesson {
    dir: TempDir,
    ports: Ports,
    /// Commands that stay open, by terminal.
    open: BTreeMap<String, Running>,
    /// Process groups that were started.
    groups: Vec<u32>,
}

impl Lesson {
    /// A place where nothing runs yet.
    pub(crate) fn new(programs: &Programs, server: Server) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let ports = Ports::default();
        let here = |text: &str| ports.in_test(text);
        programs.install(server, &dir.path().join("bin"), here);
        Self {
            dir,
            ports,
            open: BTreeMap::new(),
            groups: Vec::new(),
        }
    }

    /// Does a page.
    pub(crate) fn run(&mut self, blocks: &[Block]) {
        for block in blocks {
            match block {
                Block::File { name, text } => {
                    let path = self.dir.path().join(name);
                    fs::write(path, self.ports.in_test(text)).expect("written");
                }
                Block::Terminal { name, lines } => self.terminal(name.as_deref(), lines),
            }
        }
        let open: Vec<_> = self.open.keys().collect();
        assert!(open.is_empty(), "Ctrl-C is missing in terminals {open:?}");
    }

    fn terminal(&mut self, name: Option<&str>, lines: &[Line]) {
        let mut running = name.and_then(|name| self.open.remove(name));
        let mut printed: Vec<String> = Vec::new();
        for line in lines {
            match line {
                Line::Command(text) => {
                    if let Some(mut before) = running.take() {
                        before.ends(&std::mem::take(&mut printed));
                    }
                    running = Some(self.start(text));
                }
                Line::Typed(text) => running.as_mut().expect("a command").type_line(text),
                Line::EndOfInput => running.as_mut().expect("a command").end_input(),
                Line::Interrupt => {
                    let running = running.as_mut().expect("a command");
                    running.shows(&std::mem::take(&mut printed));
                    running.interrupt();
                }
                Line::Printed(text) => printed.push(text.clone()),
            }
        }
        let Some(mut running) = running else { return };
        let is_over = lines.contains(&Line::Interrupt);
        match name {
            Some(name) if !is_over => {
                running.shows(&printed);
                self.open.insert(name.to_owned(), running);
            }
            _ => running.ends(&printed),
        }
    }

    fn start(&mut self, text: &str) -> Running {
        let mut shell = Command::new("bash");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KCLI_") {
                shell.env_remove(name);
            }
        }
        let mut path = vec![self.dir.path().join("bin")];
        path.extend(std::env::split_paths(
            &std::env::var_os("PATH").unwrap_or_default(),
        ));
        shell
            .current_dir(self.dir.path())
            .env("PATH", std::env::join_paths(path).expect("no colons"))
            .env("KCLI_DEV_DIR", self.dev_dir());
        // On its own port it would be found by itself.
        shell.env(
            "KCLI_BOOTSTRAP_SERVER",
            self.ports.in_test("localhost:9092"),
        );
        let ports = self.ports.clone();
        let edit = move |line: &str| ports.on_page(line);
        let running = Running::start(shell, &self.ports.in_test(text), edit);
        self.groups.push(running.group());
        running
    }

    fn dev_dir(&self) -> PathBuf {
        self.dir.path().join("dev")
    }
}

impl Drop for Lesson {
    fn drop(&mut self) {
        if self.dev_dir().is_dir() {
            let mut wipe = Command::new(env!("CARGO_BIN_EXE_kcli"));
            wipe.env("KCLI_DEV_DIR", self.dev_dir());
            drop(wipe.args(["dev", "wipe", "--yes"]).output());
        }
        for group in &self.groups {
            signal_group("-KILL", *group);
        }
    }
}

/// The ports of the page and the free ones that stand for them.
#[derive(Debug, Clone, Default)]
struct Ports(Arc<Mutex<BTreeMap<String, String>>>);

impl Ports {
    /// A text of the page with ports that are free.
    fn in_test(&self, text: &str) -> String {
        let is_port = |word: &str| matches!(word, "9092" | "9093" | "19092" | "19093" | "19094");
        replaced(text, |word| is_port(word).then(|| self.free(word)))
    }

    /// A line that was printed with the ports of the page.
    fn on_page(&self, text: &str) -> String {
        let ports = self.0.lock();
        let page_port = |word: &str| ports.iter().find(|(_, free)| *free == word);
        replaced(text, |word| page_port(word).map(|(page, _)| page.clone()))
    }

    fn free(&self, page: &str) -> String {
        let mut ports = self.0.lock();
        let mut found = || {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            listener.local_addr().expect("bound").port().to_string()
        };
        ports
            .entry(page.to_owned())
            .or_insert_with(&mut found)
            .clone()
    }
}

/// The text with some of its numbers replaced.
fn replaced(text: &str, by: impl Fn(&str) -> Option<String>) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let end = from
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(from.len());
        let (number, after) = from.split_at(end);
        result.push_str(before);
        result.push_str(&by(number).unwrap_or_else(|| number.to_owned()));
        rest = after;
    }
    result + rest
}
