//! Replicas that copy from each other, whoever leads, and that crash in between.

use super::*;

const REPLICAS: usize = 3;

/// Numbers that are the same at every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn replica(&mut self) -> usize {
        usize::try_from(self.below(REPLICAS as u64)).unwrap()
    }
}

/// Three replicas of one partition. Who leads is told, and never asked.
struct Cluster {
    benches: Vec<Bench>,
    logs: Vec<Option<Log>>,
    leader: usize,
    epoch: i32,
}

impl Cluster {
    fn new() -> Self {
        let benches: Vec<_> = (0..REPLICAS).map(|_| Bench::new()).collect();
        let logs = benches.iter().map(|bench| Some(bench.create())).collect();
        let mut cluster = Self {
            benches,
            logs,
            leader: 0,
            epoch: -1,
        };
        cluster.elect(0);
        cluster
    }

    fn log(&mut self, replica: usize) -> &mut Log {
        self.logs[replica].as_mut().unwrap()
    }

    fn elect(&mut self, replica: usize) {
        self.epoch += 1;
        self.leader = replica;
        let epoch = LeaderEpoch(self.epoch);
        let log = self.log(replica);
        let end = log.log_end_offset();
        log.assign_epoch_start(epoch, end).unwrap();
    }

    fn append(&mut self, chance: &mut Chance) {
        let epoch = LeaderEpoch(self.epoch);
        let count = i32::try_from(1 + chance.below(3)).unwrap();
        let producer = i64::try_from(chance.below(3)).unwrap();
        let log = self.log(self.leader);
        let known = log.producers();
        let known = known.iter().find(|p| p.producer_id == ProducerId(producer));
        let batch = match (producer, known) {
            (0, _) => batch(count),
            (id, None) => producer_batch(id, 0, 0, count),
            (id, Some(known)) => producer_batch(id, 0, known.last_sequence + 1, count),
        };
        let info = log.append_as_leader(&[batch], epoch).unwrap();
        assert!(!info.duplicate);
    }

    /// Makes a follower's log a prefix of the leader's, by epochs alone.
    fn reconcile(&mut self, follower: usize) {
        for _ in 0..100 {
            let (own_end, last_epoch) = {
                let log = self.log(follower);
                (log.log_end_offset(), log.latest_epoch())
            };
            if !last_epoch.is_known() {
                assert_eq!(own_end, 0, "records without an epoch");
                return;
            }
            let (epoch, end) = self.log(self.leader).end_offset_for_epoch(last_epoch);
            if epoch == last_epoch && own_end <= end {
                return;
            }
            let log = self.log(follower);
            // The leader knows nothing as old: nothing can be kept.
            let cut = if epoch.is_known() {
                let (_, own) = log.end_offset_for_epoch(epoch);
                own.min(end)
            } else {
                end.max(0)
            };
            log.truncate_to(cut.min(own_end)).unwrap();
            assert!(log.log_end_offset() <= own_end);
        }
        panic!("replica {follower} does not come to terms with its leader");
    }

    /// Copies up to `bytes` of what the follower lacks.
    fn copy(&mut self, follower: usize, bytes: usize) {
        let from = self.log(follower).log_end_offset();
        let leader = self.log(self.leader);
        if from >= leader.log_end_offset() {
            return;
        }
        let read = leader.reader().read(from, bytes, Offset::MAX, true);
        let read = read.unwrap();
        assert_eq!(
            read.first_offset, from,
            "batches begin where the follower ends"
        );
        let info = self.log(follower).append_as_follower(read.bytes).unwrap();
        assert_eq!(info.base_offset, from);
    }

    /// The process ends without a word; nothing written is lost.
    fn kill(&mut self, replica: usize) {
        let before = self.logs[replica].take().unwrap();
        let known = (
            before.log_end_offset(),
            before.epochs.clone(),
            sorted(before.producers()),
        );
        let after = self.benches[replica].kill(before);
        let found = (
            after.log_end_offset(),
            after.epochs.clone(),
            sorted(after.producers()),
        );
        // An epoch without records yet is the one thing that may be forgotten.
        assert_eq!((known.0, known.2), (found.0, found.2));
        assert_eq!(
            with_records(&known.1, known.0),
            with_records(&found.1, found.0)
        );
        self.logs[replica] = Some(after);
    }

    /// The machine goes down: what was not synced may be gone.
    fn lose_power(&mut self, replica: usize, seed: u64) {
        let before = self.logs[replica].take().unwrap();
        let durable = before.recovery_point();
        drop(before);
        let bench = &self.benches[replica];
        bench.disk.crash(seed.is_multiple_of(2).then_some(seed));
        let after = bench.open(durable, Shutdown::PowerLoss);
        assert!(
            after.log_end_offset() >= durable,
            "durable records are lost"
        );
        self.logs[replica] = Some(after);
    }

    fn assert_equal(&mut self) {
        let leader = self.leader;
        for follower in (0..REPLICAS).filter(|replica| *replica != leader) {
            self.reconcile(follower);
            while self.log(follower).log_end_offset() < self.log(leader).log_end_offset() {
                self.copy(follower, 400);
            }
        }
        let end = self.log(leader).log_end_offset();
        let expected = everything(self.log(leader));
        for replica in 0..REPLICAS {
            assert_eq!(everything(self.log(replica)), expected, "replica {replica}");
            assert_eq!(self.log(replica).log_end_offset(), end);
        }
    }
}

/// Bytes, epochs that have records, and producers.
type Everything = (Bytes, Vec<(LeaderEpoch, Offset)>, Vec<ProducerDescription>);

fn everything(log: &Log) -> Everything {
    let end = log.log_end_offset();
    let mut bytes = Vec::new();
    let mut offset = log.log_start_offset();
    while offset < end {
        let read = log
            .reader()
            .read(offset, 1 << 20, Offset::MAX, true)
            .unwrap();
        bytes.extend_from_slice(&read.bytes);
        offset = read.next_offset;
    }
    let producers = sorted(log.producers());
    (bytes.into(), with_records(&log.epochs, end), producers)
}

fn with_records(epochs: &Epochs, end: Offset) -> Vec<(LeaderEpoch, Offset)> {
    let entries = epochs.entries().iter();
    entries.filter(|(_, start)| *start < end).copied().collect()
}

fn sorted(mut producers: Vec<ProducerDescription>) -> Vec<ProducerDescription> {
    producers.sort_unstable_by_key(|producer| producer.producer_id.0);
    producers
}

#[test]
fn replicas_that_crash_and_change_leaders_end_up_byte_for_byte_equal() {
    for seed in 1..=120 {
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let mut cluster = Cluster::new();
        for _ in 0..80 {
            let replica = chance.replica();
            match chance.below(20) {
                0..8 => cluster.append(&mut chance),
                8..14 if replica != cluster.leader => {
                    cluster.reconcile(replica);
                    let bytes = usize::try_from(chance.below(700)).unwrap();
                    cluster.copy(replica, bytes);
                }
                14 => cluster.elect(replica),
                15 => cluster.log(replica).flush().unwrap(),
                16 => {
                    let log = cluster.logs[replica].take().unwrap();
                    cluster.logs[replica] = Some(cluster.benches[replica].reopen(log));
                }
                17 | 18 => {
                    cluster.kill(replica);
                    // A leader that comes back leads again only in a new epoch.
                    if replica == cluster.leader {
                        let next = chance.replica();
                        cluster.elect(next);
                    }
                }
                19 => {
                    cluster.lose_power(replica, chance.0);
                    if replica == cluster.leader {
                        let next = chance.replica();
                        cluster.elect(next);
                    }
                }
                _ => {}
            }
        }
        cluster.assert_equal();
        // And it holds for what is on disk.
        for replica in 0..REPLICAS {
            cluster.kill(replica);
        }
        cluster.elect(0);
        cluster.assert_equal();
    }
}

#[test]
fn a_follower_that_begins_anew_forgets_epochs_producers_and_index() {
    let leader_bench = Bench::new();
    let mut leader = leader_bench.create();
    for sequence in 0..40 {
        let batch = producer_batch(1, 0, sequence, 1);
        let epoch = LeaderEpoch(sequence / 10);
        leader.append_as_leader(&[batch], epoch).unwrap();
    }
    leader.increment_log_start(25).unwrap();

    let bench = Bench::new();
    let mut follower = bench.create();
    for sequence in 0..7 {
        let batch = producer_batch(2, 0, sequence, 1);
        follower.append_as_leader(&[batch], LeaderEpoch(0)).unwrap();
    }
    follower.flush().unwrap();
    follower.truncate_fully_and_start_at(25).unwrap();
    assert_eq!(follower.latest_epoch(), LeaderEpoch::NONE);
    assert_eq!(follower.producer_count(), 0);
    assert_eq!(follower.recovery_point(), 25);
    let read = leader
        .reader()
        .read(25, 1 << 20, Offset::MAX, true)
        .unwrap();
    follower.append_as_follower(read.bytes).unwrap();
    while follower.log_end_offset() < 40 {
        let from = follower.log_end_offset();
        let read = leader.reader().read(from, 1 << 20, Offset::MAX, true);
        follower.append_as_follower(read.unwrap().bytes).unwrap();
    }
    let follower = bench.kill(follower);
    assert_eq!(
        (follower.log_start_offset(), follower.log_end_offset()),
        (25, 40)
    );
    assert_eq!(everything(&follower).0, everything(&leader).0);
    assert_eq!(follower.epoch_at(25), LeaderEpoch(2));
    assert_eq!(
        follower.end_offset_for_epoch(LeaderEpoch(2)),
        (LeaderEpoch(2), 30)
    );
    let last = follower.producers();
    assert_eq!((last.len(), last[0].last_sequence), (1, 39));
}

#[test]
fn elections_without_a_write_come_to_terms_in_a_few_rounds() {
    let mut cluster = Cluster::new();
    let mut chance = Chance(7);
    cluster.append(&mut chance);
    for replica in [1, 2] {
        cluster.reconcile(replica);
        cluster.copy(replica, 1 << 20);
    }
    for round in 0..12 {
        cluster.elect(round % REPLICAS);
    }
    cluster.assert_equal();
    cluster.append(&mut chance);
    cluster.assert_equal();
}

#[test]
fn a_log_that_starts_within_a_batch_is_copied_with_the_whole_batch() {
    let leader_bench = Bench::new();
    let mut leader = leader_bench.create();
    for sequence in [0, 10, 20] {
        let batch = producer_batch(1, 0, sequence, 10);
        leader.append_as_leader(&[batch], EPOCH).unwrap();
    }
    let before = leader.reader().read(0, 1, Offset::MAX, true).unwrap();
    leader.increment_log_start(15).unwrap();
    let read = |from| leader.reader().read(from, 1, Offset::MAX, true).unwrap();

    let bench = Bench::new();
    let mut follower = bench.create();
    follower.truncate_fully_and_start_at(15).unwrap();
    let error = follower.append_as_follower(before.bytes).unwrap_err();
    assert!(matches!(error, AppendError::UnexpectedOffset { .. }));
    follower.append_as_follower(read(15).bytes).unwrap();
    assert_eq!(
        (follower.log_start_offset(), follower.log_end_offset()),
        (15, 20)
    );
    let again = follower.append_as_follower(read(15).bytes).unwrap_err();
    assert!(matches!(again, AppendError::UnexpectedOffset { .. }));
    follower.append_as_follower(read(20).bytes).unwrap();
    assert_eq!(follower.epoch_at(15), EPOCH);
    let first = follower.reader().read(15, 1, Offset::MAX, true).unwrap();
    assert_eq!(first.bytes, read(15).bytes);
    let follower = bench.kill(follower);
    assert_eq!(follower.log_end_offset(), 30);
}

#[test]
fn a_follower_writes_the_same_however_the_bytes_are_cut() {
    let mut bytes = Vec::new();
    for base in 0..3 {
        let mut builder = builder(2, NOW_MS);
        builder.set_base_offset(2 * base).set_leader_epoch(EPOCH);
        bytes.extend(builder.build().unwrap().bytes);
    }
    let bytes = Bytes::from(bytes);
    for len in [1, 7, 16, 61, 100, bytes.len() - 1] {
        let bench = Bench::new();
        let mut log = bench.create();
        let pieces: Vec<_> = bytes.chunks(len).map(Bytes::copy_from_slice).collect();
        let mut damaged = pieces.clone();
        damaged.pop();
        log.append_pieces_as_follower(&damaged).unwrap_err();
        assert_eq!(log.log_end_offset(), 0);
        log.append_pieces_as_follower(&pieces).unwrap();
        assert_eq!(offsets(&log), [(0, 1), (2, 3), (4, 5)]);
        let read = log.reader().read(0, 1 << 20, Offset::MAX, true).unwrap();
        assert_eq!(read.bytes, bytes);
    }
}
