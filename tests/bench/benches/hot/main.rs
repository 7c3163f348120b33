//! Micro-benchmarks of the hot paths, with allocations counted: `make bench`.
//!
//! Each runs alone, on one thread, for the better part of a second; the columns are time for one call, below it what
//! that is in bytes or items per second, and how often and how much it allocates. Inputs are made before the
//! clock starts.

mod batches;
mod groups;
mod hop;
mod image;
mod input;
mod log;
mod node;
mod replicas;
mod requests;

use std::time::Duration;

use divan::{AllocProfiler, Divan};
use mimalloc::MiMalloc;

/// The program's allocator, counted.
#[global_allocator]
static ALLOCATOR: AllocProfiler<MiMalloc> = AllocProfiler::new(MiMalloc);

/// For one benchmark; there are fewer than a hundred.
const TIME_MAX: Duration = Duration::from_millis(800);

fn main() {
    let divan = Divan::default().max_time(TIME_MAX).config_with_args();
    divan.main();
}
