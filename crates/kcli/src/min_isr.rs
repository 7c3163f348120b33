//! `min.insync.replicas` of topics, for those who may see it.

use std::collections::BTreeMap;

use client::Admin;

/// Kafka's key.
pub(crate) const KEY: &str = "min.insync.replicas";

/// The value by topic; topics whose configs cannot be seen are missing.
pub(crate) async fn of_topics(admin: &Admin, topics: &[String]) -> BTreeMap<String, usize> {
    let described = admin.topic_configs(topics, &[KEY]).await;
    let described = described.unwrap_or_default().into_iter();
    let values = described.filter_map(|(topic, configs)| {
        let configs = configs.ok()?;
        let entry = configs.into_iter().find(|config| config.name == KEY)?;
        Some((topic, entry.value?.parse().ok()?))
    });
    values.collect()
}
