//! `kcli dev`, `drill` and `audit` on clusters of three processes, which the tests start and wipe.
//!
//! They need the server's binary: that of `RAUDAL_BIN`, or the one beside kcli's own. Without it they
//! are listed as ignored, with the reason. One after the other: three nodes are enough for a machine.

mod cluster;
mod scenarios;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let binary = cluster::binary();
    let trials = scenarios::ALL.iter().map(|(name, scenario)| {
        let given = binary.clone();
        let trial = Trial::test(*name, move || {
            scenario(&given.ok_or("no binary")?);
            Ok(())
        });
        match binary {
            Some(_) => trial,
            None => trial
                .with_kind("needs cargo build -p raudal")
                .with_ignored_flag(true),
        }
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
