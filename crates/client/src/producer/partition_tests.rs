//! Transcripts of one partition's queue.

use protocol::records::Compression;
use types::{ProducerEpoch, ProducerId};

use super::*;

const BACKOFF: Duration = Duration::from_millis(100);
const NODE: i32 = 1;

struct Play {
    queue: PartitionQueue,
    config: ProducerConfig,
    now: Instant,
    made: u64,
}

fn identity(id: i64) -> Identity {
    Identity {
        producer_id: ProducerId(id),
        epoch: ProducerEpoch(0),
    }
}

fn refused(code: ErrorCode) -> Error {
    Error::refused(code.to_wire(), None, "produce".into())
}

fn written() -> Result<Outcome, Error> {
    Ok(Outcome::Written(Written {
        base_offset: 0,
        append_time_ms: -1,
        at: Instant::now(),
    }))
}

impl Play {
    /// A queue with so many batches of two records each.
    fn with(batches: u64) -> Self {
        let mut play = Self {
            queue: PartitionQueue::default(),
            config: ProducerConfig::default(),
            now: Instant::now(),
            made: 0,
        };
        (0..batches).for_each(|_| play.add());
        play
    }

    fn add(&mut self) {
        let deadline = self.now + Duration::from_secs(120);
        let mut batch = Batch::new(self.made, Compression::None, self.now, deadline);
        self.made += 1;
        for _ in 0..2 {
            batch.append(0, None, Some(b"v"), &[]).expect("open");
        }
        batch.charged_bytes = 10;
        self.queue.push(batch);
    }

    fn take(&mut self, current: i64) -> Option<Batch> {
        let mut batch = self
            .is_ready(true)
            .then(|| self.queue.take(Some(identity(current)), NODE))??;
        batch.seal().expect("seals");
        Some(batch)
    }

    fn is_ready(&self, is_flushing: bool) -> bool {
        let at = self.queue.ready_at(&self.config, is_flushing);
        at.is_some_and(|at| at <= self.now)
    }

    fn answer(&mut self, batch: Batch, result: Result<Outcome, Error>) -> Settled {
        self.queue.on_result(batch, result, self.now, BACKOFF)
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }
}

fn sequence(batch: &Batch) -> (i64, i32) {
    let stamp = batch.stamp().expect("stamped");
    (stamp.identity.producer_id.0, stamp.base_sequence)
}

#[test]
fn at_most_five_batches_are_in_flight_and_sequences_have_no_gap() {
    let mut play = Play::with(7);
    let sent: Vec<_> = (0..5).filter_map(|_| play.take(1)).collect();
    let sequences: Vec<_> = sent.iter().map(|batch| sequence(batch).1).collect();
    assert_eq!(sequences, [0, 2, 4, 6, 8]);
    assert!(play.take(1).is_none());
    let settled = play.answer(sent.into_iter().next().expect("five"), written());
    assert_eq!((settled.ended_count, settled.freed_bytes), (1, 10));
    assert!(play.take(1).is_some());
}

#[test]
fn a_lone_batch_waits_for_company_until_linger_is_over() {
    let mut play = Play::with(1);
    assert!(!play.is_ready(false));
    assert!(play.is_ready(true));
    play.pass(play.config.linger);
    assert!(play.is_ready(false));
}

#[test]
fn after_a_retriable_failure_batches_go_again_in_order_under_the_same_numbers() {
    let mut play = Play::with(3);
    let (first, second) = (play.take(1).expect("1"), play.take(1).expect("2"));
    play.answer(first, Err(refused(ErrorCode::NotLeaderOrFollower)));
    assert!(play.take(1).is_none(), "the second is still in flight");
    play.answer(second, Err(refused(ErrorCode::OutOfOrderSequenceNumber)));
    assert!(play.take(1).is_none(), "the pause is not over");
    play.pass(BACKOFF);
    let again: Vec<_> = (0..3).filter_map(|_| play.take(1)).collect();
    let sequences: Vec<_> = again.iter().map(sequence).collect();
    assert_eq!(sequences, [(1, 0), (1, 2), (1, 4)]);
}

#[test]
fn numbers_of_a_refused_batch_are_used_again_when_nothing_went_after_it() {
    let mut play = Play::with(1);
    let batch = play.take(1).expect("1");
    let settled = play.answer(batch, Err(refused(ErrorCode::InvalidRecord)));
    assert_eq!(settled.ended_count, 1);
    play.add();
    assert_eq!(sequence(&play.take(1).expect("2")), (1, 0));
}

#[test]
fn numbers_of_a_batch_that_may_be_in_the_log_are_never_used_for_other_records() {
    let unsure = [
        ErrorCode::NotLeaderOrFollower,
        ErrorCode::RequestTimedOut,
        ErrorCode::KafkaStorageError,
        ErrorCode::NotEnoughReplicasAfterAppend,
    ];
    for last in unsure.into_iter().chain([ErrorCode::InvalidRecord]) {
        let mut play = Play::with(1);
        let batch = play.take(1).expect("1");
        play.answer(batch, Err(refused(ErrorCode::RequestTimedOut)));
        play.pass(BACKOFF);
        let again = play.take(1).expect("1");
        play.pass(Duration::from_secs(121));
        let settled = play.answer(again, Err(refused(last)));
        assert_eq!(settled.ended_count, 1, "{last:?}");
        play.add();
        assert!(play.queue.needs_other_than(Some(identity(1))), "{last:?}");
        assert_eq!(sequence(&play.take(2).expect("2")), (2, 0), "{last:?}");
    }
}

#[test]
fn nothing_goes_to_a_new_leader_while_the_old_one_owes_an_answer() {
    let mut play = Play::with(3);
    let (first, second) = (play.take(1).expect("1"), play.take(1).expect("2"));
    assert!(play.queue.may_go_to(NODE) && !play.queue.may_go_to(2));
    play.answer(second, Err(refused(ErrorCode::NotLeaderOrFollower)));
    play.queue.on_new_leader();
    assert!(!play.queue.may_go_to(2), "the first is still there");
    assert!(play.take(1).is_none());
    play.answer(first, Err(refused(ErrorCode::NotLeaderOrFollower)));
    assert!(play.queue.may_go_to(2));
    play.queue.on_new_leader();
    assert_eq!(sequence(&play.take(1).expect("1")), (1, 0));
}

#[test]
fn a_batch_that_may_be_in_the_log_is_never_sent_under_another_producer_id() {
    for lost in [
        ErrorCode::OutOfOrderSequenceNumber,
        ErrorCode::UnknownProducerId,
        ErrorCode::InvalidProducerEpoch,
    ] {
        let mut play = Play::with(3);
        let sent = [play.take(1).expect("1"), play.take(1).expect("2")];
        for batch in sent {
            play.answer(batch, Err(refused(ErrorCode::NotLeaderOrFollower)));
        }
        play.pass(BACKOFF);
        let first = play.take(1).expect("1");
        let settled = play.answer(first, Err(refused(lost)));
        assert_eq!(
            settled.ended_count, 1,
            "{lost:?}: nobody knows about the first"
        );
        // The second may be there, too: the broker shall say so.
        let second = play.take(1).expect("2");
        assert_eq!(sequence(&second), (1, 2), "{lost:?}");
        assert!(
            play.take(2).is_none(),
            "{lost:?}: not beside another identity"
        );
        play.answer(second, Err(refused(lost)));
        // The third was never sent.
        assert_eq!(sequence(&play.take(2).expect("3")), (2, 0), "{lost:?}");
    }
}

#[test]
fn another_leader_ends_the_pause() {
    let mut play = Play::with(1);
    let batch = play.take(1).expect("1");
    play.answer(batch, Err(refused(ErrorCode::NotLeaderOrFollower)));
    assert!(play.take(1).is_none(), "the pause is not over");
    play.queue.on_new_leader();
    assert!(play.take(1).is_some());
}

#[test]
fn a_gap_in_the_sequence_is_left_under_a_new_producer_id() {
    let mut play = Play::with(2);
    let (first, second) = (play.take(1).expect("1"), play.take(1).expect("2"));
    play.answer(first, Err(refused(ErrorCode::InvalidRecord)));
    play.answer(second, Err(refused(ErrorCode::OutOfOrderSequenceNumber)));
    play.pass(BACKOFF);
    assert!(play.queue.needs_other_than(Some(identity(1))));
    assert!(!play.queue.needs_other_than(Some(identity(2))));
    assert_eq!(sequence(&play.take(2).expect("2")), (2, 0));
}

#[test]
fn a_batch_the_broker_has_already_counts_as_written() {
    let mut play = Play::with(1);
    let batch = play.take(1).expect("1");
    let settled = play.answer(batch, Err(refused(ErrorCode::DuplicateSequenceNumber)));
    assert_eq!(settled.ended_count, 1);
}

#[test]
fn a_batch_too_large_goes_on_as_two() {
    let mut play = Play::with(1);
    let batch = play.take(1).expect("1");
    let settled = play.answer(batch, Err(refused(ErrorCode::MessageTooLarge)));
    assert_eq!((settled.ended_count, settled.added_count), (0, 1));
    let (first, second) = (play.take(1).expect("1a"), play.take(1).expect("1b"));
    assert_eq!((sequence(&first), sequence(&second)), ((1, 0), (1, 1)));
    let settled = play.answer(first, Err(refused(ErrorCode::MessageTooLarge)));
    assert_eq!(settled.ended_count, 1, "one record cannot be divided");
}

#[test]
fn a_batch_that_may_be_in_the_log_is_never_sent_under_other_numbers_before_it_is_given_up() {
    let mut play = Play::with(2);
    let batch = play.take(1).expect("1");
    let gone = Error::Disconnected {
        address: crate::Address::new("a", 1),
        reason: String::new(),
    };
    play.answer(batch, Err(gone.clone()));
    play.pass(BACKOFF);
    let again = play.take(1).expect("1");
    assert_eq!(sequence(&again), (1, 0));
    play.answer(again, Err(gone));
    play.pass(Duration::from_secs(121));
    let settled = play
        .queue
        .expire(play.now, "produce", Duration::from_secs(120));
    assert_eq!(settled.ended_count, 2);
    assert!(play.queue.needs_other_than(Some(identity(1))));
}
