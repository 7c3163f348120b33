//! The exercises of the course are done as their pages in `docs/` tell, command by command, and must
//! print what the pages show: with kcli and with Kafka's console tools, on Raudal and on Apache Kafka.
//!
//! Raudal is the binary of `RAUDAL_BIN`, or the one beside kcli; Kafka's tools and Kafka itself come
//! from the folder of jars that `KAFKA_LIBS` names. What is not there is listed as ignored, with the
//! reason. The Spanish pages must have the commands of the English ones, which are run.

mod lesson;
mod page;
mod programs;
mod screen;
mod terminal;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use parking_lot::Mutex;

use lesson::Lesson;
use page::Page;
use programs::{Programs, Server};

/// Each page in English and in Spanish.
const PAGES: &[(&str, &str, &str)] = &[
    (
        "groups",
        include_str!("../../../../docs/groups.md"),
        include_str!("../../../../docs/es/grupos.md"),
    ),
    (
        "replicas",
        include_str!("../../../../docs/replicas.md"),
        include_str!("../../../../docs/es/replicas.md"),
    ),
];

/// Held by the exercise that runs on Apache Kafka.
static KAFKA: Mutex<()> = Mutex::new(());

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Much of an exercise is waiting.
    arguments.test_threads = Some(2);
    let programs = Programs::find();
    let mut trials = vec![
        without_server(
            "a_page_is_read_block_by_block",
            page::a_page_is_read_block_by_block,
        ),
        without_server(
            "what_is_printed_must_be_what_is_shown",
            screen::what_is_printed_must_be_what_is_shown,
        ),
    ];
    for (name, english, spanish) in PAGES {
        let page = Page::parse(english);
        let same = page == Page::parse(spanish);
        let what = format!("{name}::both_languages_have_the_same_commands");
        trials.push(Trial::test(what, move || match same {
            true => Ok(()),
            false => Err("the blocks of the two pages differ".into()),
        }));
        for way in page.ways() {
            for server in [Server::ApacheKafka, Server::Raudal] {
                trials.push(trial(&programs, server, way, name, &page));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn without_server(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

fn trial(programs: &Programs, server: Server, way: &str, name: &str, page: &Page) -> Trial {
    let blocks = page.blocks(way);
    let missing = programs.missing(server, way);
    let programs = programs.clone();
    let trial = Trial::test(
        format!("{}::{name}::with_{way}", server.name()),
        move || {
            // Three nodes of Kafka's are a load.
            let _alone = (server == Server::ApacheKafka).then(|| KAFKA.lock());
            Lesson::new(&programs, server).run(&blocks);
            Ok(())
        },
    );
    match missing {
        Some(reason) => trial.with_kind(reason).with_ignored_flag(true),
        None => trial,
    }
}
