//! `kcli drill rolling-restart`: every broker once, none before the last one is in sync again.

use std::time::Duration;

use clap::Args;
use client::Admin;

use super::analysis::Strike;
use super::args::LoadArgs;
use super::ending::Ending;
use super::event::What;
use super::kill::{refuse_compacted, tell};
use super::method::{MethodArgs, Mode, Striker};
use super::outcome::Outcome;
use super::plan::{self, Plan};
use super::preflight::{Preflight, Weight, preflight};
use super::report;
use super::scene::Scene;
use super::session::Session;
use crate::context::Context;
use crate::failure::Result;
use crate::output::note;

/// Before the first, between two, and after the last.
const CALM: Duration = Duration::from_secs(3);
/// How long a broker may take to be back and in sync.
const HEAL_PATIENCE: Duration = Duration::from_secs(180);

/// Stop and start one broker after the other while records are written.
#[derive(Debug, Args)]
pub(crate) struct Rolling {
    #[command(flatten)]
    load: LoadArgs,
    #[command(flatten)]
    method: MethodArgs,
}

/// Restarts them, and tells what came of it.
pub(crate) async fn run(rolling: Rolling, context: &Context) -> Result {
    rolling.load.check()?;
    let admin = context.admin().await?;
    let scene = Scene::look(&admin, &rolling.load.topic, context).await?;
    refuse_compacted(&scene)?;
    let striker = Striker::new(rolling.method.clone(), &scene)?;
    let order = order(&scene);
    let expected = expected(&scene, &order, &rolling.load);
    let mut plan: Plan = vec![("load", plan::load_line(&rolling.load, &scene))];
    plan.extend(order.iter().map(|id| {
        let how = format!(
            "broker {id} is stopped and started: {}",
            striker.plan(*id, Mode::Stop)
        );
        ("restart", how)
    }));
    plan.push((
        "pace",
        "the next one only when all replicas are in sync".to_owned(),
    ));
    plan.push((
        "proof",
        "every acknowledged record is read back and counted".to_owned(),
    ));
    if !plan::confirm(&plan, &expected, context)? {
        return Ok(());
    }
    let outcome = rolling
        .carry_out(&admin, &scene, &order, striker, (plan, expected), context)
        .await?;
    report::finish(&outcome, &rolling.load.reports, context)
}

/// The active controller comes last: it moves once, not several times.
fn order(scene: &Scene) -> Vec<i32> {
    let mut order: Vec<i32> = scene.brokers.iter().map(|(id, _)| *id).collect();
    order.sort_by_key(|id| (scene.active_controller == Some(*id), *id));
    order
}

/// The worst of what striking each of them alone would do; said once each.
fn expected(scene: &Scene, order: &[i32], load: &LoadArgs) -> Preflight {
    let mut all = Preflight {
        weight: Weight::Good,
        findings: Vec::new(),
    };
    for id in order {
        let one = preflight(scene, &[*id], load.acks);
        all.weight = all.weight.max(one.weight);
        for finding in one.findings {
            if finding.weight > Weight::Good && !all.findings.contains(&finding) {
                all.findings.push(finding);
            }
        }
    }
    all
}

impl Rolling {
    async fn carry_out(
        &self,
        admin: &Admin,
        scene: &Scene,
        order: &[i32],
        mut striker: Striker,
        (plan, preflight): (Plan, Preflight),
        context: &Context,
    ) -> Result<Outcome> {
        let began = crate::when::display(context.now_ms());
        let mut session = Session::start(admin, scene, &self.load, &[], context).await?;
        let interrupt = context.interrupt.clone();
        let (mut own, mut strikes) = (Vec::new(), Vec::new());
        let mut is_going = session.go_on(CALM, &interrupt).await;
        let leaders = session.leaders();
        for id in order {
            if !is_going {
                break;
            }
            let at = session.zero.elapsed();
            striker.strike(*id, Mode::Stop, &interrupt).await?;
            let how = Mode::Stop.verb();
            tell(&mut own, at, What::Struck { node: *id, how }, context);
            striker.restore(*id, Mode::Stop, &interrupt).await?;
            let restored_at = session.zero.elapsed();
            tell(&mut own, restored_at, What::Restored { node: *id }, context);
            strikes.push(Strike {
                node: *id,
                how,
                at,
                restored_at: Some(restored_at),
            });
            // What was seen before the stop must not count as being back.
            session.go_on(Duration::from_millis(200), &interrupt).await;
            let is_back = |picture: &super::watch::Picture| {
                picture.brokers.contains(id) && picture.is_whole()
            };
            if !session.wait_until(HEAL_PATIENCE, is_back).await {
                note(&format!(
                    "error: broker {id} is not back in sync: the others are left alone"
                ));
                break;
            }
            is_going = session.go_on(CALM, &interrupt).await;
        }
        let run = session.run;
        let (notes, reader) = session.finish().await?;
        let ending = Ending {
            drill: "rolling-restart",
            run,
            began,
            plan,
            preflight,
            strikes,
            own,
            leaders,
        };
        Ok(ending.conclude(scene, notes, &reader, context).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_active_controller_is_restarted_last() {
        let address = |id: i32| (id, client::Address::new("h", 9092));
        let scene = Scene {
            brokers: vec![address(1), address(2), address(3)],
            active_controller: Some(2),
            ..Scene::default()
        };
        assert_eq!(order(&scene), [1, 3, 2]);
    }
}
