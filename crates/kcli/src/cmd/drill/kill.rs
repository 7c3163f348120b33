//! `kcli drill kill`.

use std::time::Duration;

use clap::Args;
use client::Admin;

use super::analysis::Strike;
use super::args::{LoadArgs, duration};
use super::ending::Ending;
use super::event::{Event, What};
use super::method::{MethodArgs, Mode, Striker};
use super::outcome::{Outcome, shown};
use super::plan::{self, Plan};
use super::preflight::{Preflight, preflight};
use super::report;
use super::scene::Scene;
use super::session::Session;
use super::victim::Target;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::note;

/// How long replicas may take to be in sync again after a node has been brought back.
const HEAL_PATIENCE: Duration = Duration::from_secs(120);

/// Strike a node down while records are written, and count what is lost.
#[derive(Debug, Args)]
pub(crate) struct Kill {
    #[command(flatten)]
    load: LoadArgs,
    #[command(flatten)]
    method: MethodArgs,
    /// Whom: leader, controller, both, follower, broker:N or random
    #[arg(long, value_name = "WHOM", default_value = "leader", value_parser = Target::parse)]
    target: Target,
    /// How
    #[arg(long, value_enum, value_name = "HOW", default_value = "kill9")]
    mode: Mode,
    /// How long records are written in all
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    duration: Duration,
    /// How long before the blow [default: 5s, at most a quarter of --duration]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    before: Option<Duration>,
    /// Bring the node back half-way through the rest, and wait until its replicas are in sync
    #[arg(long)]
    restore: bool,
}

/// Breaks it, and tells what came of it.
pub(crate) async fn run(kill: Kill, context: &Context) -> Result {
    kill.load.check()?;
    let admin = context.admin().await?;
    let scene = Scene::look(&admin, &kill.load.topic, context).await?;
    refuse_compacted(&scene)?;
    let victims = kill.target.choose(&scene)?;
    let striker = Striker::new(kill.method.clone(), &scene)?;
    if kill.restore && !striker.can_restore(kill.mode) {
        return Err(
            Failure::usage("--restore: a killed process does not come back by itself")
                .hint("say how with --restore-command"),
        );
    }
    let expected = preflight(&scene, &victims, kill.load.acks);
    let plan = kill.plan(&scene, &victims, &striker);
    if !plan::confirm(&plan, &expected, context)? {
        return Ok(());
    }
    let outcome = kill
        .carry_out(&admin, &scene, &victims, striker, (plan, expected), context)
        .await?;
    report::finish(&outcome, &kill.load.reports, context)
}

pub(super) fn refuse_compacted(scene: &Scene) -> Result {
    if !scene.is_compacted {
        return Ok(());
    }
    let message = format!(
        "{} is compacted: records vanish there by design",
        scene.topic
    );
    Err(Failure::usage(message).hint("use a topic with cleanup.policy=delete"))
}

impl Kill {
    fn before(&self) -> Duration {
        self.before
            .unwrap_or(Duration::from_secs(5).min(self.duration / 4))
    }

    /// From the blow to the restoring.
    fn down_time(&self) -> Duration {
        self.duration.saturating_sub(self.before()) / 2
    }

    fn plan(&self, scene: &Scene, victims: &[i32], striker: &Striker) -> Plan {
        let mut plan: Plan = vec![("load", plan::load_line(&self.load, scene))];
        for id in victims {
            let how = format!(
                "node {id} is {} after {}: {}",
                self.mode.verb(),
                shown(self.before()),
                striker.plan(*id, self.mode)
            );
            plan.push(("strike", how));
        }
        let restore = match self.restore {
            true => format!("after another {}", shown(self.down_time())),
            false => "no: the node is left as it is".to_owned(),
        };
        plan.push(("restore", restore));
        plan.push((
            "proof",
            "every acknowledged record is read back and counted".to_owned(),
        ));
        plan
    }

    async fn carry_out(
        &self,
        admin: &Admin,
        scene: &Scene,
        victims: &[i32],
        mut striker: Striker,
        (plan, preflight): (Plan, Preflight),
        context: &Context,
    ) -> Result<Outcome> {
        let began = crate::when::display(context.now_ms());
        let mut session = Session::start(admin, scene, &self.load, victims, context).await?;
        let interrupt = context.interrupt.clone();
        let mut own = Vec::new();
        let mut strikes: Vec<Strike> = Vec::new();
        let mut is_going = session.go_on(self.before(), &interrupt).await;
        let leaders = session.leaders();
        for id in victims.iter().filter(|_| is_going) {
            let earliest = session.zero.elapsed();
            striker.strike(*id, self.mode, &interrupt).await?;
            let at = session.zero.elapsed();
            tell(
                &mut own,
                at,
                What::Struck {
                    node: *id,
                    how: self.mode.verb(),
                },
                context,
            );
            strikes.push(Strike {
                node: *id,
                how: self.mode.verb(),
                // When the hand is slow, its effects tell the moment; see below.
                at: if striker.is_slow() { earliest } else { at },
                restored_at: None,
            });
        }
        if is_going {
            is_going = session.go_on(self.down_time(), &interrupt).await;
        }
        // What hangs or is down is brought back also when Ctrl-C came in between.
        if self.restore {
            for strike in &mut strikes {
                striker.restore(strike.node, self.mode, &interrupt).await?;
                let at = session.zero.elapsed();
                tell(&mut own, at, What::Restored { node: strike.node }, context);
                strike.restored_at = Some(at);
            }
        }
        if is_going {
            is_going = session.go_on(self.down_time(), &interrupt).await;
        }
        session.stop_writing();
        if self.restore && is_going && !strikes.is_empty() {
            context.remark("waiting until all replicas are in sync");
            if !session
                .wait_until(HEAL_PATIENCE, super::watch::Picture::is_whole)
                .await
            {
                note("error: the replicas are not in sync again");
            }
        }
        let run = session.run;
        let (notes, reader) = session.finish().await?;
        if striker.is_slow() {
            move_to_first_sign(
                &mut strikes,
                &mut own,
                &notes.events,
                &notes.loaded.troubles,
            );
        }
        let is_untouched = strikes.is_empty();
        let ending = Ending {
            drill: "kill",
            run,
            began,
            plan,
            preflight,
            strikes,
            own,
            leaders,
        };
        let outcome = ending.conclude(scene, notes, &reader, context).await;
        if interrupt.is_cancelled() && is_untouched {
            return Err(Failure::reported(Exit::Interrupted));
        }
        Ok(outcome)
    }
}

/// Writes an event down and says it.
pub(super) fn tell(events: &mut Vec<Event>, at: Duration, what: What, context: &Context) {
    let event = Event { at, what };
    context.remark(&event.to_string());
    events.push(event);
}

/// A command far away, or a person, takes its time: the first sign of trouble tells when it hit. A
/// strike's time is the earliest possible one until then.
fn move_to_first_sign(
    strikes: &mut [Strike],
    own: &mut [Event],
    events: &[Event],
    troubles: &[(Duration, String)],
) {
    for strike in strikes {
        let told = own
            .iter_mut()
            .find(|event| matches!(event.what, What::Struck { node, .. } if node == strike.node));
        let Some(told) = told else { continue };
        let signs = troubles.iter().map(|(at, _)| *at);
        let fenced = events
            .iter()
            .filter(|event| matches!(event.what, What::Fenced { node } if node == strike.node));
        let signs = signs.chain(fenced.map(|event| event.at));
        let first = signs.filter(|at| *at >= strike.at).min();
        let at = first.map_or(told.at, |first| first.min(told.at));
        strike.at = at;
        told.at = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_hand_is_timed_by_its_first_effect() {
        let ms = Duration::from_millis;
        let mut strikes = [Strike {
            node: 2,
            how: "killed",
            at: ms(1000),
            restored_at: None,
        }];
        let struck = What::Struck {
            node: 2,
            how: "killed",
        };
        let mut own = [Event {
            at: ms(9000),
            what: struck,
        }];
        let events = [Event {
            at: ms(4100),
            what: What::Fenced { node: 2 },
        }];
        let troubles = [(ms(500), "old".to_owned()), (ms(4000), "reset".to_owned())];
        move_to_first_sign(&mut strikes, &mut own, &events, &troubles);
        assert_eq!((strikes[0].at, own[0].at), (ms(4000), ms(4000)));
        strikes[0].at = ms(5000);
        own[0].at = ms(9000);
        move_to_first_sign(&mut strikes, &mut own, &events, &troubles);
        assert_eq!(strikes[0].at, ms(9000));
    }
}
