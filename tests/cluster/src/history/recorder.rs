//! Keeps events as they come.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Event, Phase, Tp, What};

/// Events of a run at most: a run is a minute or two. Beyond them a run is stopped with an error.
const EVENTS_MAX: usize = 20_000_000;

/// Takes events from everybody who takes part in a run. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recorder {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    start: Instant,
    clients: AtomicU32,
    /// Held for a push only.
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    events: Vec<Event>,
    /// When a partition last acknowledged a record.
    acked: HashMap<Tp, u64>,
    /// When a group last had a commit in a partition acknowledged.
    committed: HashMap<(Tp, Tp), u64>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// A run begins now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            inner: Arc::new(Inner {
                start: Instant::now(),
                clients: AtomicU32::new(1),
                kept: Mutex::default(),
            }),
        }
    }

    /// A number for one more client.
    #[must_use]
    pub fn new_client(&self) -> u32 {
        self.inner.clients.fetch_add(1, Ordering::Relaxed)
    }

    /// Time since the beginning.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.ns_of(Instant::now())
    }

    /// A moment as time since the beginning.
    #[must_use]
    pub fn ns_of(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.inner.start);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    /// This happens now. Events stand in the order of these calls.
    pub fn record(&self, client: u32, what: What) {
        let mut kept = self.inner.kept.lock();
        assert!(
            kept.events.len() < EVENTS_MAX,
            "the run is too long to be kept"
        );
        let t_ns = self.now_ns();
        match &what {
            What::Send {
                phase: Phase::Ok,
                tp,
                ..
            } => drop(kept.acked.insert(Tp::clone(tp), t_ns)),
            What::Commit {
                phase: Phase::Ok,
                group,
                tp,
                ..
            } => {
                let key = (Tp::clone(group), Tp::clone(tp));
                kept.committed.insert(key, t_ns);
            }
            _ => {}
        }
        kept.events.push(Event { t_ns, client, what });
    }

    /// This happened at an earlier moment, of which the history learns only now.
    pub fn record_at(&self, t_ns: u64, client: u32, what: What) {
        let mut kept = self.inner.kept.lock();
        kept.events.push(Event { t_ns, client, what });
    }

    /// When a record of this partition was last acknowledged.
    #[must_use]
    pub fn last_acked_ns(&self, tp: &Tp) -> Option<u64> {
        self.inner.kept.lock().acked.get(tp).copied()
    }

    /// When a commit of this group in this partition was last acknowledged.
    #[must_use]
    pub fn last_committed_ns(&self, group: &Tp, tp: &Tp) -> Option<u64> {
        let key = (Tp::clone(group), Tp::clone(tp));
        self.inner.kept.lock().committed.get(&key).copied()
    }

    /// Everything so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.inner.kept.lock().events.clone()
    }

    /// Writes everything so far to a file, a line of JSON for each.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut out = Vec::new();
        for event in &self.inner.kept.lock().events {
            serde_json::to_writer(&mut out, event)?;
            out.write_all(b"\n")?;
        }
        std::fs::write(path, out)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Seen;
    use super::*;

    #[test]
    fn a_history_is_read_back_as_it_was_written() {
        let recorder = Recorder::new();
        let client = recorder.new_client();
        let tp: Arc<str> = "t-0".into();
        recorder.record(
            client,
            What::Send {
                phase: Phase::Ok,
                tp: Arc::clone(&tp),
                value: 7,
                offset: Some(3),
            },
        );
        let records = vec![Seen {
            offset: 3,
            epoch: 1,
            value: 7,
        }];
        recorder.record(client, What::Poll { tp, records });
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("history.jsonl");
        recorder.write(&path).expect("written");
        let text = std::fs::read_to_string(&path).expect("read");
        let read: Vec<Event> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("an event"))
            .collect();
        assert_eq!(read, recorder.events());
        assert!(text.contains(r#""f":"send","type":"ok""#), "{text}");
    }
}
