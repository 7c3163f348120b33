//! Random runs by seed, and what they add up to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep, timeout};

use crate::admin::{active_controller, leader};
use crate::fault::{Dice, Marks, Plan};
use crate::histck::Check;
use crate::history::Tp;
use crate::load::LoadSpec;
use crate::load::group::{GroupSpec, Program, Protocol};
use crate::run::{Run, Verdict};
use crate::scenario::keeps_all;
use crate::target::Target;

/// How long the marks are looked for: in a broken cluster nobody answers.
const MARKS_WITHIN: Duration = Duration::from_millis(700);
/// Of each of the two groups that read along.
const MEMBERS: usize = 2;
/// In every other pause the cluster is given the time to write again.
const RESUMES_WITHIN: Duration = Duration::from_secs(40);
/// No run takes longer, faults and healing together.
const RUN_AT_MOST: Duration = Duration::from_secs(400);

/// One run that has been judged, or could not be.
#[derive(Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// What was in it.
    pub plan: Plan,
    /// How it ended; an error is a cluster that did not come back.
    pub verdict: Result<Verdict, String>,
}

/// Plays one run: faults for so long, then everything heals and is judged.
///
/// Folders of runs that are not clean are kept, and named in the error or printed with the outcome.
pub async fn play(target: &Target, seed: u64, length: Duration) -> Outcome {
    let mut dice = Dice::new(seed);
    let plan = dice.plan();
    let mut run = None;
    let played = timeout(
        RUN_AT_MOST,
        ill_treat(&mut run, target, &mut dice, &plan, length),
    )
    .await;
    let verdict = match played {
        Ok(Ok(verdict)) => Ok(verdict),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(_elapsed) => Err(format!("not over after {RUN_AT_MOST:?}")),
    };
    let is_clean = verdict
        .as_ref()
        .is_ok_and(|verdict| verdict.findings.is_empty());
    let kept = match (&mut run, is_clean && !keeps_all()) {
        (Some(run), false) => format!("\n  kept in {}", run.keep().display()),
        _ => String::new(),
    };
    let verdict = match verdict {
        Err(error) => Err(format!("{error}{kept}")),
        ok => ok,
    };
    Outcome {
        seed,
        plan,
        verdict,
    }
}

async fn ill_treat(
    run: &mut Option<Run>,
    target: &Target,
    dice: &mut Dice,
    plan: &Plan,
    length: Duration,
) -> Result<Verdict> {
    let run = run.insert(Run::start(target, plan.layout.clone()).await?);
    run.add_load(LoadSpec {
        value_bytes: plan.value_bytes,
        reader_count: 3,
        has_racks: plan.layout.has_racks,
        ..LoadSpec::new("t", plan.partition_count)
    })
    .await?;
    for protocol in [Protocol::Cooperative, Protocol::Consumer] {
        let name = format!("{protocol:?}").to_lowercase();
        run.add_group(GroupSpec { name, protocol })?;
    }
    for group in run.groups() {
        for _ in 0..MEMBERS {
            group.join(Program::Own).await?;
        }
    }
    let until = Instant::now() + length;
    while Instant::now() < until {
        let marks = timeout(MARKS_WITHIN, marks(run)).await.unwrap_or_default();
        let (kind, fault) = dice.fault(plan, marks);
        run.breaks(kind.name());
        fault.apply(run).await?;
        run.heals(kind.name());
        sleep(dice.pause()).await;
        if dice.chance(0.5) {
            run.until_acked(RESUMES_WITHIN).await?;
        }
    }
    run.cluster.proxy().rules().clear_all();
    run.finish().await
}

async fn marks(run: &Run) -> Marks {
    let Ok(admin) = run.admin().await else {
        return Marks::default();
    };
    Marks {
        leader: leader(&admin, "t", 0).await.ok(),
        controller: active_controller(&admin).await.ok(),
    }
}

/// What all runs add up to.
#[derive(Debug, Default)]
pub struct Sum {
    runs: usize,
    stuck: usize,
    faults: BTreeMap<Tp, usize>,
    acked: usize,
    unknown: usize,
    lost: usize,
    duplicates: usize,
    out_of_order: usize,
    other: usize,
    gap_ns: u64,
}

impl Sum {
    /// Adds a run.
    pub fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        let Ok(verdict) = &outcome.verdict else {
            self.stuck += 1;
            return;
        };
        for (name, count) in &verdict.figures.faults {
            *self.faults.entry(Tp::clone(name)).or_default() += count;
        }
        self.acked += verdict.figures.acked;
        self.unknown += verdict.figures.unknown;
        self.gap_ns = self.gap_ns.max(verdict.figures.gap_ns);
        let (lost, duplicates) = (lost(verdict), verdict.count(&[Check::C2]));
        let out_of_order = verdict.count(&OUT_OF_ORDER);
        self.lost += lost;
        self.duplicates += duplicates;
        self.out_of_order += out_of_order;
        self.other += verdict.findings.len() - lost - duplicates - out_of_order;
    }

    /// Whether something acknowledged is gone.
    #[must_use]
    pub fn is_lossy(&self) -> bool {
        self.lost > 0
    }

    /// Whether nothing at all is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lost + self.duplicates + self.out_of_order + self.other + self.stuck == 0
    }
}

const LOST: [Check; 3] = [Check::C3, Check::C4, Check::C14];
const OUT_OF_ORDER: [Check; 3] = [Check::C7, Check::C10, Check::C15];

fn lost(verdict: &Verdict) -> usize {
    verdict.count(&LOST)
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<&str> = self.plan.kinds.iter().map(|kind| kind.name()).collect();
        let controllers = match self.plan.layout.controller_count {
            0 => "combined".to_owned(),
            count => format!("{count} controllers"),
        };
        write!(
            f,
            "SEED={} {} [{controllers}, {} partitions{}]: ",
            self.seed,
            kinds.join("+"),
            self.plan.partition_count,
            if self.plan.layout.has_racks {
                ", racks"
            } else {
                ""
            }
        )?;
        match &self.verdict {
            Ok(verdict) => {
                let faults: usize = verdict.figures.faults.values().sum();
                write!(f, "{faults} faults, {verdict}")
            }
            Err(error) => write!(f, "STUCK: {error}"),
        }
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: usize = self.faults.values().sum();
        let kinds: Vec<String> = self
            .faults
            .iter()
            .map(|(kind, n)| format!("{kind} {n}"))
            .collect();
        writeln!(
            f,
            "runs          {} ({} did not come back)",
            self.runs, self.stuck
        )?;
        writeln!(f, "faults        {faults}: {}", kinds.join(", "))?;
        writeln!(
            f,
            "acknowledged  {} ({} sends without an answer)",
            self.acked, self.unknown
        )?;
        writeln!(f, "lost          {}", self.lost)?;
        writeln!(f, "duplicates    {}", self.duplicates)?;
        writeln!(f, "out of order  {}", self.out_of_order)?;
        writeln!(f, "other         {}", self.other)?;
        writeln!(f, "longest gap   {} ms", self.gap_ns / 1_000_000)?;
        if self.is_clean() && self.runs > 0 {
            let hundredths = 30_000 / self.runs;
            let (whole, rest) = (hundredths / 100, hundredths % 100);
            write!(
                f,
                "0 of {} runs: at most {whole}.{rest:02} % of such runs fail (3/N, 95 %)",
                self.runs
            )?;
        }
        Ok(())
    }
}
