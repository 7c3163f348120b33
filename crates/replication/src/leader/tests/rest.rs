//! Looks that are left out change nothing.

use super::*;

const LOOK_INTERVAL: Duration = Duration::from_millis(500);

fn look(leader: &mut Leader, now: Duration) -> Option<Proposal> {
    let proposal = leader.propose(now, LIMITS, &|_, _| true);
    leader.rest(now);
    proposal
}

#[test]
fn a_leader_rests_once_everybody_has_everything() {
    let mut leader = leader(&[1, 2], 1, 0, 0);
    look(&mut leader, Duration::ZERO);
    assert!(!leader.rests(), "2 has not spoken");
    follow(&mut leader, 2, 1, 0);
    look(&mut leader, Duration::ZERO);
    assert!(leader.rests(), "3 is not in sync, and is not there");
    assert!(leader.wake(Duration::ZERO));
    leader.on_append(10);
    look(&mut leader, Duration::ZERO);
    assert!(!leader.rests(), "2 is behind");
    leader.on_ack(NodeId(2), SessionId(1), 10).expect("counts");
    look(&mut leader, Duration::ZERO);
    assert!(leader.rests() && leader.wake(Duration::ZERO));
    leader.on_disconnect(NodeId(2), SessionId(1));
    look(&mut leader, Duration::ZERO);
    assert!(!leader.rests(), "2 is not there");
}

#[test]
fn a_leader_does_not_rest_while_a_follower_waits_to_be_eligible() {
    let mut leader = leader(&[1], 1, 10, 10);
    follow(&mut leader, 2, 1, 10);
    assert_eq!(leader.propose(Duration::ZERO, LIMITS, &|_, _| false), None);
    assert!(!leader.rest(Duration::ZERO));
}

#[test]
fn a_leader_does_not_rest_while_a_proposal_is_in_flight() {
    let mut leader = leader(&[1], 1, 10, 10);
    follow(&mut leader, 2, 1, 10);
    look(&mut leader, Duration::ZERO).expect("2 may join");
    assert!(!leader.rests());
}

#[test]
fn a_follower_is_not_late_because_the_leader_has_rested() {
    let mut leader = leader(&[1, 2], 1, 0, 0);
    follow(&mut leader, 2, 1, 0);
    look(&mut leader, Duration::ZERO);
    assert!(leader.wake(Duration::from_secs(300)));
    leader.on_append(10);
    assert_eq!(look(&mut leader, Duration::from_secs(301)), None);
    assert_eq!(look(&mut leader, Duration::from_secs(310)), None);
    let late = look(&mut leader, Duration::from_millis(310_500));
    assert_eq!(late.map(|it| it.isr.len()), Some(1));
}

/// What happens between two looks, or how many of them pass before something does.
#[derive(Clone, Debug)]
enum Step {
    Append,
    Open(i32),
    /// So far behind the leader's end.
    Follow(i32, Offset),
    Ack(i32, Offset),
    Break(i32),
    CannotWrite(i32),
    Isr(Vec<i32>),
    MinIsr(usize),
    Refused,
    Eligible(bool),
    /// Brokers came or went: everything is looked at.
    Brokers,
    Looks(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let isr = proptest::sample::subsequence(vec![2, 3], 0..=2).prop_map(|mut isr| {
        isr.insert(0, 1);
        isr
    });
    let node = || 2i32..=3;
    let behind = || prop_oneof![4 => Just(0), 1 => 0i64..4];
    prop_oneof![
        3 => Just(Step::Append),
        1 => node().prop_map(Step::Open),
        4 => (node(), behind()).prop_map(|(node, behind)| Step::Follow(node, behind)),
        6 => (node(), behind()).prop_map(|(node, behind)| Step::Ack(node, behind)),
        1 => node().prop_map(Step::Break),
        1 => node().prop_map(Step::CannotWrite),
        2 => isr.prop_map(Step::Isr),
        1 => (1usize..=3).prop_map(Step::MinIsr),
        1 => Just(Step::Refused),
        4 => any::<bool>().prop_map(Step::Eligible),
        1 => Just(Step::Brokers),
        8 => prop_oneof![1u32..4, 1u32..40].prop_map(Step::Looks),
    ]
}

/// A leader, and how it is looked at.
struct Run {
    leader: Leader,
    is_eligible: bool,
    /// Looks at a leader that rests are left out.
    may_rest: bool,
    rested_count: u32,
    sessions: BTreeMap<i32, u64>,
}

impl Run {
    fn new(may_rest: bool) -> Self {
        Self {
            leader: leader(&[1, 2, 3], 1, 0, 0),
            is_eligible: true,
            may_rest,
            rested_count: 0,
            sessions: BTreeMap::new(),
        }
    }

    fn look(&mut self, now: Duration) -> Option<Proposal> {
        if self.leader.rests() {
            self.rested_count += 1;
            return None;
        }
        let is_eligible = self.is_eligible;
        let proposal = self.leader.propose(now, LIMITS, &|_, _| is_eligible);
        if self.may_rest {
            self.leader.rest(now);
        }
        proposal
    }

    fn session(&self, node: i32) -> SessionId {
        SessionId(self.sessions.get(&node).copied().unwrap_or(0))
    }

    fn tell(&mut self, step: &Step, number: u64, last_look: Duration) {
        let is_silent = matches!(step, Step::Eligible(_) | Step::Brokers | Step::Looks(_));
        if !is_silent {
            self.leader.wake(last_look);
        }
        let end = self.leader.log_end_offset();
        match step {
            Step::Append => {
                self.leader.on_append(end + 1);
            }
            Step::Open(node) => {
                self.sessions.insert(*node, number);
                self.leader
                    .on_open(NodeId(*node), session(number))
                    .expect("a replica");
            }
            Step::Follow(node, behind) => {
                self.sessions.insert(*node, number);
                follow(&mut self.leader, *node, number, (end - behind).max(0));
            }
            Step::Ack(node, behind) => {
                let session = self.session(*node);
                let _counts = self
                    .leader
                    .on_ack(NodeId(*node), session, (end - behind).max(0));
            }
            Step::Break(node) => self
                .leader
                .on_disconnect(NodeId(*node), self.session(*node)),
            Step::CannotWrite(node) => self
                .leader
                .on_write_failure(NodeId(*node), self.session(*node)),
            Step::Isr(isr) => {
                let epoch = self.leader.registration().partition_epoch.0 + 1;
                let min_isr = self.leader.registration().min_isr;
                self.leader
                    .on_registration(registration(epoch, isr, min_isr));
            }
            Step::MinIsr(min_isr) => {
                self.leader.on_min_isr(*min_isr);
            }
            Step::Refused => {
                if let Some(proposal) = self.leader.in_flight().cloned() {
                    self.leader.on_answer(&proposal, Answer::NotApplied);
                }
            }
            Step::Eligible(is_eligible) => self.is_eligible = *is_eligible,
            Step::Brokers | Step::Looks(_) => {}
        }
    }
}

fn run_both(steps: &[Step]) -> Result<u32, TestCaseError> {
    let (mut awake, mut resting) = (Run::new(false), Run::new(true));
    let (mut tick, mut last_look) = (Duration::ZERO, Duration::ZERO);
    for (number, step) in (1u64..).zip(steps) {
        awake.tell(step, number, last_look);
        resting.tell(step, number, last_look);
        let mut looks = Vec::new();
        match step {
            Step::Looks(count) => {
                for _ in 0..*count {
                    tick += LOOK_INTERVAL;
                    looks.push(tick);
                }
            }
            // Between two turns.
            Step::Brokers => looks.push(tick + LOOK_INTERVAL / 2),
            _ => {}
        }
        for now in looks {
            prop_assert_eq!(awake.look(now), resting.look(now), "at {:?}", now);
            last_look = now;
        }
        prop_assert_eq!(
            awake.leader.high_watermark(),
            resting.leader.high_watermark()
        );
        prop_assert_eq!(awake.leader.in_flight(), resting.leader.in_flight());
    }
    Ok(resting.rested_count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// One leader is looked at at every turn, the other one only while it does not rest.
    #[test]
    fn a_leader_that_rests_proposes_the_same_at_the_same_turns(steps in proptest::collection::vec(step(), 1..120)) {
        run_both(&steps)?;
    }
}
