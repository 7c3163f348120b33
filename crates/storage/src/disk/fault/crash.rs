//! What a power cut leaves of a disk in memory.

use std::sync::Arc;

use parking_lot::Mutex;

use super::file::write_into;
use super::{Contents, Names, Node};

pub(super) fn crash_dir(dir: &Arc<Mutex<Names>>, random: &mut Option<Random>) {
    let mut dir = dir.lock();
    if random.as_mut().is_none_or(Random::flip) {
        dir.current = dir.durable.clone();
    } else {
        dir.durable = dir.current.clone();
    }
    for node in dir.current.values() {
        match node {
            Node::Dir(dir) => crash_dir(dir, random),
            Node::File(file) => crash_file(&mut file.lock(), random),
        }
    }
}

/// Everything is durable.
pub(super) fn sync_below(dir: &Arc<Mutex<Names>>) {
    let mut dir = dir.lock();
    dir.durable = dir.current.clone();
    for node in dir.current.values() {
        match node {
            Node::Dir(dir) => sync_below(dir),
            Node::File(file) => file.lock().sync(),
        }
    }
}

fn crash_file(file: &mut Contents, random: &mut Option<Random>) {
    let mut survived = file.durable.clone();
    if let Some(random) = random {
        // A cut that was not synced may or may not have happened; writes come back one by one.
        let is_shorter = file.current.len() < survived.len();
        if is_shorter && random.flip() {
            survived.truncate(file.current.len());
        }
        for (position, bytes) in std::mem::take(&mut file.unsynced) {
            if random.flip() {
                write_into(&mut survived, position, &bytes);
            }
        }
    }
    file.unsynced.clear();
    file.current = survived.clone();
    file.durable = survived;
}

/// `SplitMix64`: enough to flip coins with.
#[derive(Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    fn flip(&mut self) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) & 1 == 1
    }
}
