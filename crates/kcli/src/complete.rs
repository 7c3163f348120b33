//! Completion as you type: names that only the cluster knows. Quick or not at all.

use std::ffi::OsStr;
use std::time::Duration;

use clap_complete::CompletionCandidate;
use client::admin::GroupFilter;
use client::{Address, Admin, Client, Settings};
use config::Scope;

/// A shell must not hang while someone types.
const BUDGET: Duration = Duration::from_millis(300);

/// Topics that begin as typed.
pub(crate) fn topics(typed: &OsStr) -> Vec<CompletionCandidate> {
    let names = ask(async |client: Client| {
        let cluster = client.all_topics().await.ok()?;
        Some(cluster.topics.keys().map(ToString::to_string).collect())
    });
    candidates(typed, names)
}

/// Groups that begin as typed.
pub(crate) fn groups(typed: &OsStr) -> Vec<CompletionCandidate> {
    candidates(typed, group_names())
}

fn group_names() -> Vec<String> {
    ask(async |client: Client| {
        let admin = Admin::new(client);
        let listing = admin.list_groups(&GroupFilter::default()).await.ok()?;
        let groups = listing.groups.into_iter();
        Some(groups.map(|group| group.group_id).collect())
    })
}

/// `TOPIC/N` that begin as typed; before the slash, topics.
pub(crate) fn partitions(typed: &OsStr) -> Vec<CompletionCandidate> {
    let topic = typed.to_string_lossy();
    let topic = topic.split_once('/').map(|(topic, _)| topic.to_owned());
    let names = ask(async |client: Client| {
        let cluster = client.all_topics().await.ok()?;
        Some(match topic {
            None => cluster.topics.keys().map(ToString::to_string).collect(),
            Some(name) => {
                let partitions = &cluster.topics.get(name.as_str())?.partitions;
                partitions
                    .iter()
                    .map(|p| format!("{name}/{}", p.index))
                    .collect()
            }
        })
    });
    candidates(typed, names)
}

/// `topic/NAME`, `broker/ID` and `group/NAME` that begin as typed.
pub(crate) fn resources(typed: &OsStr) -> Vec<CompletionCandidate> {
    if typed.to_string_lossy().starts_with("group/") {
        let groups = group_names().into_iter();
        return candidates(typed, groups.map(|name| format!("group/{name}")).collect());
    }
    let names = ask(async |client: Client| {
        let cluster = client.all_topics().await.ok()?;
        let topics = cluster.topics.keys().map(|name| format!("topic/{name}"));
        let brokers = cluster.brokers.keys().map(|id| format!("broker/{id}"));
        let others = ["broker/default".to_owned(), "group/".to_owned()];
        Some(topics.chain(brokers).chain(others).collect())
    });
    candidates(typed, names)
}

/// Broker ids that begin as typed.
pub(crate) fn brokers(typed: &OsStr) -> Vec<CompletionCandidate> {
    let names = ask(async |client: Client| {
        let cluster = Admin::new(client).describe_cluster().await.ok()?;
        Some(
            cluster
                .brokers
                .iter()
                .map(|b| b.broker.id.to_string())
                .collect(),
        )
    });
    candidates(typed, names)
}

/// Topic config keys that begin as typed, with `=` behind.
pub(crate) fn topic_settings(typed: &OsStr) -> Vec<CompletionCandidate> {
    let keys = config::keys(Scope::Topic).iter();
    candidates(typed, keys.map(|key| format!("{}=", key.name())).collect())
}

/// Config keys of topics, brokers and groups that begin as typed.
pub(crate) fn config_keys(typed: &OsStr) -> Vec<CompletionCandidate> {
    let scopes = [Scope::Topic, Scope::Broker, Scope::Group];
    let keys = scopes
        .into_iter()
        .flat_map(|scope| config::keys(scope).iter());
    let mut names: Vec<String> = keys.map(|key| key.name().to_owned()).collect();
    names.sort();
    names.dedup();
    candidates(typed, names)
}

fn candidates(typed: &OsStr, mut names: Vec<String>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    names.retain(|name| name.starts_with(&*typed));
    names.sort();
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// Asks the cluster that the environment names; the flags already typed are not seen here.
fn ask(question: impl AsyncFnOnce(Client) -> Option<Vec<String>>) -> Vec<String> {
    let answer = || {
        let servers = std::env::var("KCLI_BOOTSTRAP_SERVER").ok();
        let servers = servers.as_deref().unwrap_or("localhost:9092");
        let mut settings = Settings::new(Address::parse_list(servers).ok()?);
        settings.client.connect_timeout = BUDGET;
        settings.client.api_timeout = BUDGET;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .ok()?;
        let asked = async {
            let client = Client::connect(settings.client).await.ok()?;
            question(client).await
        };
        runtime.block_on(async { tokio::time::timeout(BUDGET, asked).await.ok()? })
    };
    answer().unwrap_or_default()
}
