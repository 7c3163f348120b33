//! Saturation: requests that exist already, several in flight on each connection, the next one sent when
//! the oldest is answered.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Result, ensure};
use protocol::frame::decode_response;
use protocol::messages::produce::ProduceRequest;
use serde_json::json;

use crate::args::Args;
use crate::batches::{self, PRODUCE_VERSION, Shape};
use crate::link::Link;
use crate::picture::Picture;
use crate::report::{self, Latencies};
use crate::window::{Crew, Window};

/// `--topic --bootstrap --size --batch --compression --acks --inflight --connections (per leader) --merge
/// (1: a request carries a batch for every partition of its leader)`
pub(crate) fn run(args: &Args) -> Result<()> {
    let shape = Shape::from_args(args)?;
    let topic = args.text("topic")?;
    let acks = args.number("acks", -1)?;
    let depth = args.number("inflight", 5)?;
    let is_merged = args.number("merge", 0)? != 0;
    let picture = Picture::take(args.text("bootstrap")?, topic)?;
    let window = Window::new();
    let mut crew = Crew::new();
    for (address, partitions) in &picture.leaders {
        for connection in 0..args.number("connections", 1)? {
            let requests = requests(&shape, topic, acks, partitions, is_merged, connection)?;
            let link = Link::connect(address)?;
            let window = window.clone();
            // Connections of one leader do not walk through its partitions in step.
            let first = usize::try_from(connection)? % requests.len();
            crew.hire(move || Producer::new(link, requests, window)?.run(depth, first));
        }
    }
    let (producers, took) = crew.run(&window, args)?;
    let mut latencies = Latencies::new()?;
    for one in &producers {
        latencies.add(&one.latencies)?;
    }
    let sum = |of: fn(&Producer) -> u64| producers.iter().map(of).sum::<u64>();
    report::result(&json!({
        "secs": took.as_secs_f64(), "bytes": sum(|p| p.value_bytes), "records": sum(|p| p.record_count),
        "requests": sum(|p| p.request_count), "connections": producers.len(),
        "ack_us": latencies.to_json(),
    }))
}

/// A request and what it carries.
#[derive(Debug)]
struct Ready {
    frame: Vec<u8>,
    record_count: u64,
    value_bytes: u64,
}

fn requests(
    shape: &Shape,
    topic: &str,
    acks: i16,
    partitions: &[i32],
    is_merged: bool,
    seed: u64,
) -> Result<Vec<Ready>> {
    let ready = |partitions: &[i32]| {
        let (mut record_count, mut value_bytes, mut placed) = (0, 0, Vec::new());
        for partition in partitions {
            let batch = shape.batch(seed * 1000 + u64::from(partition.unsigned_abs()))?;
            record_count += batch.record_count;
            value_bytes += batch.value_bytes;
            placed.push((*partition, batch.bytes));
        }
        Ok(Ready {
            frame: batches::request(topic, acks, placed)?,
            record_count,
            value_bytes,
        })
    };
    if is_merged {
        return Ok(vec![ready(partitions)?]);
    }
    partitions.chunks(1).map(ready).collect()
}

/// One connection.
#[derive(Debug)]
struct Producer {
    link: Link,
    requests: Vec<Ready>,
    window: Window,
    latencies: Latencies,
    record_count: u64,
    value_bytes: u64,
    request_count: u64,
}

impl Producer {
    fn new(link: Link, requests: Vec<Ready>, window: Window) -> Result<Self> {
        Ok(Self {
            link,
            requests,
            window,
            latencies: Latencies::new()?,
            record_count: 0,
            value_bytes: 0,
            request_count: 0,
        })
    }

    /// Keeps `depth` requests in flight, beginning with the `next` one.
    fn run(mut self, depth: usize, mut next: usize) -> Result<Self> {
        let mut in_flight = VecDeque::new();
        let mut correlation_id = 0_i32;
        loop {
            while in_flight.len() < depth && !self.window.is_over() {
                let request = &mut self.requests[next];
                correlation_id = correlation_id.wrapping_add(1);
                in_flight.push_back((next, correlation_id, self.window.now()));
                self.link
                    .writer
                    .resend(&mut request.frame, correlation_id)?;
                next = (next + 1) % self.requests.len();
            }
            let Some((which, sent_id, sent_at)) = in_flight.pop_front() else {
                return Ok(self);
            };
            self.take_answer(which, sent_id, sent_at)?;
        }
    }

    fn take_answer(&mut self, which: usize, sent_id: i32, sent_at: Duration) -> Result<()> {
        let frame = self.link.reader.frame()?;
        let (id, response) = decode_response::<ProduceRequest>(frame, PRODUCE_VERSION)?;
        ensure!(id == sent_id, "answers out of order");
        batches::check(&response)?;
        if self.window.is_measuring() {
            self.latencies.record(self.window.now() - sent_at);
            self.record_count += self.requests[which].record_count;
            self.value_bytes += self.requests[which].value_bytes;
            self.request_count += 1;
        }
        Ok(())
    }
}
