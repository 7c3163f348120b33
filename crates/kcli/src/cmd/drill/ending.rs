//! From the notes of a drill to its outcome: figures, and every acknowledged record read back.

use std::collections::BTreeMap;

use types::PartitionIndex;

use super::analysis::{Recorded, Strike};
use super::event::Event;
use super::outcome::Outcome;
use super::plan::Plan;
use super::preflight::Preflight;
use super::reader::Reader;
use super::scene::Scene;
use super::session::Notes;
use super::verify::read_back;
use crate::context::Context;

/// What the drill itself knows when its load is over.
#[derive(Debug)]
pub(super) struct Ending {
    /// `kill` or `rolling-restart`.
    pub(super) drill: &'static str,
    pub(super) run: u64,
    /// When it began, for people.
    pub(super) began: String,
    pub(super) plan: Plan,
    pub(super) preflight: Preflight,
    pub(super) strikes: Vec<Strike>,
    /// What it did, beside what was watched.
    pub(super) own: Vec<Event>,
    /// Who led before the first strike.
    pub(super) leaders: BTreeMap<PartitionIndex, i32>,
}

impl Ending {
    /// Reads back and counts.
    pub(super) async fn conclude(
        mut self,
        scene: &Scene,
        notes: Notes,
        reader: &Reader,
        context: &Context,
    ) -> Outcome {
        let verdict = read_back(reader, &notes.loaded.ledger, &notes.live, context).await;
        let mut events = notes.events;
        events.append(&mut self.own);
        let recorded = Recorded {
            ledger: &notes.loaded.ledger,
            live: &notes.live,
            events,
            troubles: &notes.loaded.troubles,
            strikes: &self.strikes,
            leaders: &self.leaders,
            ended: notes.loaded.ended,
        };
        let analysis = recorded.analyse();
        Outcome {
            drill: self.drill,
            cluster_id: scene.cluster_id.clone(),
            topic: scene.topic.clone(),
            run: self.run,
            began: self.began,
            plan: self.plan,
            preflight: self.preflight,
            strikes: self.strikes,
            analysis,
            ended: notes.loaded.ended,
            ledger: notes.loaded.ledger,
            verdict: verdict.map_err(|failure| failure.message),
        }
    }
}
