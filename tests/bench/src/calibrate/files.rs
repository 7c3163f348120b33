//! Appending to files through the page cache.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rustix::fs::fdatasync;
use serde_json::{Value, json};
use types::{Clock as _, SystemClock};

use super::{TIME, cores, per_byte};

/// What one measurement writes at most, all cores together: little enough that the kernel makes nobody wait for
/// the disk, and much more than any cache holds.
const BYTES_MAX: usize = 1 << 30;
/// Each core appends to several files in turns, as a broker does to its partitions.
const FILES: usize = 12;

/// Files that were written. They stay until all is measured, so that nobody gets pages of another one.
pub(super) struct Written<'a> {
    dir: &'a Path,
    /// Each measurement's, by core.
    rounds: Vec<Vec<PathBuf>>,
}

impl<'a> Written<'a> {
    pub(super) const fn new(dir: &'a Path) -> Self {
        Self {
            dir,
            rounds: Vec::new(),
        }
    }

    /// At the end of files that are new. Whoever writes does not pay for the disk here: the kernel's own threads write
    /// later.
    pub(super) fn append(&mut self, piece_bytes: usize) -> Result<Value> {
        let round = self.rounds.len();
        let paths =
            (0..cores() * FILES).map(|file| self.dir.join(format!("append-{round}-{file}")));
        self.rounds.push(paths.collect());
        let result = self.write(round, piece_bytes);
        // On the disk before the next measurement begins: it finds no writeback beside it.
        rustix::fs::sync();
        result
    }

    /// Over the pages of the files that were written last.
    pub(super) fn overwrite(&self, piece_bytes: usize) -> Result<Value> {
        let result = self.write(self.rounds.len().saturating_sub(1), piece_bytes);
        rustix::fs::sync();
        result
    }

    fn write(&self, round: usize, piece_bytes: usize) -> Result<Value> {
        let paths = self.rounds.get(round).map_or(&[][..], Vec::as_slice);
        per_byte(|core| {
            let mine = paths.iter().skip(core * FILES).take(FILES);
            let files: Vec<File> = mine.map(open).collect::<Result<_>>()?;
            let piece = vec![1_u8; piece_bytes];
            let mut turn = 0;
            Ok(move || {
                let (file, place) = (turn % FILES, turn / FILES);
                turn += 1;
                if turn * piece_bytes > BYTES_MAX / cores() {
                    return Ok(0);
                }
                files[file].write_all_at(&piece, (place * piece_bytes) as u64)?;
                Ok(piece_bytes)
            })
        })
    }

    pub(super) fn remove(self) -> Result<()> {
        for path in self.rounds.iter().flatten() {
            std::fs::remove_file(path)?;
        }
        Ok(())
    }
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
