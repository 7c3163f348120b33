//! Histories written by hand, a line an event, a millisecond a line.
//!
//! ```text
//! send CLIENT TP VALUE        ok VALUE [OFFSET]   fail VALUE   info VALUE
//! assign CLIENT TP OFFSET     poll CLIENT TP OFFSET:VALUE[@EPOCH] …      range CLIENT TP OFFSET
//! scan REPLICA TP FROM..TO OFFSET:VALUE …          ask CLIENT TP         end CLIENT TP OFFSET
//! member CLIENT GROUP         owns CLIENT GROUP GENERATION TP,…         owners GROUP MEMBER:TP …
//! commit CLIENT GROUP TP OFFSET   committed CLIENT GROUP TP OFFSET (or `refused`)   fetch, fetched likewise
//! leader TP EPOCH NODE ISR    created|deleted|listed NAME ID             wait MS
//! ```

use std::collections::HashMap;

use crate::history::{Event, Phase, Seen, TopicAct, Tp, Value, What};

const MS: u64 = 1_000_000;

/// Reads a script.
pub(super) fn history(script: &str) -> Vec<Event> {
    let mut reader = Reader::default();
    let lines = script.split(['\n', ';']).map(str::trim);
    for line in lines.filter(|line| !line.is_empty()) {
        reader.line(line);
    }
    reader.events
}

#[derive(Default)]
struct Reader {
    t_ns: u64,
    events: Vec<Event>,
    sent: HashMap<Value, (u32, Tp)>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words[at].parse::<i64>().expect("a number");
        let node = |at: usize| words[at].parse::<i32>().expect("a node");
        let client = |at: usize| words[at].parse::<u32>().expect("a client");
        let tp = |at: usize| Tp::from(words[at]);
        let all = |from: usize| words[from..].iter().map(|word| seen(word)).collect();
        match words[0] {
            "send" => {
                let value = value(words[3]);
                self.sent.insert(value, (client(1), tp(2)));
                self.send(Phase::Invoke, value, None);
            }
            "ok" => self.send(Phase::Ok, value(words[1]), words.get(2).map(|_| number(2))),
            "fail" => self.send(Phase::Fail, value(words[1]), None),
            "info" => self.send(Phase::Info, value(words[1]), None),
            "assign" => self.push(
                client(1),
                What::Assign {
                    tp: tp(2),
                    offset: number(3),
                },
            ),
            "poll" => self.push(
                client(1),
                What::Poll {
                    tp: tp(2),
                    records: all(3),
                },
            ),
            "range" => self.push(
                client(1),
                What::OutOfRange {
                    tp: tp(2),
                    offset: number(3),
                },
            ),
            "scan" => {
                let (from, to) = words[3].split_once("..").expect("from..to");
                let what = What::Scan {
                    tp: tp(2),
                    replica: node(1),
                    from: from.parse().expect("from"),
                    to: to.parse().expect("to"),
                    records: all(4),
                };
                self.push(0, what);
            }
            "ask" => self.push(client(1), end(Phase::Invoke, tp(2), None)),
            "end" => self.push(client(1), end(Phase::Ok, tp(2), Some(number(3)))),
            "leader" => {
                let isr = words[4].split(',').map(|n| n.parse().expect("a node"));
                let what = What::Leader {
                    tp: tp(1),
                    epoch: node(2),
                    leader: node(3),
                    isr: isr.collect(),
                };
                self.push(0, what);
            }
            "member" => self.push(client(1), What::Member { group: tp(2) }),
            "owns" => {
                let tps = words[4..].iter().flat_map(|w| w.split(',')).map(Tp::from);
                let what = What::Owns {
                    group: tp(2),
                    generation: Some(node(3)).filter(|generation| *generation >= 0),
                    tps: tps.collect(),
                };
                self.push(client(1), what);
            }
            "owners" => {
                let members = words[2..].iter().map(|word| {
                    let (member, tps) = word.split_once(':').expect("member:tp");
                    (member.to_owned(), tps.split(',').map(Tp::from).collect())
                });
                let what = What::Owners {
                    group: tp(1),
                    members: members.collect(),
                };
                self.push(0, what);
            }
            "commit" | "committed" | "refused" => {
                let phase = match words[0] {
                    "commit" => Phase::Invoke,
                    "committed" => Phase::Ok,
                    _ => Phase::Info,
                };
                let what = What::Commit {
                    phase,
                    group: tp(2),
                    tp: tp(3),
                    offset: number(4),
                };
                self.push(client(1), what);
            }
            "fetch" | "fetched" => {
                let what = What::Committed {
                    phase: if words[0] == "fetch" {
                        Phase::Invoke
                    } else {
                        Phase::Ok
                    },
                    group: tp(2),
                    tp: tp(3),
                    offset: words.get(4).map(|_| number(4)),
                };
                self.push(client(1), what);
            }
            "created" => self.topic(TopicAct::Created, tp(1), tp(2)),
            "deleted" => self.topic(TopicAct::Deleted, tp(1), tp(2)),
            "listed" => self.topic(TopicAct::Listed, tp(1), tp(2)),
            "wait" => self.t_ns += words[1].parse::<u64>().expect("ms") * MS,
            other => panic!("what is {other}?"),
        }
    }

    fn send(&mut self, phase: Phase, value: Value, offset: Option<i64>) {
        let (client, tp) = self.sent[&value].clone();
        let what = What::Send {
            phase,
            tp,
            value,
            offset,
        };
        self.push(client, what);
    }

    fn topic(&mut self, act: TopicAct, name: Tp, id: Tp) {
        self.push(0, What::Topic { act, name, id });
    }

    fn push(&mut self, client: u32, what: What) {
        let t_ns = self.t_ns;
        self.events.push(Event { t_ns, client, what });
        self.t_ns += MS;
    }
}

fn end(phase: Phase, tp: Tp, offset: Option<i64>) -> What {
    What::EndOffset { phase, tp, offset }
}

/// A word of letters as a number.
fn value(word: &str) -> Value {
    word.bytes().fold(0, |n, byte| n << 8 | Value::from(byte))
}

fn seen(word: &str) -> Seen {
    let (offset, rest) = word.split_once(':').expect("offset:value");
    let (name, epoch) = rest.split_once('@').unwrap_or((rest, "0"));
    Seen {
        offset: offset.parse().expect("an offset"),
        epoch: epoch.parse().expect("an epoch"),
        value: value(name),
    }
}
