//! From a death to the moment when every partition is consumed again.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::{sleep, timeout};

use crate::admin::coordinator;
use crate::history::{Event, Phase, Tp, Value, What};
use crate::layout::Layout;
use crate::load::LoadSpec;
use crate::load::group::{GroupSpec, Program, Protocol, SESSION};
use crate::run::Run;
use crate::target::Target;

const PARTITIONS: i32 = 12;
const MEMBERS: usize = 3;
const WITHIN: Duration = Duration::from_secs(120);
/// Between two looks at what was consumed.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Between two deaths.
const CALM: Duration = Duration::from_secs(3);

/// Times of one group.
#[derive(Debug)]
pub struct Times {
    group: String,
    member_death: Vec<Duration>,
    coordinator_death: Vec<Duration>,
}

/// Kills a member and the coordinator of a group so many times each.
///
/// # Errors
/// Something does not come back.
pub async fn measure(
    target: &Target,
    program: Program,
    protocol: Protocol,
    rounds: u32,
) -> Result<Times> {
    let session = SESSION.as_millis().to_string();
    let layout = Layout::default()
        .with("group.consumer.session.timeout.ms", &session)
        .with("group.consumer.min.session.timeout.ms", &session)
        .with("group.consumer.heartbeat.interval.ms", "1000")
        .with("group.consumer.min.heartbeat.interval.ms", "1000");
    let mut run = Run::start(target, layout).await?;
    let times = measure_in(&mut run, program, protocol, rounds).await?;
    run.cluster.kill_all().await?;
    Ok(times)
}

async fn measure_in(
    run: &mut Run,
    program: Program,
    protocol: Protocol,
    rounds: u32,
) -> Result<Times> {
    let load = LoadSpec {
        producer_count: 1,
        rate: 600,
        reader_count: 0,
        ..LoadSpec::new("t", PARTITIONS)
    };
    run.add_load(load.clone()).await?;
    let name = format!("{protocol:?}").to_lowercase();
    run.add_group(GroupSpec {
        name: name.clone(),
        protocol,
    })?;
    for _ in 0..MEMBERS {
        run.groups()[0].join(program).await?;
    }
    let mut times = Times {
        group: name.clone(),
        member_death: Vec::new(),
        coordinator_death: Vec::new(),
    };
    for _ in 0..rounds {
        settle(run).await?;
        let at = run.recorder.now_ns();
        let group = &mut run.groups()[0];
        let oldest = group.member_count() - MEMBERS;
        group.kill(oldest).await?;
        group.until_shared(MEMBERS - 1, WITHIN).await?;
        group.until_committed(WITHIN).await?;
        times
            .member_death
            .push(until_consumed(run, &load, at).await?);
        run.groups()[0].join(program).await?;
    }
    for _ in 0..rounds {
        settle(run).await?;
        let victim = coordinator(&run.admin().await?, &name).await?;
        let at = run.recorder.now_ns();
        run.cluster.kill(victim).await?;
        run.groups()[0].until_committed(WITHIN).await?;
        times
            .coordinator_death
            .push(until_consumed(run, &load, at).await?);
        run.cluster.start_node(victim)?;
        run.until_in_sync().await?;
    }
    Ok(times)
}

async fn settle(run: &mut Run) -> Result<()> {
    let group = &mut run.groups()[0];
    group.until_shared(MEMBERS, WITHIN).await?;
    group.until_committed(WITHIN).await?;
    sleep(CALM).await;
    Ok(())
}

/// Waits until every partition is consumed again, and says how long after `at_ns` that was.
async fn until_consumed(run: &Run, load: &LoadSpec, at_ns: u64) -> Result<Duration> {
    let again = async {
        loop {
            if let Some(time) = consumed_again(run, load, at_ns) {
                return time;
            }
            sleep(LOOK_AGAIN).await;
        }
    };
    let again = timeout(WITHIN, again).await;
    again.context("partitions are not consumed again in time")
}

/// Until a member was given, in each partition, a record that was sent after `at_ns`. `None` if that is
/// still to come.
fn consumed_again(run: &Run, load: &LoadSpec, at_ns: u64) -> Option<Duration> {
    let history = run.recorder.events();
    let later = history.iter().filter(|event| event.t_ns >= at_ns);
    let later: Vec<&Event> = later.collect();
    let sent: HashMap<Value, u64> = later
        .iter()
        .filter_map(|event| match &event.what {
            What::Send {
                phase: Phase::Invoke,
                value,
                ..
            } => Some((*value, event.t_ns)),
            _ => None,
        })
        .collect();
    let mut first: HashMap<&Tp, u64> = HashMap::new();
    for event in later {
        if let What::Poll { tp, records } = &event.what
            && records.iter().any(|seen| sent.contains_key(&seen.value))
        {
            first.entry(tp).or_insert(event.t_ns);
        }
    }
    let tps = load.tps();
    let last: Option<Vec<u64>> = tps.iter().map(|tp| first.get(tp).copied()).collect();
    let last = last?.into_iter().max()?;
    Some(Duration::from_nanos(last.saturating_sub(at_ns)))
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |times: &[Duration]| {
            let mut ms: Vec<u128> = times.iter().map(Duration::as_millis).collect();
            ms.sort_unstable();
            format!("median {} ms of {ms:?}", ms.get(ms.len() / 2).unwrap_or(&0))
        };
        write!(
            f,
            "{}: a member dies: {}; its coordinator dies: {}",
            self.group,
            line(&self.member_death),
            line(&self.coordinator_death)
        )
    }
}
