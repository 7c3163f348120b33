//! One thread wakes another, which wakes the first: what a handoff costs.

use std::os::fd::OwnedFd;
use std::thread;

use anyhow::{Result, anyhow};
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{read, write};
use serde_json::{Value, json};
use types::{Clock as _, SystemClock};

use super::thread_cpu;

const ROUNDS: u32 = 50_000;

pub(super) fn ping_pong() -> Result<Value> {
    let there = eventfd(0, EventfdFlags::empty())?;
    let back = eventfd(0, EventfdFlags::empty())?;
    let (clock, began) = (SystemClock::new(), thread_cpu());
    let cpu = thread::scope(|scope| {
        let other = scope.spawn(|| {
            for _ in 0..ROUNDS {
                wait(&there)?;
                wake(&back)?;
            }
            Ok(thread_cpu())
        });
        for _ in 0..ROUNDS {
            wake(&there)?;
            wait(&back)?;
        }
        let other: Result<_> = other.join().map_err(|_panic| anyhow!("the other thread"))?;
        Ok::<_, anyhow::Error>(thread_cpu() - began + other?)
    })?;
    let wakeups = f64::from(2 * ROUNDS);
    Ok(json!({
        "cpu_us": cpu.as_secs_f64() * 1e6 / wakeups,
        "latency_us": clock.monotonic().as_secs_f64() * 1e6 / wakeups,
    }))
}

fn wake(event: &OwnedFd) -> Result<()> {
    write(event, &1_u64.to_ne_bytes())?;
    Ok(())
}

fn wait(event: &OwnedFd) -> Result<()> {
    let mut count = [0_u8; 8];
    read(event, &mut count)?;
    Ok(())
}
