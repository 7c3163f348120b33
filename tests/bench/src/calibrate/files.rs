//! Appending to files through the page cache.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rustix::fs::{FallocateFlags, fallocate, fdatasync};
use serde_json::{Value, json};
use types::{Clock as _, SystemClock};

use super::{TIME, cores, per_byte};

/// What one measurement writes at most, all cores together: little enough that the kernel makes nobody wait for
/// the disk, and much more than any cache holds.
const BYTES_MAX: usize = 1 << 30;
/// Each core appends to several files in turns, as a broker does to its partitions.
const FILES: usize = 12;

/// How much is reserved at once, as a broker does.
const RESERVED_BYTES: usize = 4 << 20;

/// At the end of files that are new, and then once more over the same pages. Whoever writes does not pay for the
/// disk here: the kernel's own threads write later.
///
/// With `is_reserved` the blocks are there before they are written to.
pub(super) fn append(dir: &Path, piece_bytes: usize, is_reserved: bool) -> Result<Value> {
    let paths = (0..cores() * FILES).map(|file| dir.join(format!("append-{file}")));
    let paths: Vec<PathBuf> = paths.collect();
    let mut result = write(&paths, piece_bytes, is_reserved)?;
    rustix::fs::sync();
    result["again_cpu_s_per_gb"] = write(&paths, piece_bytes, false)?["cpu_s_per_gb"].take();
    rustix::fs::sync();
    for path in paths {
        std::fs::remove_file(path)?;
    }
    Ok(result)
}

fn write(paths: &[PathBuf], piece_bytes: usize, is_reserved: bool) -> Result<Value> {
    let bytes_max = BYTES_MAX / cores();
    per_byte(|core| {
        let mine = paths.iter().skip(core * FILES).take(FILES);
        let files: Vec<File> = mine.map(open).collect::<Result<_>>()?;
        let piece = vec![1_u8; piece_bytes];
        let mut turn = 0;
        Ok(move || {
            let (file, at) = (&files[turn % FILES], turn / FILES * piece_bytes);
            turn += 1;
            if turn * piece_bytes > bytes_max {
                return Ok(0);
            }
            if is_reserved && at % RESERVED_BYTES < piece_bytes {
                let next = at.next_multiple_of(RESERVED_BYTES) as u64;
                fallocate(file, FallocateFlags::KEEP_SIZE, next, RESERVED_BYTES as u64)?;
            }
            file.write_all_at(&piece, at as u64)?;
            Ok(piece_bytes)
        })
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is the system call"
)]
fn open(path: &PathBuf) -> Result<File> {
    let mut options = File::options();
    Ok(options
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?)
}

/// One write and one `fdatasync` at a time.
pub(super) fn sync(dir: &Path, piece_bytes: usize) -> Result<Value> {
    let path = dir.join("sync");
    let mut file = File::create(&path)?;
    let piece = vec![1_u8; piece_bytes];
    let clock = SystemClock::new();
    let mut times = Vec::new();
    while clock.monotonic() < TIME {
        let began = clock.monotonic();
        file.write_all(&piece)?;
        fdatasync(&file)?;
        times.push((clock.monotonic() - began).as_micros());
    }
    std::fs::remove_file(&path)?;
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied();
    Ok(json!({ "p50_us": at(50), "p99_us": at(99), "n": times.len() }))
}
