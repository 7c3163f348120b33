//! Clusters of real processes, ill-treated: the same scenarios against Raudal and Apache Kafka.
//!
//! Raudal is started from the binary that `RAUDAL_BIN` names or the one beside this program, Apache
//! Kafka from the jars in the folder `KAFKA_LIBS`. What is missing is listed as ignored, with the
//! reason; so is what takes long, unless `CHAOS_ALL` is set. One scenario runs at a time: each has
//! three processes or more.

use std::process::ExitCode;

use anyhow::Result;
use cluster_tests::scenario::{Scenario, all};
use cluster_tests::target::{Kind, Target};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(1);
    let mut trials = Vec::new();
    for kind in [Kind::Raudal, Kind::ApacheKafka] {
        let target = Target::find(kind);
        for scenario in all() {
            trials.push(trial(kind, target.clone(), scenario));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(kind: Kind, target: Result<Target, &'static str>, scenario: Scenario) -> Trial {
    let reason = reason_to_leave_out(kind, &target, &scenario);
    let run = move || match target {
        Ok(target) => play(&target, scenario).map_err(|error| Failed::from(format!("{error:#}"))),
        Err(missing) => Err(Failed::from(missing)),
    };
    let trial = Trial::test(format!("{}::{}", kind.name(), scenario.name), run);
    match reason {
        Some(reason) => trial.with_kind(reason).with_ignored_flag(true),
        None => trial,
    }
}

fn reason_to_leave_out(
    kind: Kind,
    target: &Result<Target, &'static str>,
    scenario: &Scenario,
) -> Option<&'static str> {
    let is_quick = match kind {
        Kind::Raudal => scenario.is_quick,
        Kind::ApacheKafka => scenario.is_control,
    };
    if let Err(missing) = target {
        return Some(missing);
    }
    if scenario.is_beyond_kafka && kind == Kind::ApacheKafka {
        return Some("asks for more than Apache Kafka promises");
    }
    if scenario.needs_root && !cluster_tests::disk::may_mount() {
        return Some("needs root to mount a small disk");
    }
    if scenario.needs_java && cluster_tests::target::java_libs().is_none() {
        return Some("needs KAFKA_LIBS");
    }
    if scenario.needs_librdkafka && cluster_tests::load::group::librdkafka().is_none() {
        return Some("needs what tests/interop/run installs");
    }
    let wants_all = std::env::var_os("CHAOS_ALL").is_some();
    (!is_quick && !wants_all).then_some("takes long: CHAOS_ALL=1")
}

#[expect(clippy::print_stdout, reason = "numbers for whoever looks")]
fn play(target: &Target, scenario: Scenario) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let verdict = runtime.block_on(scenario.play(target))?;
    println!("    {}: {verdict}", scenario.name);
    Ok(())
}
