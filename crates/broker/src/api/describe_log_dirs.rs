//! `DescribeLogDirs` (35): what lies on this broker's disks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use net::server::Reply;
use protocol::Str;
use protocol::messages::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsPartition, DescribeLogDirsRequest,
    DescribeLogDirsResponse, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use storage::{DirectorySize, PartitionSize};
use types::{ErrorCode, Offset, TopicPartition};

use super::Ctx;

/// Sizes are asked of the file system, so a worker does it.
pub(crate) fn handle(ctx: &Ctx<'_>, request: DescribeLogDirsRequest) -> Reply {
    let core = Arc::clone(ctx.core);
    let described = ctx.core.workers.run(move || {
        let committed = |it: &TopicPartition| {
            let partition = core.partitions.get_by_name(&it.topic, it.partition)?;
            Some(partition.high_watermark())
        };
        response(
            core.log_dirs.sizes(),
            &Wanted::of(request.topics),
            &committed,
        )
    });
    let Ok(described) = described else {
        return ctx.respond(&refusal(ErrorCode::RequestTimedOut));
    };
    ctx.respond_later(async move {
        described
            .await
            .unwrap_or_else(|_| refusal(ErrorCode::UnknownServerError))
    })
}

/// The code can be said from version 3 on only.
fn refusal(code: ErrorCode) -> DescribeLogDirsResponse {
    DescribeLogDirsResponse {
        error_code: code.to_wire(),
        ..DescribeLogDirsResponse::default()
    }
}

/// Which partitions were asked for.
enum Wanted {
    All,
    These(BTreeSet<(Str, i32)>),
}

impl Wanted {
    fn of(topics: Option<Vec<DescribableLogDirTopic>>) -> Self {
        let Some(topics) = topics else {
            return Self::All;
        };
        let pairs = topics.into_iter().flat_map(|topic| {
            let name = topic.topic;
            topic
                .partitions
                .into_iter()
                .map(move |index| (name.clone(), index))
        });
        Self::These(pairs.collect())
    }

    fn has(&self, partition: &TopicPartition) -> bool {
        match self {
            Self::All => true,
            Self::These(pairs) => {
                pairs.contains(&(Str::from(&*partition.topic), partition.partition))
            }
        }
    }
}

fn response(
    directories: Vec<DirectorySize>,
    wanted: &Wanted,
    high_watermark: &dyn Fn(&TopicPartition) -> Option<Offset>,
) -> DescribeLogDirsResponse {
    let result = |directory: DirectorySize| {
        let log_dir = absolute(&directory.status.path);
        if directory.status.offline.is_some() {
            return DescribeLogDirsResult {
                error_code: ErrorCode::KafkaStorageError.to_wire(),
                log_dir,
                ..DescribeLogDirsResult::default()
            };
        }
        let mut topics: BTreeMap<Arc<str>, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
        for size in directory.partitions {
            if wanted.has(&size.topic_partition) {
                let listed = listed(&size, high_watermark(&size.topic_partition));
                topics
                    .entry(size.topic_partition.topic)
                    .or_default()
                    .push(listed);
            }
        }
        DescribeLogDirsResult {
            error_code: ErrorCode::None.to_wire(),
            log_dir,
            topics: topics.into_iter().map(topic).collect(),
            total_bytes: directory.total_bytes,
            usable_bytes: directory.usable_bytes,
            is_cordoned: false,
        }
    };
    DescribeLogDirsResponse {
        results: directories.into_iter().map(result).collect(),
        ..DescribeLogDirsResponse::default()
    }
}

/// The lag is how far the log's end is behind what the partition has committed.
fn listed(size: &PartitionSize, high_watermark: Option<Offset>) -> DescribeLogDirsPartition {
    let behind = |committed: Offset| committed.saturating_sub(size.log_end_offset).max(0);
    DescribeLogDirsPartition {
        partition_index: size.topic_partition.partition,
        partition_size: i64::try_from(size.size_bytes).unwrap_or(i64::MAX),
        offset_lag: high_watermark.map_or(0, behind),
        is_future_key: false,
    }
}

fn topic(
    (name, mut partitions): (Arc<str>, Vec<DescribeLogDirsPartition>),
) -> DescribeLogDirsTopic {
    partitions.sort_unstable_by_key(|partition| partition.partition_index);
    DescribeLogDirsTopic {
        name: name.as_ref().into(),
        partitions,
    }
}

fn absolute(path: &Path) -> Str {
    let absolute = std::path::absolute(path);
    let path = absolute.as_deref().unwrap_or(path);
    path.to_string_lossy().as_ref().into()
}

#[cfg(test)]
mod tests {
    use storage::DirStatus;
    use types::DirectoryId;

    use super::*;
    use crate::api::testing;

    fn directory(path: &str, offline: Option<&str>, partitions: &[(&str, i32)]) -> DirectorySize {
        let size = |(topic, index): &(&str, i32)| PartitionSize {
            topic_partition: TopicPartition::new(*topic, *index),
            size_bytes: 100,
            log_end_offset: 10,
        };
        DirectorySize {
            status: DirStatus {
                path: path.into(),
                directory_id: DirectoryId::ZERO,
                offline: offline.map(str::to_owned),
            },
            total_bytes: 1_000,
            usable_bytes: 900,
            partitions: partitions.iter().map(size).collect(),
        }
    }

    fn ask(wanted: &Wanted) -> DescribeLogDirsResponse {
        let directories = vec![
            directory("/a", None, &[("u", 1), ("t", 2), ("t", 0)]),
            directory("/b", Some("gone"), &[("u", 0)]),
            directory("c", None, &[]),
        ];
        let response = response(directories, wanted, &|partition| {
            (&*partition.topic == "t").then_some(12)
        });
        for version in 1..=5 {
            testing::encode(&response, version);
        }
        response
    }

    #[test]
    fn every_directory_is_listed_and_a_lost_one_says_so() {
        let response = ask(&Wanted::All);
        let codes: Vec<i16> = response.results.iter().map(|it| it.error_code).collect();
        assert_eq!(codes, [0, 56, 0]);
        assert_eq!(&*response.results[0].log_dir, "/a");
        assert!(response.results[2].log_dir.starts_with('/'));
        assert_eq!(response.results[0].total_bytes, 1_000);
        assert!(response.results[1].topics.is_empty());
    }

    #[test]
    fn partitions_come_by_topic_and_index_with_size_and_lag() {
        let response = ask(&Wanted::All);
        let [t, u] = &response.results[0].topics[..] else {
            panic!("{response:?}");
        };
        let indexes: Vec<i32> = t.partitions.iter().map(|it| it.partition_index).collect();
        assert_eq!(indexes, [0, 2]);
        assert_eq!(
            (t.partitions[0].partition_size, t.partitions[0].offset_lag),
            (100, 2)
        );
        assert_eq!(u.partitions[0].offset_lag, 0);
    }

    #[test]
    fn a_list_limits_what_is_described_and_an_empty_one_leaves_nothing() {
        let topic = DescribableLogDirTopic {
            topic: Str::from_static("t"),
            partitions: vec![2, 5],
        };
        let response = ask(&Wanted::of(Some(vec![topic])));
        assert_eq!(response.results[0].topics.len(), 1);
        assert_eq!(response.results[0].topics[0].partitions.len(), 1);
        let nothing = ask(&Wanted::of(Some(vec![])));
        assert_eq!(nothing.results.len(), 3);
        assert!(nothing.results[0].topics.is_empty());
    }
}
