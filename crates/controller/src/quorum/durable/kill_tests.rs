//! `kill -9` in the middle of writes: whatever the store has reported as durable is there afterwards.
//!
//! The test starts itself again as a child that writes and says what it was told is durable, kills
//! it at some line, and opens what it left behind. Ten times on the same store, so that it recovers
//! from recoveries too.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::file_tests::submit;
use super::*;
use crate::quorum::testing::{entry, identity, log_id, snapshot};

const ROUNDS: u64 = 10;
const DIR_VARIABLE: &str = "RAUDAL_TEST_KILLED_STORE";
/// A child that nobody kills ends by itself.
const STEPS_MAX: u64 = 2000;

/// What the child was told is durable.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Floor {
    vote_term: u64,
    last: Option<LogId>,
}

impl Floor {
    fn print(&self) {
        let (term, index) = self.last.map_or((0, 0), |id| (id.leader_id.term, id.index));
        println!("held {} {term} {index}", self.vote_term);
    }

    fn parse(line: &str) -> Option<Self> {
        // A line without its end was torn by the kill.
        let mut numbers = line.strip_suffix('\n')?.strip_prefix("held ")?.split(' ');
        let mut number = || numbers.next()?.parse::<u64>().ok();
        let (vote_term, term, index) = (number()?, number()?, number()?);
        Some(Self {
            vote_term,
            last: (term > 0).then(|| log_id(term, index)),
        })
    }
}

/// Entries have a size that follows from their index, so that their content can be checked.
fn sized_entry(term: u64, index: u64) -> Entry {
    let size = match index % 10 {
        0 => 20_000,
        n => n * 100,
    };
    entry(term, index, usize::try_from(size).expect("small"))
}

#[test]
fn nothing_reported_as_durable_is_lost_to_kill_9() {
    let parent = tempfile::tempdir().expect("a folder");
    let dir = parent.path().join("quorum");
    FileStore::format(&dir, &identity(1)).expect("an empty folder");
    let mut floor = Floor::default();
    for round in 0..ROUNDS {
        let lines_before_kill = 3 + (round * 37) % 60;
        floor = run_and_kill(&dir, lines_before_kill, floor);
        check(&dir, floor, round);
    }
    assert!(floor.last.is_some_and(|id| id.index > 100), "{floor:?}");
}

/// Returns the last thing that the child said.
fn run_and_kill(dir: &Path, lines_before_kill: u64, mut floor: Floor) -> Floor {
    let mut child = start_child(dir);
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut seen = 0;
    while seen < lines_before_kill {
        let mut line = String::new();
        let length = output.read_line(&mut line).expect("a pipe");
        assert!(length > 0, "the child ended by itself: {:?}", child.wait());
        if let Some(said) = Floor::parse(&line) {
            floor = said;
            seen += 1;
        }
    }
    child.kill().expect("a child to kill");
    child.wait().expect("a child to wait for");
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("a pipe");
    let mut last = rest.split_inclusive('\n').filter_map(Floor::parse);
    last.next_back().unwrap_or(floor)
}

fn start_child(dir: &Path) -> Child {
    let own = std::env::current_exe().expect("a running test");
    Command::new(own)
        .args([
            "--exact",
            "quorum::durable::kill_tests::child",
            "--nocapture",
        ])
        .env(DIR_VARIABLE, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a child")
}

fn check(dir: &Path, floor: Floor, round: u64) {
    let (_store, recovered) = FileStore::open(dir, &identity(1)).expect("a store that opens");
    let vote_term = recovered.vote.map_or(0, |v| v.leader_id.term);
    assert!(
        vote_term >= floor.vote_term,
        "round {round}: {vote_term} {floor:?}"
    );
    let last = recovered.last_log_id();
    assert!(last >= floor.last, "round {round}: {last:?} {floor:?}");
    for entry in &recovered.entries {
        let expected = sized_entry(entry.log_id.leader_id.term, entry.log_id.index);
        assert_eq!(format!("{entry:?}"), format!("{expected:?}"));
    }
}

/// Not a test: what the other one starts and kills. Does nothing by itself.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIR_VARIABLE) else {
        return;
    };
    let (store, recovered) = FileStore::open(&PathBuf::from(dir), &identity(1)).expect("opens");
    let mut writer = ChildWriter::new(store, &recovered);
    for step in 0..STEPS_MAX {
        writer.step(step);
        writer.floor.print();
    }
}

struct ChildWriter {
    store: FileStore,
    floor: Floor,
    term: u64,
    /// Terms of the entries from `first` on.
    terms: Vec<u64>,
    first: u64,
}

impl ChildWriter {
    fn new(store: FileStore, recovered: &Recovered) -> Self {
        let terms = recovered.entries.iter().map(|e| e.log_id.leader_id.term);
        let last = recovered.last_log_id();
        let vote_term = recovered.vote.map_or(0, |v| v.leader_id.term);
        Self {
            store,
            floor: Floor { vote_term, last },
            term: 1 + last.map_or(0, |id| id.leader_id.term).max(vote_term),
            terms: terms.collect(),
            first: recovered.purged.map_or(0, |id| id.index + 1),
        }
    }

    fn step(&mut self, step: u64) {
        match step {
            s if s % 7 == 3 => self.vote(),
            s if s % 11 == 5 && self.terms.len() > 4 => self.truncate(),
            s if s % 29 == 17 && self.terms.len() > 8 => self.purge(),
            s => self.append(1 + s % 4),
        }
    }

    fn vote(&mut self) {
        self.term += 1;
        self.submit(Operation::SaveVote(Vote::new(self.term, 1)));
        self.floor.vote_term = self.term;
    }

    fn append(&mut self, count: u64) {
        let next = self.next();
        let entries = (next..next + count)
            .map(|i| sized_entry(self.term, i))
            .collect();
        self.submit(Operation::Append(entries));
        self.terms.extend((0..count).map(|_| self.term));
        self.floor.last = self.last();
    }

    fn truncate(&mut self) {
        self.terms.truncate(self.terms.len() - 2);
        let last_log_id = self.last();
        // From here on less may be there.
        self.floor.last = last_log_id;
        self.floor.print();
        let from = self.next();
        self.submit(Operation::Truncate { from, last_log_id });
        self.term += 1;
    }

    fn purge(&mut self) {
        let upto = log_id(self.terms[4], self.first + 4);
        let covering = snapshot(upto.leader_id.term, upto.index, b"records");
        self.store.save_snapshot(&covering).expect("a healthy disk");
        self.submit(Operation::PurgeUpTo(upto));
        self.terms.drain(..5);
        self.first += 5;
    }

    fn next(&self) -> u64 {
        self.first + self.terms.len() as u64
    }

    fn last(&self) -> Option<LogId> {
        self.terms.last().map(|term| log_id(*term, self.next() - 1))
    }

    fn submit(&self, operation: Operation) {
        submit(&self.store, operation).expect("a healthy disk");
    }
}
