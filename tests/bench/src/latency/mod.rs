//! Latency at a fixed rate: from when a record was due until it is acknowledged, and until a consumer has it.
//!
//! ```text
//!  pacer ── records that are due, one request per leader, at most five in flight ──▶ leaders
//!  acks  ◀── one thread per leader ──                                                   │
//!  consumer ◀── one thread per leader, long polls ──────────────────────────────────────┘
//! ```
//!
//! Open loop: a record's time is when it was due, so a stall of a broker counts for all that were due
//! meanwhile. Each record's value begins with that time.

mod consumer;
mod pacer;

use std::num::NonZeroU64;

use anyhow::Result;
use serde_json::json;

use crate::args::Args;
use crate::link::Link;
use crate::picture::Picture;
use crate::report::{self, Latencies};
use crate::window::{Crew, Window};
use consumer::Consumer;
use pacer::{Acks, Pacer, Plan};

/// What one thread has measured.
enum Measured {
    Acks(Latencies),
    EndToEnd(Latencies),
    Nothing,
}

/// `--topic --rate --size --compression`
pub(crate) fn run(args: &Args) -> Result<()> {
    // Sleeps end on time instead of up to 50 microseconds late. Threads started later inherit it.
    rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?;
    let topic = args.text("topic")?;
    let picture = Picture::take(args.text("bootstrap")?, topic)?;
    let window = Window::new();
    let plan = Plan::from_args(args, topic, window.clone())?;
    let mut crew = Crew::new();
    let mut pacer = Pacer::new(plan, picture.partition_count);
    for (address, partitions) in &picture.leaders {
        let consumer = Consumer::new(address, topic, partitions, window.clone())?;
        crew.hire(move || Ok(Measured::EndToEnd(consumer.run()?)));
        let Link { writer, reader } = Link::connect(address)?;
        let flight = pacer.add_leader(writer, partitions.clone());
        let acks = Acks::new(reader, flight, window.clone())?;
        crew.hire(move || Ok(Measured::Acks(acks.run()?)));
    }
    crew.hire(move || pacer.run().map(|()| Measured::Nothing));
    let (measured, took) = crew.run(&window, args)?;
    let (mut acks, mut end_to_end) = (Latencies::new()?, Latencies::new()?);
    for one in &measured {
        match one {
            Measured::Acks(latencies) => acks.add(latencies)?,
            Measured::EndToEnd(latencies) => end_to_end.add(latencies)?,
            Measured::Nothing => {}
        }
    }
    let (acks, end_to_end) = (acks.to_json(), end_to_end.to_json());
    report::result(&json!({
        "secs": took.as_secs_f64(), "records": acks.get("n"), "ack_us": acks, "e2e_us": end_to_end,
    }))
}
