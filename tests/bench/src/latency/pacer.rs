//! Sends what is due, as soon as the leader's pipeline has room; and the threads that take the answers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use parking_lot::{Condvar, Mutex};
use protocol::frame::decode_response;
use protocol::messages::produce::ProduceRequest;
use protocol::records::{BatchBuilder, Compression};
use types::{Clock as _, SystemClock};

use crate::args::Args;
use crate::batches::{self, PRODUCE_VERSION};
use crate::link::{Reader, Writer};
use crate::report::Latencies;
use crate::window::Window;

/// As most clients have it.
const IN_FLIGHT_MAX: usize = 5;
/// The answers still out when the window closes are not waited for longer than this.
const IDLE_MAX: Duration = Duration::from_millis(20);

/// What is sent, and how often.
pub(super) struct Plan {
    topic: String,
    interval: Duration,
    record_bytes: usize,
    compression: Compression,
    window: Window,
}

impl Plan {
    pub(super) fn from_args(args: &Args, topic: &str, window: Window) -> Result<Self> {
        Ok(Self {
            topic: topic.to_owned(),
            interval: Duration::from_secs(1).div_f64(args.number("rate", 1000.0)?),
            record_bytes: args.number::<usize>("size", 1024)?.max(8),
            compression: args.compression()?,
            window,
        })
    }
}

/// The requests in flight to one leader: when each of their records was due.
pub(super) type Flight = Arc<Mutex<VecDeque<Vec<Duration>>>>;

/// Wakes the pacer when a leader has room again. Taken after a flight's lock, never before it.
type Bell = Arc<(Mutex<bool>, Condvar)>;

struct Leader {
    writer: Writer,
    partitions: Vec<i32>,
    flight: Flight,
}

/// Owned by one thread.
pub(super) struct Pacer {
    plan: Plan,
    leaders: Vec<Leader>,
    /// By partition: when the records that wait were due.
    waiting: Vec<Vec<Duration>>,
    bell: Bell,
    clock: SystemClock,
}

impl Pacer {
    pub(super) fn new(plan: Plan, partition_count: usize) -> Self {
        Self {
            plan,
            leaders: Vec::new(),
            waiting: vec![Vec::new(); partition_count],
            bell: Bell::default(),
            clock: SystemClock::new(),
        }
    }

    /// Returns what the leader's acks need.
    pub(super) fn add_leader(&mut self, writer: Writer, partitions: Vec<i32>) -> (Flight, Bell) {
        let flight = Flight::default();
        self.leaders.push(Leader {
            writer,
            partitions,
            flight: Arc::clone(&flight),
        });
        (flight, Arc::clone(&self.bell))
    }

    pub(super) fn run(mut self) -> Result<()> {
        let mut due = self.plan.window.now();
        let mut next_partition = 0;
        let mut value = vec![b'x'; self.plan.record_bytes];
        while !self.plan.window.is_over() {
            let now = self.plan.window.now();
            while due <= now {
                self.waiting[next_partition].push(due);
                next_partition = (next_partition + 1) % self.waiting.len();
                due += self.plan.interval;
            }
            for leader in 0..self.leaders.len() {
                self.maybe_send(leader, &mut value)?;
            }
            self.wait(due);
        }
        Ok(())
    }

    /// Until the next record is due or an answer has made room.
    fn wait(&self, due: Duration) {
        let (rung, bell) = &*self.bell;
        let mut rung = rung.lock();
        let rest = due.saturating_sub(self.plan.window.now());
        if !*rung && !rest.is_zero() {
            bell.wait_for(&mut rung, rest.min(IDLE_MAX));
        }
        *rung = false;
    }

    /// One request with all that waits for this leader.
    fn maybe_send(&mut self, leader: usize, value: &mut [u8]) -> Result<()> {
        let leader = &mut self.leaders[leader];
        let partition = |index: &i32| usize::try_from(*index).unwrap_or(usize::MAX);
        let waits = |index: &i32| !self.waiting[partition(index)].is_empty();
        if !leader.partitions.iter().any(waits) || leader.flight.lock().len() >= IN_FLIGHT_MAX {
            return Ok(());
        }
        let (mut all, mut batches) = (Vec::new(), Vec::new());
        for index in &leader.partitions {
            let dues = std::mem::take(&mut self.waiting[partition(index)]);
            if dues.is_empty() {
                continue;
            }
            let mut builder = BatchBuilder::new(self.plan.compression);
            for due in &dues {
                let nanoseconds = u64::try_from(due.as_nanos())?;
                value[..8].copy_from_slice(&nanoseconds.to_be_bytes());
                builder.append(self.clock.wall_ms(), None, Some(value), &[])?;
            }
            batches.push((*index, builder.build()?.bytes));
            all.extend(dues);
        }
        let mut frame = batches::request(&self.plan.topic, -1, batches)?;
        leader.flight.lock().push_back(all);
        leader.writer.resend(&mut frame, 0)
    }
}

/// Takes the answers of one leader.
pub(super) struct Acks {
    reader: Reader,
    flight: Flight,
    bell: Bell,
    window: Window,
    latencies: Latencies,
}

impl Acks {
    pub(super) fn new(reader: Reader, flight: (Flight, Bell), window: Window) -> Result<Self> {
        let (flight, bell) = flight;
        Ok(Self {
            reader,
            flight,
            bell,
            window,
            latencies: Latencies::new()?,
        })
    }

    /// Until the window is over and nothing is in flight.
    pub(super) fn run(mut self) -> Result<Latencies> {
        loop {
            if self.flight.lock().is_empty() {
                if self.window.is_over() {
                    return Ok(self.latencies);
                }
                if !self.reader.has_more(IDLE_MAX)? {
                    continue;
                }
            }
            let frame = self.reader.frame()?;
            let now = self.window.now();
            let (_, response) = decode_response::<ProduceRequest>(frame, PRODUCE_VERSION)?;
            batches::check(&response)?;
            let dues = self.flight.lock().pop_front();
            let dues = dues.context("an answer to nothing")?;
            ensure!(!dues.is_empty(), "a request without records");
            if self.window.is_measuring() {
                for due in dues {
                    self.latencies.record(now.saturating_sub(due));
                }
            }
            let (rung, bell) = &*self.bell;
            *rung.lock() = true;
            bell.notify_one();
        }
    }
}
