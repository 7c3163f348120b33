//! How long nobody takes records while brokers die: one writer per partition, one record at a time.
//!
//! A writer whose leader is gone asks the others who leads now, with 20 ms between its attempts, and sends
//! again. What is measured is the longest time between two acknowledgements of one partition.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use protocol::frame::decode_response;
use protocol::messages::produce::ProduceRequest;
use protocol::records::Compression;
use serde_json::json;

use crate::args::Args;
use crate::batches::{self, PRODUCE_VERSION, Shape};
use crate::link::Link;
use crate::picture::{Picture, ask};
use crate::report;
use crate::window::{Crew, Window};

/// Between attempts.
const PAUSE: Duration = Duration::from_millis(20);
/// A broker that is silent for this long is tried again.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between a writer's records.
const INTERVAL: Duration = Duration::from_millis(5);

/// `--topic`; prints `MARK start`, after which whoever started us kills somebody.
pub(crate) fn run(args: &Args) -> Result<()> {
    let topic = args.text("topic")?;
    let bootstrap = args.text("bootstrap")?;
    let picture = Picture::take(bootstrap, topic)?;
    let window = Window::new();
    let mut crew = Crew::new();
    for partition in 0..i32::try_from(picture.partition_count)? {
        let writer = Writer::new(bootstrap, topic, partition, window.clone())?;
        crew.hire(move || Ok(writer.run()));
    }
    let (gaps, took) = crew.run(&window, args)?;
    let longest: Vec<_> = gaps
        .iter()
        .map(|gap| gap.longest.as_secs_f64() * 1e3)
        .collect();
    let acks: u64 = gaps.iter().map(|gap| gap.acks).sum();
    report::result(&json!({ "secs": took.as_secs_f64(), "gap_ms": longest, "records": acks }))
}

#[derive(Debug, Default)]
struct Gap {
    longest: Duration,
    acks: u64,
}

/// One thread's.
struct Writer {
    bootstrap: Vec<String>,
    topic: String,
    partition: i32,
    request: Vec<u8>,
    window: Window,
}

impl Writer {
    fn new(bootstrap: &str, topic: &str, partition: i32, window: Window) -> Result<Self> {
        let shape = Shape {
            record_bytes: 1024,
            batch_bytes: 0,
            compression: Compression::None,
        };
        let batch = shape.batch(partition.unsigned_abs().into())?;
        Ok(Self {
            bootstrap: bootstrap.split(',').map(str::to_owned).collect(),
            topic: topic.to_owned(),
            partition,
            request: batches::request(topic, -1, vec![(partition, batch.bytes)])?,
            window,
        })
    }

    fn run(mut self) -> Gap {
        let mut gap = Gap::default();
        let mut last = None;
        let mut link = None;
        while !self.window.is_over() {
            let sent = self.send(&mut link);
            let now = self.window.now();
            if sent.is_err() {
                link = None;
            } else if self.window.is_measuring() {
                let since = now.saturating_sub(last.unwrap_or(now));
                gap.longest = gap.longest.max(since);
                gap.acks += 1;
            }
            if sent.is_ok() {
                last = Some(now);
            }
            thread::park_timeout(if sent.is_ok() { INTERVAL } else { PAUSE });
        }
        // Nothing came back before the end: that is a gap as well.
        let open = self.window.now().saturating_sub(last.unwrap_or_default());
        gap.longest = gap.longest.max(open);
        gap
    }

    fn send(&mut self, link: &mut Option<Link>) -> Result<()> {
        if link.is_none() {
            *link = Some(self.connect()?);
        }
        let link = link.as_mut().context("just connected")?;
        link.writer.resend(&mut self.request, 1)?;
        let frame = link.reader.frame()?;
        let (_, response) = decode_response::<ProduceRequest>(frame, PRODUCE_VERSION)?;
        batches::check(&response)
    }

    /// To the leader, as whoever answers first knows it.
    fn connect(&self) -> Result<Link> {
        let mut failure = None;
        for address in &self.bootstrap {
            let found = Link::connect_within(address, PATIENCE)
                .and_then(|mut link| Picture::of(&ask(&mut link, &self.topic)?));
            match found {
                Ok(picture) => {
                    let mut leaders = picture.leaders.iter();
                    let leader = leaders.find(|(_, led)| led.contains(&self.partition));
                    let (address, _) = leader.context("no leader")?;
                    return Link::connect_within(address, PATIENCE);
                }
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.context("no bootstrap server is named")?)
    }
}
