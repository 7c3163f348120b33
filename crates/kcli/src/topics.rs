//! Topics by name, with "did you mean" for those that are not there.

use std::sync::Arc;
use std::time::Duration;

use client::metadata::Topic;
use client::{Client, Error};
use tokio::time::Instant;
use types::ErrorCode;

use crate::failure::{Failure, Result};
use crate::nearest::did_you_mean;

/// The topic, or the names nearest to it.
pub(crate) async fn find(client: &Client, name: &str) -> Result<Arc<Topic>> {
    match client.topic(name).await {
        Ok(topic) => Ok(topic),
        Err(error) => Err(explain(client, name, error).await),
    }
}

/// An error about a topic as a failure; if the topic is unknown, with the nearest names.
pub(crate) async fn explain(client: &Client, name: &str, error: Error) -> Failure {
    let is_unknown = error.code() == Some(ErrorCode::UnknownTopicOrPartition);
    let mut failure = Failure::from(error);
    if is_unknown && let Ok(cluster) = client.all_topics().await {
        let known: Vec<&str> = cluster.topics.keys().map(AsRef::as_ref).collect();
        if let Some(hint) = did_you_mean(name, known) {
            failure.hints.insert(0, hint);
        }
    }
    failure
}

/// How long an order may take to reach the brokers after the controller has carried it out.
const KNOWN_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until a broker shows the topic as it shall be, so that the next command meets it like that.
/// `None` is a topic that is not there. Gives up quietly after a while.
pub(crate) async fn wait_until(
    client: &Client,
    name: &str,
    is_so: impl Fn(Option<&Topic>) -> bool,
) {
    let until = Instant::now() + KNOWN_WITHIN;
    while Instant::now() < until {
        if let Ok(cluster) = client.all_topics().await
            && is_so(cluster.topics.get(name).map(AsRef::as_ref))
        {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// `K=V`, as in `-c` and `config set`.
pub(crate) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write KEY=VALUE".to_owned()),
    }
}
