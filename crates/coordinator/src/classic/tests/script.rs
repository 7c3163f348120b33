//! Transcripts as text.
//!
//! A line is a question, or the passing of time; lines that begin with `<` are all that came of it, in
//! order. `a.1` is the member id that the question number 1 of client `a` was given.
//!
//! ```text
//!  join a                               client a, without an id
//!  < a: 79 a.1                          code, member id
//!  join a id=a.1                        nothing yet: it waits
//!  +3000                                milliseconds pass
//!  < @3000 a: joined 1 range a.1* [a.1] generation, protocol, leader (* is the member itself), members
//!  sync a id=a.1 gen=1 give=a.1:x
//!  < log: 1 range a.1 [a.1=x]           a record: generation, protocol, leader, members with assignments
//!  < a: synced x
//! ```
//!
//! A quote after a client's name tells several requests of one client apart: `join a'`.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use protocol::Str;
use protocol::messages::heartbeat::HeartbeatRequest;
use protocol::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use protocol::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use protocol::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};
use types::ErrorCode;

use super::room::{Came, Room};
use crate::env::Token;
use crate::group::Committer;
use crate::record::Record;
use crate::request::{Answer, Request};
use crate::settings::Settings;

/// Plays the transcript with Kafka's defaults.
pub(super) fn play(transcript: &str) -> Room {
    play_with(Settings::default(), transcript)
}

/// Plays the transcript with a group that has nobody in it yet.
pub(super) fn play_with(settings: Settings, transcript: &str) -> Room {
    resume(Room::new(settings), transcript)
}

/// Plays the transcript; panics where something else comes out.
pub(super) fn resume(room: Room, transcript: &str) -> Room {
    let mut script = Script {
        room,
        asked_by: HashMap::new(),
        log: None,
        came: VecDeque::new(),
    };
    let mut actual = String::new();
    for line in transcript.lines().map(str::trim) {
        match line.strip_prefix("< ") {
            _ if line.is_empty() => {}
            Some(expected) => {
                let came = script.came.pop_front();
                actual.push_str(&format!("  < {}\n", came.as_deref().unwrap_or("(nothing)")));
                assert_eq!(came.as_deref(), Some(expected), "after\n{actual}");
            }
            None => {
                assert_eq!(script.came.pop_front(), None, "after\n{actual}");
                actual.push_str(&format!("{line}\n"));
                script.run(line);
            }
        }
    }
    assert_eq!(script.came.pop_front(), None, "at the end of\n{actual}");
    script.room
}

struct Script {
    room: Room,
    asked_by: HashMap<Token, String>,
    /// The newest record.
    log: Option<Record>,
    came: VecDeque<String>,
}

impl Script {
    fn run(&mut self, line: &str) {
        if let Some(ms) = line.strip_prefix('+') {
            return self.pass(ms.parse().unwrap());
        }
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap();
        let who = words.clone().next().filter(|it| !it.contains('='));
        let args = Args(
            words
                .filter_map(|word| word.split_once('='))
                .collect::<Vec<_>>(),
        );
        match verb {
            "join" => self.ask(who, &args, 9, Request::Join(join(&args))),
            "sync" => self.ask(who, &args, 5, Request::Sync(sync(&args))),
            "heartbeat" => self.ask(who, &args, 4, Request::Heartbeat(heartbeat(&args))),
            "leave" => self.ask(who, &args, 5, Request::Leave(leave(&args))),
            "describe" => self.ask(Some("op"), &args, 6, Request::Describe("g".into())),
            "commit" => self.commit(&args),
            "failover" => self.room.fail_over(self.log.as_ref()),
            "list" => {
                let entry = self.room.group().list();
                let text = format!("{} {:?}", entry.group_state, &*entry.protocol_type);
                self.came.push_back(text);
            }
            other => panic!("{other} is no verb"),
        }
    }

    fn ask(&mut self, who: Option<&str>, args: &Args<'_>, newest: i16, request: Request) {
        let who = who.expect("somebody asks");
        let version = args.number("v").unwrap_or(newest);
        let client_id = who.trim_end_matches('\'');
        let (token, came) = self.room.ask(client_id, version, &request);
        self.asked_by.insert(token, who.to_owned());
        self.note(came, "");
    }

    fn commit(&mut self, args: &Args<'_>) {
        let id = args.id("id");
        let committer = Committer {
            member_id: &id,
            generation_or_epoch: args.number("gen").unwrap_or(-1),
            instance_id: args.get("instance"),
            version: 9,
        };
        let result = self.room.group().may_commit(&committer);
        let code = result.err().unwrap_or(ErrorCode::None).to_wire();
        if code == 0 {
            let came = self.room.step(|slot, env| match slot {
                crate::group::Group::Classic(group) => group.on_heard(&id, env),
                other => panic!("{other:?}"),
            });
            self.note(came, "");
        }
        self.came.push_back(code.to_string());
    }

    fn pass(&mut self, ms: u64) {
        let until = self.room.now + Duration::from_millis(ms);
        while let Some(came) = self.room.fire(until) {
            let at = format!("@{} ", self.room.now.as_millis());
            self.note(came, &at);
        }
        self.room.now = until;
    }

    fn note(&mut self, came: Came, at: &str) {
        for record in came.records {
            self.came
                .push_back(format!("{at}log: {}", show_record(&record)));
            self.log = Some(record);
        }
        for (token, answer) in came.answers {
            let who = self.asked_by.remove(&token).expect("answered once");
            let text = format!("{at}{who}: {}", show_answer(&answer));
            self.came.push_back(text.trim_end().to_owned());
        }
    }
}

struct Args<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Args<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| *value)
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)
            .map(|text| text.parse().ok().expect("a number"))
    }

    fn id(&self, name: &str) -> Str {
        long(self.get(name).unwrap_or_default()).into()
    }

    fn instance(&self) -> Option<Str> {
        self.get("instance").map(Str::from)
    }

    /// `a:x,b:y`.
    fn pairs(&self, name: &str, default: &'a str) -> Vec<(&'a str, &'a str)> {
        let list = self.get(name).unwrap_or(default);
        let words = list.split(',').filter(|word| !word.is_empty());
        words
            .map(|word| word.split_once(':').unwrap_or((word, "")))
            .collect()
    }
}

fn join(args: &Args<'_>) -> JoinGroupRequest {
    let protocols = args.pairs("protocols", "range");
    JoinGroupRequest {
        group_id: "g".into(),
        session_timeout_ms: args.number("session").unwrap_or(10_000),
        rebalance_timeout_ms: args.number("rebalance").unwrap_or(60_000),
        member_id: args.id("id"),
        group_instance_id: args.instance(),
        protocol_type: args.get("type").unwrap_or("consumer").into(),
        protocols: protocols
            .into_iter()
            .map(|(name, metadata)| JoinGroupRequestProtocol {
                name: name.into(),
                metadata: metadata.to_owned().into(),
            })
            .collect(),
        reason: None,
    }
}

fn sync(args: &Args<'_>) -> SyncGroupRequest {
    let given = args.pairs("give", "");
    SyncGroupRequest {
        group_id: "g".into(),
        generation_id: args.number("gen").unwrap(),
        member_id: args.id("id"),
        group_instance_id: args.instance(),
        protocol_type: Some(args.get("type").unwrap_or("consumer").into()),
        protocol_name: Some(args.get("protocol").unwrap_or("range").into()),
        assignments: given
            .into_iter()
            .map(|(id, assignment)| SyncGroupRequestAssignment {
                member_id: long(id).into(),
                assignment: assignment.to_owned().into(),
            })
            .collect(),
    }
}

fn heartbeat(args: &Args<'_>) -> HeartbeatRequest {
    HeartbeatRequest {
        group_id: "g".into(),
        generation_id: args.number("gen").unwrap(),
        member_id: args.id("id"),
        group_instance_id: args.instance(),
    }
}

/// `who=a.1,:instance,b.2:instance`.
fn leave(args: &Args<'_>) -> LeaveGroupRequest {
    let members = args.pairs("who", "").into_iter();
    LeaveGroupRequest {
        group_id: "g".into(),
        member_id: args.id("id"),
        members: members
            .map(|(id, instance)| MemberIdentity {
                member_id: long(id).into(),
                group_instance_id: (!instance.is_empty()).then(|| instance.into()),
                reason: None,
            })
            .collect(),
    }
}

fn show_answer(answer: &Answer) -> String {
    match answer {
        Answer::Join(it) if it.error_code != 0 => {
            format!("{} {}", it.error_code, short(&it.member_id))
        }
        Answer::Join(it) => {
            let members = it.members.iter().map(|member| {
                let metadata = String::from_utf8_lossy(&member.metadata);
                entry(&member.member_id, &metadata)
            });
            let of_leader = if it.leader == it.member_id { "*" } else { "" };
            format!(
                "joined {} {} {}{} [{}]{}",
                it.generation_id,
                it.protocol_name.as_deref().unwrap_or("-"),
                short(&it.leader),
                of_leader,
                members.collect::<Vec<_>>().join(" "),
                if it.skip_assignment { " skip" } else { "" },
            ) + &as_other(&it.member_id, &it.leader)
        }
        Answer::Sync(it) if it.error_code != 0 => it.error_code.to_string(),
        Answer::Sync(it) => format!("synced {}", String::from_utf8_lossy(&it.assignment)),
        Answer::Heartbeat(it) => it.error_code.to_string(),
        Answer::Leave(it) => {
            let codes = it
                .members
                .iter()
                .map(|member| member.error_code.to_string());
            format!(
                "left {} [{}]",
                it.error_code,
                codes.collect::<Vec<_>>().join(" ")
            )
        }
        Answer::Describe(it) => {
            let members = it.members.iter().map(|member| {
                let metadata = String::from_utf8_lossy(&member.member_metadata);
                let assignment = String::from_utf8_lossy(&member.member_assignment);
                format!("{}={metadata}/{assignment}", short(&member.member_id))
            });
            format!(
                "{} {} {:?} {:?} [{}]",
                it.error_code,
                it.group_state,
                &*it.protocol_type,
                &*it.protocol_data,
                members.collect::<Vec<_>>().join(" ")
            )
        }
        other => format!("{other:?}"),
    }
}

/// The member's own id, where it is not told by the leader's.
fn as_other(member_id: &str, leader: &str) -> String {
    if member_id == leader {
        String::new()
    } else {
        format!(" as {}", short(member_id))
    }
}

fn show_record(record: &Record) -> String {
    let Record::ClassicGroup { value, .. } = record else {
        return format!("{record:?}");
    };
    let Some(value) = value else {
        return "gone".to_owned();
    };
    let members = value.members.iter().map(|member| {
        let assignment = String::from_utf8_lossy(&member.assignment);
        entry(&member.member_id, &assignment)
    });
    format!(
        "{} {} {} [{}]",
        value.generation,
        value.protocol.as_deref().unwrap_or("-"),
        value.leader.as_deref().map_or("-".to_owned(), short),
        members.collect::<Vec<_>>().join(" ")
    )
}

fn entry(id: &str, value: &str) -> String {
    if value.is_empty() {
        short(id)
    } else {
        format!("{}={value}", short(id))
    }
}

/// `a-00000000-0000-0000-0000-000000000001` as `a.1`.
fn short(id: &str) -> String {
    let parts = id
        .len()
        .checked_sub(37)
        .and_then(|at| id.split_at_checked(at));
    let Some((name, uuid)) = parts else {
        return id.to_owned();
    };
    match u128::from_str_radix(&uuid.replace('-', ""), 16) {
        Ok(number) => format!("{name}.{number}"),
        Err(_) => id.to_owned(),
    }
}

fn long(id: &str) -> String {
    match id.split_once('.') {
        Some((name, number)) => {
            let number: u128 = number.parse().expect("ids end in a number");
            format!("{name}-00000000-0000-0000-0000-{number:012x}")
        }
        None => id.to_owned(),
    }
}
