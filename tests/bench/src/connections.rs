//! Many connections, each slow: single records at a rate, or nothing at all.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use protocol::Request as _;
use protocol::frame::decode_response;
use protocol::messages::api_versions::ApiVersionsRequest;
use protocol::messages::produce::ProduceRequest;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::args::Args;
use crate::batches::{self, PRODUCE_VERSION, Shape};
use crate::link;
use crate::picture::Picture;
use crate::report::{self, Latencies};
use crate::window::Window;

/// `--topic --count --rate` (requests per second and connection, 0: they only exist) `--size`
pub(crate) fn run(args: &Args) -> Result<()> {
    rustix::process::setrlimit(rustix::process::Resource::Nofile, files())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run_all(args))
}

/// As many open files as this process may have.
fn files() -> rustix::process::Rlimit {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    rustix::process::Rlimit {
        current: limit.maximum,
        ..limit
    }
}

async fn run_all(args: &Args) -> Result<()> {
    let topic = args.text("topic")?;
    let count: usize = args.number("count", 200)?;
    let rate: f64 = args.number("rate", 10.0)?;
    let shape = Shape {
        record_bytes: args.number("size", 256)?,
        batch_bytes: 0,
        compression: args.compression()?,
    };
    let picture = Picture::take(args.text("bootstrap")?, topic)?;
    let window = Window::new();
    let begin = window.now();
    let mut tasks = JoinSet::new();
    let places = picture.leaders.iter().flat_map(|(address, partitions)| {
        let each = partitions.iter();
        each.map(move |partition| (address.clone(), *partition))
    });
    let places: Vec<_> = places.collect();
    for (number, (address, partition)) in (0..count).zip(places.iter().cycle()) {
        let batch = shape.batch(number as u64)?;
        let request = batches::request(topic, -1, vec![(*partition, batch.bytes)])?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let interval = (rate > 0.0).then(|| Duration::from_secs_f64(1.0 / rate));
        // Spread over the interval, the same every time.
        let phase = interval.map(|it| it.mul_f64(number as f64 / count as f64));
        let one = One {
            stream,
            request,
            window: window.clone(),
            latencies: Latencies::new()?,
        };
        tasks.spawn(one.run(interval.zip(phase)));
    }
    let connected = window.now() - begin;
    tokio::time::sleep(args.seconds("warmup", 3.0)?).await;
    window.begin()?;
    tokio::time::sleep(args.seconds("secs", 10.0)?).await;
    window.end()?;
    let mut latencies = Latencies::new()?;
    while let Some(done) = tasks.join_next().await {
        latencies.add(&done??)?;
    }
    let latencies = latencies.to_json();
    report::result(&json!({
        "secs": args.seconds("secs", 10.0)?.as_secs_f64(), "records": latencies.get("n"),
        "connect_ms": connected.as_secs_f64() * 1e3, "connections": count, "ack_us": latencies,
    }))
}

/// One connection.
struct One {
    stream: TcpStream,
    request: Vec<u8>,
    window: Window,
    latencies: Latencies,
}

impl One {
    /// Sends at its times, one request at a time. Latency counts from when a request was due if the answer
    /// before it came late, so that stalls are not hidden.
    async fn run(mut self, pace: Option<(Duration, Duration)>) -> Result<Latencies> {
        self.introduce().await?;
        let Some((interval, phase)) = pace else {
            while !self.window.is_over() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            return Ok(self.latencies);
        };
        let mut due = Instant::now() + phase;
        while !self.window.is_over() {
            sleep_until(due).await;
            // The timer itself is up to a millisecond late, which is nobody's latency.
            let late = Instant::now() - due;
            let began = if late < Duration::from_millis(3) {
                Instant::now()
            } else {
                due
            };
            self.stream.write_all(&self.request).await?;
            let frame = read_frame(&mut self.stream).await?;
            let (_, response) = decode_response::<ProduceRequest>(frame, PRODUCE_VERSION)?;
            batches::check(&response)?;
            if self.window.is_measuring() {
                self.latencies.record(began.elapsed());
            }
            due += interval;
        }
        Ok(self.latencies)
    }

    /// What every client asks first.
    async fn introduce(&mut self) -> Result<()> {
        let frame = link::frame(&ApiVersionsRequest::default(), 0)?;
        self.stream.write_all(&frame).await?;
        let answer = read_frame(&mut self.stream).await?;
        ensure!(!answer.is_empty(), "{:?}", ApiVersionsRequest::KEY);
        Ok(())
    }
}

async fn read_frame(stream: &mut TcpStream) -> Result<bytes::Bytes> {
    let size = stream.read_u32().await.context("the connection")?;
    ensure!(size < 1 << 20, "a response of {size} bytes");
    let mut frame = vec![0; size as usize];
    stream.read_exact(&mut frame).await?;
    Ok(frame.into())
}
