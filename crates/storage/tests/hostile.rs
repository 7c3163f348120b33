//! The bodies of the fuzz targets for files, on files that were sound before somebody damaged them.

#[expect(unreachable_pub, reason = "public in the crate of the fuzz targets")]
#[path = "../../../fuzz/src/checkpoint.rs"]
mod checkpoint;
#[expect(unreachable_pub, reason = "public in the crate of the fuzz targets")]
#[path = "../../../fuzz/src/index.rs"]
mod index;
#[expect(unreachable_pub, reason = "public in the crate of the fuzz targets")]
#[path = "../../../fuzz/src/log_recovery.rs"]
mod log_recovery;
#[expect(unreachable_pub, reason = "public in the crate of the fuzz targets")]
#[path = "../../../fuzz/src/producer_snapshot.rs"]
mod producer_snapshot;
#[expect(unreachable_pub, reason = "public in the crate of the fuzz targets")]
#[path = "../../../fuzz/src/storage_bench.rs"]
mod storage_bench;

use proptest::prelude::*;

/// What happens to a file.
#[derive(Debug, Clone)]
enum Damage {
    Nothing,
    Flip { at: usize, bit: u8 },
    Cut { at: usize },
    Zero { at: usize, count: usize },
    Swap { a: usize, b: usize, count: usize },
    Double { at: usize, count: usize },
    Add { bytes: Vec<u8> },
}

fn damage() -> impl Strategy<Value = Damage> {
    let count = 1..128usize;
    prop_oneof![
        1 => Just(Damage::Nothing),
        6 => (any::<usize>(), 0..8u8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        2 => any::<usize>().prop_map(|at| Damage::Cut { at }),
        2 => (any::<usize>(), count.clone()).prop_map(|(at, count)| Damage::Zero { at, count }),
        3 => (any::<usize>(), any::<usize>(), count.clone())
            .prop_map(|(a, b, count)| Damage::Swap { a, b, count }),
        2 => (any::<usize>(), count).prop_map(|(at, count)| Damage::Double { at, count }),
        1 => prop::collection::vec(any::<u8>(), 0..64).prop_map(|bytes| Damage::Add { bytes }),
    ]
}

fn apply(damage: &Damage, file: &mut Vec<u8>) {
    let length = file.len().max(1);
    let range = |at: usize, count: usize| {
        let at = at % length;
        at.min(file.len())..(at + count).min(file.len())
    };
    match *damage {
        Damage::Nothing => {}
        Damage::Flip { at, bit } => {
            if let Some(byte) = file.get_mut(at % length) {
                *byte ^= 1 << bit;
            }
        }
        Damage::Cut { at } => file.truncate(at % length),
        Damage::Zero { at, count } => {
            let range = range(at, count);
            file[range].fill(0);
        }
        Damage::Swap { a, b, count } => {
            let (a, b) = (range(a, count), range(b, count));
            if a.len() == b.len() && (a.end <= b.start || b.end <= a.start) {
                let kept = file[a.clone()].to_vec();
                file.copy_within(b.clone(), a.start);
                file[b].copy_from_slice(&kept);
            }
        }
        Damage::Double { at, count } => {
            let part = file[range(at, count)].to_vec();
            let at = at % length;
            file.splice(at.min(file.len())..at.min(file.len()), part);
        }
        Damage::Add { ref bytes } => file.extend(bytes),
    }
}

/// The log file of batches as the log writes them, some of them compressed by a producer.
fn log_file() -> Vec<u8> {
    GOLDEN_LOG.to_vec()
}

const GOLDEN_LOG: &[u8] = include_bytes!("golden/kafka-4.3.1/golden-0/00000000000000000000.log");
const GOLDEN_SNAPSHOT: &[u8] =
    include_bytes!("golden/kafka-4.3.1/golden-0/00000000000000000025.snapshot");

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(256)
    })]

    #[test]
    fn damaged_logs_are_cut_or_refused_and_never_serve_what_was_not_written(
        how: u8,
        damages in prop::collection::vec(damage(), 0..3),
    ) {
        let mut file = log_file();
        damages.iter().for_each(|damage| apply(damage, &mut file));
        file.insert(0, how);
        log_recovery::run(&file);
    }

    #[test]
    fn damaged_indexes_cost_time_and_nothing_else(
        how: u8,
        is_sound in any::<bool>(),
        damages in prop::collection::vec(damage(), 0..4),
        garbage in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut file = if is_sound { INDEXES.concat() } else { garbage };
        damages.iter().for_each(|damage| apply(damage, &mut file));
        let length = u8::try_from(INDEXES[0].len()).unwrap();
        file.splice(0..0, [how, length]);
        index::run(&file);
    }

    #[test]
    fn damaged_small_files_are_refused_or_made_anew(
        which: u8,
        sound in 0..SMALL_FILES.len(),
        damages in prop::collection::vec(damage(), 0..3),
    ) {
        let mut file = SMALL_FILES[sound].as_bytes().to_vec();
        damages.iter().for_each(|damage| apply(damage, &mut file));
        file.insert(0, which);
        checkpoint::run(&file);
    }

    #[test]
    fn damaged_snapshots_are_passed_over(
        how: u8,
        damages in prop::collection::vec(damage(), 0..3),
    ) {
        let mut file = GOLDEN_SNAPSHOT.to_vec();
        damages.iter().for_each(|damage| apply(damage, &mut file));
        file.insert(0, how);
        producer_snapshot::run(&file);
    }
}

/// Entries in the form of both indexes: plausible, and wrong for the log beside them.
const INDEXES: [&[u8]; 2] = [
    &[
        0, 0, 0, 3, 0, 0, 0, 87, 0, 0, 0, 9, 0, 0, 1, 92, 0, 0, 0, 11, 0, 0, 1, 179,
    ],
    &[
        0, 0, 1, 139, 207, 229, 104, 5, 0, 0, 0, 5, 0, 0, 1, 139, 207, 229, 104, 11, 0, 0, 0, 11,
    ],
];

const SMALL_FILES: [&str; 7] = [
    "0\n1\nt 0 17\n",
    "0\n1\nt 0 400\n",
    "0\n2\n0 0\n1 20\n",
    "version=1\ncluster.id=c\nnode.id=1\n",
    "version: 0\ntopic_id: btKKG7DmTHuLskg82MLVlQ",
    "{\"version\":0,\"brokerEpoch\":7}",
    "12\n",
];
