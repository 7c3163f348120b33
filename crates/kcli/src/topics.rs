//! Topics by name, with "did you mean" for those that are not there.

use std::sync::Arc;

use client::metadata::Topic;
use client::{Client, Error};
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

/// `K=V`, as in `-c` and `config set`.
pub(crate) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write KEY=VALUE".to_owned()),
    }
}
