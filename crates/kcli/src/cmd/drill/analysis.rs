//! From what was written down to figures: gaps without an acknowledgement, latencies before, during
//! and after, and the moments that make the timeline. Pure: nothing is asked, nothing waits.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;
use types::PartitionIndex;

use super::event::{Event, What};
use super::ledger::{Ledger, PartitionLedger};
use super::reader::{Delivered, Live};

/// Latencies up to ten minutes, three digits.
const LATENCY_US_MAX: u64 = 600_000_000;
/// The chart has at most so many bars.
const BUCKETS_MAX: u32 = 600;
/// A gap that a blow tears begins at most so long after it.
const BLOW_FELT_WITHIN: Duration = Duration::from_millis(500);
const BUCKET_MIN: Duration = Duration::from_millis(100);

/// One blow.
#[derive(Debug, Clone)]
pub(super) struct Strike {
    pub(super) node: i32,
    pub(super) how: &'static str,
    /// When it hit.
    pub(super) at: Duration,
    /// When the node was started again.
    pub(super) restored_at: Option<Duration>,
}

/// A time without an acknowledgement (or without a record read).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) start: Duration,
    pub(super) end: Duration,
    /// It had not ended when the drill did.
    pub(super) is_open: bool,
}

impl Gap {
    /// How long.
    pub(super) fn length(&self) -> Duration {
        self.end.saturating_sub(self.start)
    }
}

/// One partition's figures.
#[derive(Debug, Clone)]
pub(super) struct PartitionFigures {
    pub(super) partition: PartitionIndex,
    pub(super) leader_before: i32,
    pub(super) leader_after: i32,
    /// Whether a struck node led it.
    pub(super) is_struck: bool,
    /// When another leader showed, after the first blow.
    pub(super) new_leader_at: Option<Duration>,
    pub(super) sent: u64,
    pub(super) acked: u64,
    pub(super) longest_gap: Option<Gap>,
    pub(super) longest_read_gap: Option<Gap>,
}

/// Percentiles in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Latency {
    pub(super) count: u64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

/// Latencies before the first blow, until writing went on everywhere, and after that.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Phases {
    pub(super) before: Latency,
    pub(super) during: Latency,
    pub(super) after: Latency,
}

/// A bar of the chart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bucket {
    pub(super) at_ms: f64,
    pub(super) sent: u64,
    pub(super) acked: u64,
    pub(super) read: u64,
}

/// All figures.
#[derive(Debug, Clone)]
pub(super) struct Analysis {
    pub(super) partitions: Vec<PartitionFigures>,
    /// Everything that happened, in order.
    pub(super) timeline: Vec<Event>,
    /// When writing had gone on everywhere.
    pub(super) recovered_at: Option<Duration>,
    /// From handing over to the acknowledgement.
    pub(super) acks: Phases,
    /// From handing over to the reader.
    pub(super) reads: Phases,
    pub(super) buckets: Vec<Bucket>,
}

/// What an analysis is made of.
#[derive(Debug)]
pub(super) struct Recorded<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) live: &'a Live,
    pub(super) events: Vec<Event>,
    pub(super) troubles: &'a [(Duration, String)],
    pub(super) strikes: &'a [Strike],
    /// Leaders before the first blow.
    pub(super) leaders: &'a BTreeMap<PartitionIndex, i32>,
    /// When the last record was handed over.
    pub(super) ended: Duration,
}

impl Recorded<'_> {
    /// Figures it out.
    pub(super) fn analyse(mut self) -> Analysis {
        self.events.sort_by_key(|event| event.at);
        let first_blow = self.strikes.first().map(|strike| strike.at);
        let partitions: Vec<_> = self
            .ledger
            .iter()
            .map(|(partition, ledger)| self.figures(*partition, ledger, first_blow))
            .collect();
        let recovered_at = self.recovered_at();
        let window = first_blow.zip(recovered_at);
        let acks = phases(self.ledger.values().flat_map(acked), window);
        let reads = phases(
            self.live.by_partition.values().flat_map(|all| read(all)),
            window,
        );
        let buckets = self.buckets();
        Analysis {
            timeline: self.timeline(&partitions),
            partitions,
            recovered_at,
            acks,
            reads,
            buckets,
        }
    }

    /// When the last of the gaps ended that the blows tore.
    fn recovered_at(&self) -> Option<Duration> {
        let torn = self.strikes.iter().flat_map(|strike| {
            let felt_until = strike.at + BLOW_FELT_WITHIN;
            self.ledger.values().filter_map(move |ledger| {
                let gaps = gaps(&ledger.ack_times(), self.ended).into_iter();
                let torn = gaps.filter(|gap| gap.end >= strike.at && gap.start <= felt_until);
                torn.max_by_key(Gap::length)
            })
        });
        let torn: Vec<Gap> = torn.collect();
        // Partitions that were not concerned have gaps, too: those between any two answers.
        let longest = torn.iter().map(Gap::length).max()?;
        let ends = torn.iter().filter(|gap| gap.length() >= longest / 2);
        ends.map(|gap| gap.end).max()
    }

    fn figures(
        &self,
        partition: PartitionIndex,
        ledger: &PartitionLedger,
        first_blow: Option<Duration>,
    ) -> PartitionFigures {
        let leader_before = self.leaders.get(&partition).copied().unwrap_or(-1);
        let changes = self.events.iter().filter_map(|event| match &event.what {
            What::Leader {
                partition: p, to, ..
            } if *p == partition && *to >= 0 => Some((event.at, *to)),
            _ => None,
        });
        let changes: Vec<_> = changes.collect();
        let from = first_blow.unwrap_or_default();
        let new_leader = changes
            .iter()
            .find(|(at, to)| *at >= from && *to != leader_before);
        let delivered = self.live.by_partition.get(&partition);
        let reads = delivered.map(|all| all.iter().map(|it| it.at).collect::<Vec<_>>());
        let is_struck = self
            .strikes
            .iter()
            .any(|strike| strike.node == leader_before);
        PartitionFigures {
            partition,
            leader_before,
            leader_after: changes.last().map_or(leader_before, |(_, to)| *to),
            is_struck,
            new_leader_at: new_leader.map(|(at, _)| *at),
            sent: ledger.next_sequence(),
            acked: ledger.acked_count(),
            longest_gap: longest_gap(&ledger.ack_times(), from, self.ended),
            longest_read_gap: longest_gap(&reads.unwrap_or_default(), from, self.ended),
        }
    }

    /// Everything that happened: what was seen, and the moments that the figures are made of.
    fn timeline(&self, partitions: &[PartitionFigures]) -> Vec<Event> {
        let mut all = self.events.clone();
        all.extend(self.live.errors.iter().cloned());
        for strike in self.strikes {
            let first = self
                .troubles
                .iter()
                .filter(|(at, _)| *at >= strike.at)
                .min();
            if let Some((at, text)) = first {
                let what = What::FirstError { text: text.clone() };
                let event = Event { at: *at, what };
                if !all.contains(&event) {
                    all.push(event);
                }
            }
        }
        let gaps = partitions.iter().filter_map(|it| {
            let gap = it.longest_gap?;
            Some((it.partition, gap))
        });
        if let Some((partition, gap)) = gaps.max_by_key(|(_, gap)| gap.length()) {
            all.push(Event {
                at: gap.start,
                what: What::LastAck { partition },
            });
            if !gap.is_open {
                all.push(Event {
                    at: gap.end,
                    what: What::FirstAck { partition },
                });
            }
        }
        all.sort_by_key(|event| event.at);
        all
    }

    fn buckets(&self) -> Vec<Bucket> {
        let last_ack = self
            .ledger
            .values()
            .flat_map(|ledger| {
                ledger
                    .entries
                    .iter()
                    .filter_map(super::ledger::Entry::acked_at)
            })
            .max();
        let total = self.ended.max(last_ack.unwrap_or_default());
        let width = BUCKET_MIN.max(total / BUCKETS_MAX);
        let place = |at: Duration| usize::try_from(at.as_micros() / width.as_micros()).unwrap_or(0);
        let mut buckets = vec![Bucket::default(); place(total) + 1];
        for (i, bucket) in (0u32..).zip(&mut buckets) {
            bucket.at_ms = ms(width * i);
        }
        for entry in self.ledger.values().flat_map(|ledger| &ledger.entries) {
            if let Some(bucket) = buckets.get_mut(place(entry.sent)) {
                bucket.sent += 1;
            }
            let acked = entry.acked_at().map(place);
            if let Some(bucket) = acked.and_then(|place| buckets.get_mut(place)) {
                bucket.acked += 1;
            }
        }
        for delivered in self.live.by_partition.values().flatten() {
            if let Some(bucket) = buckets.get_mut(place(delivered.at)) {
                bucket.read += 1;
            }
        }
        buckets
    }
}

/// Milliseconds with their fraction.
pub(super) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The longest time between two moments of which the later one is not before `from`.
fn longest_gap(times: &[Duration], from: Duration, until: Duration) -> Option<Gap> {
    let gaps = gaps(times, until).into_iter();
    gaps.filter(|gap| gap.end >= from).max_by_key(Gap::length)
}

/// The times between moments. What comes after the last moment counts up to `until`.
fn gaps(times: &[Duration], until: Duration) -> Vec<Gap> {
    let mut times = times.to_vec();
    times.sort_unstable();
    let closed = times.windows(2).map(|pair| Gap {
        start: pair[0],
        end: pair[1],
        is_open: false,
    });
    let last = times.last().copied().filter(|last| *last < until);
    let open = last.map(|start| Gap {
        start,
        end: until,
        is_open: true,
    });
    closed.chain(open).collect()
}

/// When each was handed over, and when it was answered.
type Span = (Duration, Duration);

fn acked(ledger: &PartitionLedger) -> impl Iterator<Item = Span> {
    let entries = ledger.entries.iter();
    entries.filter_map(|entry| Some((entry.sent, entry.acked_at()?)))
}

fn read(delivered: &[Delivered]) -> impl Iterator<Item = Span> {
    delivered.iter().map(|it| (it.sent, it.at))
}

fn phases(spans: impl Iterator<Item = Span>, window: Option<(Duration, Duration)>) -> Phases {
    let (mut before, mut during, mut after) = (histogram(), histogram(), histogram());
    for (sent, answered) in spans {
        let histogram = match window {
            Some((blow, _)) if answered < blow => &mut before,
            Some((_, recovered)) if sent <= recovered => &mut during,
            Some(_) => &mut after,
            None => &mut before,
        };
        let micros = answered.saturating_sub(sent).as_micros();
        let micros = u64::try_from(micros).unwrap_or(LATENCY_US_MAX);
        if let Some(histogram) = histogram {
            histogram.saturating_record(micros.clamp(1, LATENCY_US_MAX));
        }
    }
    Phases {
        before: latency(before),
        during: latency(during),
        after: latency(after),
    }
}

fn histogram() -> Option<Histogram<u64>> {
    Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).ok()
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds for people")]
fn latency(histogram: Option<Histogram<u64>>) -> Latency {
    let Some(histogram) = histogram.filter(|histogram| !histogram.is_empty()) else {
        return Latency::default();
    };
    let at = |percentile| histogram.value_at_percentile(percentile) as f64 / 1000.0;
    Latency {
        count: histogram.len(),
        p50: at(50.0),
        p99: at(99.0),
        max: histogram.max() as f64 / 1000.0,
    }
}

#[cfg(test)]
#[path = "analysis_tests.rs"]
mod tests;
