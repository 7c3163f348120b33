//! One question about many groups: asked of their coordinators, and again of the new one where a
//! coordinator has moved.

use std::collections::{BTreeMap, HashMap};

use protocol::Request;
use tokio::time::timeout_at;

use super::super::Admin;
use crate::ask::Retry;
use crate::client::Lane;
use crate::coordinator::nothing_about;
use crate::{Error, Result};

/// Groups by name, each with its own result.
pub(super) type ByGroup<T> = BTreeMap<String, Result<T>>;

impl Admin {
    /// Asks each group's coordinator, and again those whose answer says that another try may help.
    /// `make` makes the requests about groups of one coordinator in a version not above `cap`;
    /// `read` reads an answer, group by group.
    pub(super) async fn by_coordinator<R: Request, T>(
        &self,
        groups: &[&str],
        cap: i16,
        make: impl Fn(&[&str], i16) -> Vec<R>,
        read: impl Fn(&R, R::Response, i16) -> Vec<(String, Result<T>)>,
    ) -> Result<ByGroup<T>> {
        let mut done: ByGroup<T> = BTreeMap::new();
        let mut open = groups.to_vec();
        open.sort_unstable();
        open.dedup();
        let mut retry = Retry::new(&self.client, R::KEY.name());
        loop {
            let round = self.round(&open, cap, &make, &read);
            let (results, mut failed) = match timeout_at(retry.deadline, round).await {
                Ok(answered) => answered,
                Err(_elapsed) => (Vec::new(), Some(retry.timed_out())),
            };
            for (group, result) in results {
                match result {
                    Err(error) if error.is_retriable() => failed = Some(error),
                    result => drop(done.insert(group, result)),
                }
            }
            open.retain(|group| !done.contains_key(*group));
            for group in &open {
                self.client.forget_coordinator(group);
            }
            let Some(first) = open.first() else {
                return Ok(done);
            };
            let error = failed.unwrap_or_else(|| nothing_about(first));
            match retry.on_error(error).await {
                Ok(()) => {}
                Err(error) if done.is_empty() => return Err(error),
                Err(error) => {
                    // What was found out holds; the rest failed with the last error.
                    let rest = open.into_iter();
                    done.extend(rest.map(|group| (group.to_owned(), Err(error.clone()))));
                    return Ok(done);
                }
            }
        }
    }

    /// One try: what was answered, and an error of a group whose coordinator did not answer.
    async fn round<R: Request, T>(
        &self,
        groups: &[&str],
        cap: i16,
        make: &impl Fn(&[&str], i16) -> Vec<R>,
        read: &impl Fn(&R, R::Response, i16) -> Vec<(String, Result<T>)>,
    ) -> (Vec<(String, Result<T>)>, Option<Error>) {
        let found = match self.client.find_coordinators(groups).await {
            Ok(found) => found,
            Err(error) => return (Vec::new(), Some(error)),
        };
        let (mut results, mut failed) = (Vec::new(), None);
        let mut by_node: HashMap<i32, Vec<&str>> = HashMap::new();
        for group in groups {
            match found.get(*group) {
                Some(Ok(node_id)) => by_node.entry(*node_id).or_default().push(group),
                Some(Err(error)) => results.push(((*group).to_owned(), Err(error.clone()))),
                None => failed = Some(nothing_about(group)),
            }
        }
        for (node_id, groups) in by_node {
            let asked = self.ask_coordinator(node_id, &groups, cap, make, read);
            match asked.await {
                Ok(answers) => results.extend(answers),
                Err(error) if error.is_retriable() => failed = Some(error),
                Err(error) => {
                    let all = groups.into_iter();
                    results.extend(all.map(|group| (group.to_owned(), Err(error.clone()))));
                }
            }
        }
        (results, failed)
    }

    async fn ask_coordinator<R: Request, T>(
        &self,
        node_id: i32,
        groups: &[&str],
        cap: i16,
        make: &impl Fn(&[&str], i16) -> Vec<R>,
        read: &impl Fn(&R, R::Response, i16) -> Vec<(String, Result<T>)>,
    ) -> Result<Vec<(String, Result<T>)>> {
        let connection = self.client.broker_on(Lane::Group, node_id).await?;
        let address = &connection.address;
        let version = connection.versions.choose_up_to(R::KEY, cap, address)?;
        let mut results = Vec::new();
        for request in make(groups, version) {
            let response = connection.request_version(&request, version).await?;
            results.extend(read(&request, response, version));
        }
        Ok(results)
    }
}
