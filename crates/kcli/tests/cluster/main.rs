//! What kcli does to a real cluster: the same tests against Apache Kafka and against Raudal.
//!
//! Apache Kafka is started if `KAFKA_LIBS` names the folder of its jars, Raudal if `RAUDAL_BIN` names
//! its binary or the binary lies beside kcli's own. Otherwise their tests are listed as ignored, with
//! the reason. Clusters are one node or three on free ports of the loopback interface, with temporary
//! directories; they are stopped when the tests are over.

mod kcli;
mod scenarios;
mod target;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use target::{Kind, Target};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let targets = [Kind::ApacheKafka, Kind::Raudal].map(|kind| Arc::new(Target::new(kind)));
    let mut trials = Vec::new();
    for target in &targets {
        for (name, scenario) in scenarios::ALL {
            let shared = Arc::clone(target);
            let run = move || {
                let cluster = shared.cluster()?;
                scenario(cluster);
                Ok(())
            };
            trials.push(trial(target, name, run));
        }
        for (name, scenario) in scenarios::WITH_OWN_CLUSTER {
            let shared = Arc::clone(target);
            let run = move || {
                scenario(shared.own_cluster()?);
                Ok(())
            };
            trials.push(trial(target, name, run));
        }
        for (name, scenario) in scenarios::WITH_THREE_BROKERS {
            let shared = Arc::clone(target);
            let run = move || {
                shared.with_three(*scenario)?;
                Ok(())
            };
            trials.push(trial(target, name, run));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(targets);
    conclusion.exit_code()
}

fn trial(
    target: &Target,
    name: &str,
    run: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let trial = Trial::test(format!("{}::{name}", target.kind().name()), run);
    match target.missing() {
        Some(reason) => trial.with_kind(reason).with_ignored_flag(true),
        None => trial,
    }
}
