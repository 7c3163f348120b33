//! A member of a group that is Raudal's own client, for the tests of groups: a process that says, an
//! event a line, what happens to it, until its standard input ends. `tests/interop/README.md` tells
//! of the request and of the events, which are those of all member programs.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use client::admin::NewOffset;
use client::group::{Assignor, Change, Selection};
use client::{
    Address, Client, Config, ConsumerConfig, GroupConfig, GroupConsumer, GroupProtocol, Reset,
};
use serde::Deserialize;
use serde_json::{Value, json};
use types::TopicPartition;

const POLL: Duration = Duration::from_millis(100);
/// After an error that the consumer does not mend by itself.
const PAUSE: Duration = Duration::from_millis(200);
/// Brokers may stand still.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
const API_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_INTERVAL_MAX: Duration = Duration::from_secs(20);
const RECORDS_MAX: usize = 100;

#[derive(Deserialize)]
struct Request {
    group: String,
    topic: String,
    protocol: String,
    #[serde(default)]
    assignor: String,
    instance: Option<String>,
    session_ms: u64,
}

struct Member {
    consumer: GroupConsumer,
    owned: BTreeSet<i32>,
    /// Read, and not committed yet: what a rebalance refuses is committed after it.
    open: BTreeMap<TopicPartition, NewOffset>,
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ran = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let ran = runtime.block_on(run());
        // Whoever reads the standard input cannot be stopped.
        runtime.shutdown_background();
        ran
    });
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&json!({"error": format!("{error:#}")}));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let bootstrap = std::env::args().nth(2).context("member BOOTSTRAP")?;
    let bootstrap = bootstrap.split(',').map(str::parse::<Address>);
    let bootstrap = bootstrap.collect::<Result<Vec<_>, _>>()?;
    let mut request = String::new();
    std::io::stdin().read_line(&mut request)?;
    let mut over = tokio::task::spawn_blocking(|| std::io::stdin().lines().for_each(drop));
    let mut member = Member::join(bootstrap, serde_json::from_str(&request)?).await?;
    loop {
        tokio::select! {
            _over = &mut over => break,
            () = member.turn() => {}
        }
    }
    // Nothing is committed by itself, so leaving cannot fail on that.
    member.consumer.close().await?;
    say(&json!({"left": true}));
    Ok(())
}

impl Member {
    async fn join(bootstrap: Vec<Address>, request: Request) -> Result<Self> {
        let config = Config {
            client_id: "member".to_owned(),
            request_timeout: REQUEST_TIMEOUT,
            connect_timeout: REQUEST_TIMEOUT,
            api_timeout: API_TIMEOUT,
            ..Config::new(bootstrap)
        };
        let session = Duration::from_millis(request.session_ms);
        let group = GroupConfig {
            group_id: request.group,
            instance_id: request.instance,
            protocol: match request.protocol.as_str() {
                "consumer" => GroupProtocol::Consumer,
                _ => GroupProtocol::Classic,
            },
            assignors: vec![match request.assignor.as_str() {
                "range" => Assignor::Range,
                _ => Assignor::CooperativeSticky,
            }],
            session_timeout: session,
            heartbeat_interval: session / 6,
            poll_interval_max: POLL_INTERVAL_MAX,
            is_auto_commit: false,
            ..GroupConfig::default()
        };
        let consumer = ConsumerConfig {
            reset: Some(Reset::Earliest),
            fetch_wait_max: POLL,
            poll_records_max: RECORDS_MAX,
            ..ConsumerConfig::default()
        };
        let client = Client::connect(config).await?;
        let selection = Selection::topics([request.topic.as_str()]);
        Ok(Self {
            consumer: GroupConsumer::new(client, consumer, group, selection)?,
            owned: BTreeSet::new(),
            open: BTreeMap::new(),
        })
    }

    /// One poll, and a commit of what it gave. Nothing is lost if it is left in the middle.
    async fn turn(&mut self) {
        let polled = self.consumer.poll(POLL).await;
        self.on_changes();
        match polled {
            Ok(records) => {
                let mut read = Vec::new();
                for record in records {
                    let key = TopicPartition::new(record.topic.as_ref(), record.partition);
                    let text = String::from_utf8_lossy(record.value.as_deref().unwrap_or_default());
                    read.push(json!([record.partition, record.offset, text]));
                    let next = NewOffset {
                        leader_epoch: record.leader_epoch,
                        ..NewOffset::from(record.offset + 1)
                    };
                    self.open.insert(key, next);
                }
                if !read.is_empty() {
                    say(&json!({ "read": read }));
                }
            }
            Err(error) => {
                say(&json!({"error": error.to_string()}));
                tokio::time::sleep(PAUSE).await;
            }
        }
        if !self.open.is_empty() {
            self.commit().await;
        }
    }

    async fn commit(&mut self) {
        let offsets: Vec<_> = self
            .open
            .iter()
            .map(|(key, next)| (key.clone(), next.clone()))
            .collect();
        match self.consumer.commit_offsets(&offsets).await {
            Ok(()) => {
                self.open.clear();
                let by_partition = offsets
                    .iter()
                    .map(|(key, next)| (key.partition.to_string(), json!(next.offset)));
                let committed: serde_json::Map<String, Value> = by_partition.collect();
                say(&json!({ "committed": committed }));
            }
            // Nothing unusual while members come and go.
            Err(error) => say(&json!({"uncommitted": error.to_string()})),
        }
    }

    fn on_changes(&mut self) {
        let changes: Vec<Change> = self.consumer.take_changes().collect();
        for change in changes {
            match change {
                Change::Assigned(added) => self.owned.extend(added.iter().map(|key| key.partition)),
                Change::Revoked(removed) | Change::Lost(removed) => {
                    for key in removed {
                        self.owned.remove(&key.partition);
                        self.open.remove(&key);
                    }
                }
            }
            say(&json!({"owns": self.owned}));
        }
    }
}

#[expect(clippy::print_stdout, reason = "its one way to speak")]
fn say(event: &Value) {
    println!("{event}");
}
