//! The same histories on Raudal and on Apache Kafka, compacted by both: what a consumer reads
//! afterwards is the same, offset by offset.
//!
//! Needs a JVM and the jars of Kafka 4.3 in the folder that `KAFKA_LIBS` names, and the `raudal` binary
//! (`RAUDAL_BIN`, or beside this program). Without, the tests say so and do nothing.
//!
//! Nothing is compacted while a history is written (`min.cleanable.dirty.ratio=1`), so that both servers
//! compact it in one round, up to the record that closes the segment before it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod history;
mod server;

use std::time::Duration;

use anyhow::Result;
use history::{History, Row};
use server::Server;

/// Both servers, or `None` if one cannot be started here.
async fn both() -> Option<[Server; 2]> {
    let (raudal, kafka) = tokio::join!(Server::raudal(), Server::kafka());
    Some([raudal?, kafka?])
}

#[tokio::test]
async fn both_servers_leave_the_same_records_at_the_same_offsets() {
    let Some(servers) = both().await else { return };
    let result = compare(&servers).await;
    result.unwrap_or_else(|error| panic!("{error:#}"));
}

async fn compare(servers: &[Server; 2]) -> Result<()> {
    let seeds = [("plain", 1), ("deleting", 2), ("stamped", 3), ("late", 4)];
    for server in servers {
        server
            .create("plain", &[("cleanup.policy", "compact")])
            .await?;
        let both = [("cleanup.policy", "compact,delete"), ("retention.ms", "-1")];
        server.create("deleting", &both).await?;
        let stamped = [
            ("cleanup.policy", "compact"),
            ("message.timestamp.type", "LogAppendTime"),
        ];
        server.create("stamped", &stamped).await?;
        server
            .create("late", &[("cleanup.policy", "delete")])
            .await?;
    }
    for (topic, seed) in seeds {
        // Records without a key may be written as long as nothing is compacted.
        let mut history = History::new(seed, topic == "late");
        for round in 0..2 {
            let batches = history.draw(40);
            for server in servers {
                server.stop_compaction(topic).await?;
                server.produce(topic, &batches).await?;
                // Longer than segment.ms, by whichever clock.
                tokio::time::sleep(Duration::from_millis(60)).await;
                server.produce(topic, &[history.closing()]).await?;
                if topic == "late" {
                    server.set(topic, "cleanup.policy", "compact").await?;
                }
                server.start_compaction(topic).await?;
            }
            history.close();
            history.has_keyless = false;
            let expected = history.compact();
            for server in servers {
                server.wait_until_clean(topic, &expected).await?;
            }
            let [ours, theirs] = servers;
            let is_stamped = topic == "stamped";
            let what = format!("{topic}, round {round}");
            same(
                &ours.rows(topic).await?,
                &theirs.rows(topic).await?,
                is_stamped,
                &what,
            );
            same(&ours.rows(topic).await?, &expected, true, &what);
            if !is_stamped {
                let (ours, theirs) = (ours.places(topic).await?, theirs.places(topic).await?);
                assert_eq!(ours, theirs, "{what}: places by timestamp");
            }
            let batches = (ours.batches(topic).await?, theirs.batches(topic).await?);
            assert_eq!(batches.0, batches.1, "{what}: batches");
        }
        // Both still know the last sequence of each producer.
        for again in history.last_of_producers() {
            let [ours, theirs] = servers;
            let answers = (
                ours.append(topic, &again).await?,
                theirs.append(topic, &again).await?,
            );
            assert_eq!(answers.0, answers.1, "{topic}: a retry");
            assert_eq!(answers.0.0, 0, "{topic}: a retry is recognised");
        }
    }
    Ok(())
}

fn same(left: &[Row], right: &[Row], without_time: bool, what: &str) {
    for (left, right) in left.iter().zip(right) {
        let mut left = left.clone();
        if without_time {
            left.timestamp = right.timestamp;
        }
        assert_eq!(&left, right, "{what}");
    }
    assert_eq!(left.len(), right.len(), "{what}");
}
