//! Topics by id: C18. Brokers may lag behind the controller a little, so a deleted id may be seen for
//! a while.

use std::collections::{HashMap, HashSet};

use super::{Check, Finding};
use crate::history::{Event, TopicAct, Tp, What};

/// How long a broker may name a topic whose deletion was acknowledged.
const LAG_NS: u64 = 5_000_000_000;

pub(super) fn check(history: &[Event], findings: &mut Vec<Finding>) {
    let mut deleted: HashMap<&Tp, u64> = HashMap::new();
    let mut living: HashMap<&Tp, &Tp> = HashMap::new();
    let mut created: HashSet<&Tp> = HashSet::new();
    for event in history {
        let What::Topic { act, name, id } = &event.what else {
            continue;
        };
        match act {
            TopicAct::Created => {
                if !created.insert(id) {
                    let detail = format!("id {id} was given out twice");
                    findings.push(Finding::new(Check::C18, name, id, detail));
                }
                if let Some(other) = living.insert(name, id) {
                    let detail = format!("was created as {id} while {other} was there");
                    findings.push(Finding::new(Check::C18, name, id, detail));
                }
            }
            TopicAct::Deleted => {
                deleted.insert(id, event.t_ns);
                living.remove(name);
            }
            TopicAct::Listed => {
                let since = deleted.get(id).map(|at| event.t_ns.saturating_sub(*at));
                if since.is_some_and(|ns| ns > LAG_NS) {
                    let detail = format!("id {id} was deleted and is back");
                    findings.push(Finding::new(Check::C18, name, id, detail));
                }
            }
        }
    }
}
