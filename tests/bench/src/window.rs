//! Warm up, measure, stop: the same for every load that runs for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use types::{Clock as _, SystemClock};

use crate::args::Args;
use crate::report;

const WARMING: u8 = 0;
const MEASURING: u8 = 1;
const OVER: u8 = 2;

/// What all threads of a load share.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    // Relaxed: a count may be off by what happens in the same microsecond.
    phase: Arc<AtomicU8>,
    clock: Arc<SystemClock>,
}

impl Window {
    pub(crate) fn new() -> Self {
        Self {
            phase: Arc::new(AtomicU8::new(WARMING)),
            clock: Arc::new(SystemClock::new()),
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    pub(crate) fn is_measuring(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == MEASURING
    }

    pub(crate) fn is_over(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == OVER
    }

    pub(crate) fn begin(&self) -> Result<()> {
        self.phase.store(MEASURING, Ordering::Relaxed);
        report::mark("start")
    }

    pub(crate) fn end(&self) -> Result<()> {
        report::mark("end")?;
        self.phase.store(OVER, Ordering::Relaxed);
        Ok(())
    }
}

/// The threads of a load. The first that fails ends it.
#[derive(Debug)]
pub(crate) struct Crew<T> {
    threads: Vec<JoinHandle<Option<T>>>,
    failing: SyncSender<anyhow::Error>,
    failures: Receiver<anyhow::Error>,
}

impl<T: Send + 'static> Crew<T> {
    pub(crate) fn new() -> Self {
        let (failing, failures) = sync_channel(1);
        Self {
            threads: Vec::new(),
            failing,
            failures,
        }
    }

    /// One more thread.
    pub(crate) fn hire(&mut self, work: impl FnOnce() -> Result<T> + Send + 'static) {
        let failing = self.failing.clone();
        self.threads.push(thread::spawn(move || {
            work()
                // Only the first failure is told.
                .map_err(|error| drop(failing.try_send(error)))
                .ok()
        }));
    }

    /// Runs the load through its window of `--warmup` and `--secs`; what each thread brought back, and how
    /// long was measured.
    pub(crate) fn run(self, window: &Window, args: &Args) -> Result<(Vec<T>, Duration)> {
        self.wait(args.seconds("warmup", 2.0)?)?;
        window.begin()?;
        let began = window.now();
        self.wait(args.seconds("secs", 10.0)?)?;
        let took = window.now() - began;
        window.end()?;
        let mut results = Vec::new();
        for thread in self.threads {
            let result = thread.join().map_err(|_panic| anyhow!("a thread panicked"));
            results.extend(result?);
        }
        match self.failures.try_recv() {
            Ok(failure) => Err(failure),
            Err(_none) => Ok((results, took)),
        }
    }

    fn wait(&self, time: Duration) -> Result<()> {
        match self.failures.recv_timeout(time) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Ok(failure) => Err(failure),
            Err(RecvTimeoutError::Disconnected) => None.context("we hold a sender ourselves"),
        }
    }
}
