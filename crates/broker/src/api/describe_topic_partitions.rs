//! `DescribeTopicPartitions` (75): topics page by page, with their eligible leader replicas (KIP-966).

use std::collections::BTreeSet;

use metadata::TopicImage;
use net::server::Reply;
use protocol::Str;
use protocol::messages::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use types::{ErrorCode, PartitionIndex};

use super::Ctx;
use super::view::{View, is_internal, missing, numbers, operations};

pub(crate) fn handle(ctx: &Ctx<'_>, request: DescribeTopicPartitionsRequest) -> Reply {
    let image = ctx.image();
    let view = View {
        image: &image,
        listener: &ctx.connection.listener,
    };
    let limit = ctx.core.config.topics.max_request_partition_size_limit;
    ctx.respond(&response(view, &request, limit))
}

fn response(
    view: View<'_>,
    request: &DescribeTopicPartitionsRequest,
    limit_max: i32,
) -> DescribeTopicPartitionsResponse {
    if asks_wrongly(request) {
        return refusal(request);
    }
    let limit = request.response_partition_limit.min(limit_max).max(1);
    let mut page = Page {
        view,
        room: usize::try_from(limit).unwrap_or(1),
        response: DescribeTopicPartitionsResponse::default(),
    };
    let from = request
        .cursor
        .as_ref()
        .map_or("", |cursor| &cursor.topic_name);
    let first_index = |name: &str| match &request.cursor {
        Some(cursor) if *cursor.topic_name == *name => cursor.partition_index,
        _ => 0,
    };
    if request.topics.is_empty() {
        for topic in view.image.topics().filter(|topic| &**topic.name() >= from) {
            let name = topic.name();
            if page.is_over(name) || page.add(topic, first_index(name)) {
                break;
            }
        }
        return page.response;
    }
    let names: BTreeSet<&str> = request.topics.iter().map(|topic| &*topic.name).collect();
    for name in names.range(from..) {
        let is_last = match view.image.topic(name) {
            _ if page.is_over(name) => true,
            Some(topic) => page.add(topic, first_index(name)),
            None => page.add_missing(name),
        };
        if is_last {
            break;
        }
    }
    page.response
}

/// A cursor points into the topics that are asked for.
fn asks_wrongly(request: &DescribeTopicPartitionsRequest) -> bool {
    let Some(cursor) = &request.cursor else {
        return false;
    };
    let is_listed = request.topics.iter().any(|it| it.name == cursor.topic_name);
    cursor.partition_index < 0 || !(request.topics.is_empty() || is_listed)
}

fn refusal(request: &DescribeTopicPartitionsRequest) -> DescribeTopicPartitionsResponse {
    let refused = |name: &Str| DescribeTopicPartitionsResponseTopic {
        error_code: ErrorCode::InvalidRequest.to_wire(),
        name: Some(name.clone()),
        topic_authorized_operations: operations::OMITTED,
        ..DescribeTopicPartitionsResponseTopic::default()
    };
    DescribeTopicPartitionsResponse {
        topics: request.topics.iter().map(|it| refused(&it.name)).collect(),
        ..DescribeTopicPartitionsResponse::default()
    }
}

/// One page being filled.
struct Page<'a> {
    view: View<'a>,
    /// Partitions that still fit.
    room: usize,
    response: DescribeTopicPartitionsResponse,
}

impl Page<'_> {
    /// Whether the page was full before this topic; the cursor then points to its beginning.
    fn is_over(&mut self, name: &str) -> bool {
        if self.room == 0 {
            self.point_to(name, 0);
        }
        self.room == 0
    }

    /// Adds a topic from a partition on. Says whether the page ended in the middle of it.
    fn add(&mut self, topic: &TopicImage, first: PartitionIndex) -> bool {
        let room = self.room;
        let fitting = topic
            .partitions()
            .filter(|(index, _)| *index >= first)
            .take(room);
        let partitions: Vec<_> = fitting
            .map(|(index, partition)| {
                let (code, leader) = self.view.leadership(partition, true);
                DescribeTopicPartitionsResponsePartition {
                    error_code: code.to_wire(),
                    partition_index: index,
                    leader_id: leader.0,
                    leader_epoch: partition.leader_epoch.0,
                    replica_nodes: numbers(&partition.replicas),
                    isr_nodes: numbers(&partition.isr),
                    eligible_leader_replicas: Some(numbers(&partition.elr)),
                    last_known_elr: Some(numbers(&partition.last_known_elr)),
                    offline_replicas: self.view.offline_replicas(partition),
                }
            })
            .collect();
        let next = partitions
            .last()
            .map_or(first, |last| last.partition_index + 1);
        self.room -= partitions.len();
        self.response
            .topics
            .push(DescribeTopicPartitionsResponseTopic {
                error_code: ErrorCode::None.to_wire(),
                name: Some(topic.name().as_ref().into()),
                topic_id: topic.id().0,
                is_internal: is_internal(topic.name()),
                partitions,
                topic_authorized_operations: operations::TOPIC,
            });
        let is_cut = topic.partition(next).is_some();
        if is_cut {
            self.point_to(topic.name(), next);
        }
        is_cut
    }

    fn add_missing(&mut self, name: &str) -> bool {
        self.response
            .topics
            .push(DescribeTopicPartitionsResponseTopic {
                error_code: missing(name).to_wire(),
                name: Some(name.into()),
                is_internal: is_internal(name),
                topic_authorized_operations: operations::TOPIC,
                ..DescribeTopicPartitionsResponseTopic::default()
            });
        false
    }

    fn point_to(&mut self, name: &str, partition_index: PartitionIndex) {
        self.response.next_cursor = Some(Cursor {
            topic_name: name.into(),
            partition_index,
        });
    }
}

#[cfg(test)]
mod tests {
    use protocol::messages::describe_topic_partitions::TopicRequest;

    use super::*;
    use crate::api::testing;

    fn request(
        names: &[&str],
        limit: i32,
        cursor: Option<(&str, i32)>,
    ) -> DescribeTopicPartitionsRequest {
        DescribeTopicPartitionsRequest {
            topics: names
                .iter()
                .map(|name| TopicRequest {
                    name: Str::from(*name),
                })
                .collect(),
            response_partition_limit: limit,
            cursor: cursor.map(|(name, partition_index)| Cursor {
                topic_name: name.into(),
                partition_index,
            }),
        }
    }

    type Listed = (i16, String, Vec<i32>);

    fn ask(request: &DescribeTopicPartitionsRequest) -> (Vec<Listed>, Option<(String, i32)>) {
        let image = testing::image();
        let view = View {
            image: &image,
            listener: "PLAINTEXT",
        };
        let response = response(view, request, 2_000);
        let listed = |topic: &DescribeTopicPartitionsResponseTopic| {
            let indexes = topic
                .partitions
                .iter()
                .map(|it| it.partition_index)
                .collect();
            let name = topic.name.as_deref().unwrap_or_default().to_owned();
            (topic.error_code, name, indexes)
        };
        let cursor = response.next_cursor;
        (
            response.topics.iter().map(listed).collect(),
            cursor.map(|it| (it.topic_name.to_string(), it.partition_index)),
        )
    }

    fn t(indexes: &[i32]) -> Listed {
        (0, "t".to_owned(), indexes.to_vec())
    }

    fn u(indexes: &[i32]) -> Listed {
        (0, "u".to_owned(), indexes.to_vec())
    }

    #[test]
    fn without_names_all_topics_come_in_order() {
        assert_eq!(
            ask(&request(&[], 2_000, None)),
            (vec![t(&[0, 1]), u(&[0])], None)
        );
    }

    #[test]
    fn a_full_page_points_to_what_comes_next() {
        let at = |name: &str, index| Some((name.to_owned(), index));
        assert_eq!(ask(&request(&[], 1, None)), (vec![t(&[0])], at("t", 1)));
        assert_eq!(ask(&request(&[], 0, None)), (vec![t(&[0])], at("t", 1)));
        assert_eq!(ask(&request(&[], 2, None)), (vec![t(&[0, 1])], at("u", 0)));
        assert_eq!(
            ask(&request(&[], 1, Some(("t", 1)))),
            (vec![t(&[1])], at("u", 0))
        );
        assert_eq!(ask(&request(&[], 1, Some(("u", 0)))), (vec![u(&[0])], None));
    }

    #[test]
    fn a_cursor_may_name_a_topic_or_partition_that_is_gone() {
        assert_eq!(
            ask(&request(&[], 9, Some(("b", 3)))),
            (vec![t(&[0, 1]), u(&[0])], None)
        );
        assert_eq!(
            ask(&request(&[], 9, Some(("t", 9)))),
            (vec![t(&[]), u(&[0])], None)
        );
    }

    #[test]
    fn missing_topics_are_errors_and_take_no_room() {
        let (topics, cursor) = ask(&request(&["u", "a b", "nope"], 1, None));
        let expected = [
            (17, "a b".to_owned(), vec![]),
            (3, "nope".to_owned(), vec![]),
            u(&[0]),
        ];
        assert_eq!((topics.as_slice(), cursor), (&expected[..], None));
    }

    #[test]
    fn a_cursor_outside_the_topics_asked_for_is_refused() {
        let (topics, _) = ask(&request(&["t"], 9, Some(("u", 0))));
        assert_eq!(topics, [(42, "t".to_owned(), vec![])]);
        assert_eq!(ask(&request(&[], 9, Some(("t", -1)))), (vec![], None));
    }
}
