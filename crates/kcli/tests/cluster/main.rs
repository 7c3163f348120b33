//! What kcli does to a real cluster: the same tests against Apache Kafka and against Raudal.
//!
//! Apache Kafka is started if `KAFKA_LIBS` names the folder of its jars, Raudal if `RAUDAL_BIN` names
//! its binary or the binary lies beside kcli's own. Otherwise their tests are listed as ignored, with
//! the reason. Each cluster is one node on free ports of the loopback interface, with a temporary
//! directory; it is stopped when the tests are over.

mod kcli;
mod scenarios;
mod target;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

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
            let trial = Trial::test(format!("{}::{name}", target.kind().name()), run);
            trials.push(match target.missing() {
                Some(reason) => trial.with_kind(reason).with_ignored_flag(true),
                None => trial,
            });
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(targets);
    conclusion.exit_code()
}
