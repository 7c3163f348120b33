//! The schema table as a tree of fields.

use std::collections::HashMap;
use std::sync::LazyLock;

const TABLE: &str = include_str!("../../schema/messages.tsv");

pub(crate) struct Message {
    pub(crate) name: &'static str,
    pub(crate) flexible: Range,
    pub(crate) fields: Vec<Field>,
}

pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// The type without the brackets of an array.
    pub(crate) kind: &'static str,
    pub(crate) is_array: bool,
    pub(crate) versions: Range,
    pub(crate) nullable: Range,
    pub(crate) tag: Option<u32>,
    pub(crate) default: &'static str,
    /// Of a struct.
    pub(crate) fields: Vec<Self>,
}

#[derive(Clone, Copy)]
pub(crate) struct Range(i16, i16);

impl Range {
    pub(crate) fn contains(self, version: i16) -> bool {
        self.0 <= version && version <= self.1
    }

    fn parse(text: &str) -> Self {
        let number = |text: &str| text.parse().expect("a version");
        match (text.strip_suffix('+'), text.split_once('-')) {
            _ if text.is_empty() || text == "none" => Self(0, -1),
            (Some(min), _) => Self(number(min), i16::MAX),
            (None, Some((min, max))) => Self(number(min), number(max)),
            (None, None) => Self(number(text), number(text)),
        }
    }
}

/// The message with this name in the schema.
pub(crate) fn message(name: &str) -> &'static Message {
    static MESSAGES: LazyLock<HashMap<&str, Message>> = LazyLock::new(parse);
    MESSAGES.get(name).expect("a message of the schema")
}

fn parse() -> HashMap<&'static str, Message> {
    let mut messages: HashMap<&str, Message> = HashMap::new();
    for line in TABLE.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |i: usize| cells.get(i).copied().unwrap_or("");
        let message = messages.entry(cell(0)).or_insert_with(|| Message {
            name: cell(0),
            flexible: Range::parse(cell(4)),
            fields: Vec::new(),
        });
        let mut path: Vec<&str> = cell(5).split('.').collect();
        let name = path.pop().expect("a name");
        let mut fields = &mut message.fields;
        for parent in path {
            let parent = fields.iter_mut().find(|field| field.name == parent);
            fields = &mut parent.expect("parents come first").fields;
        }
        fields.push(Field {
            name,
            kind: cell(6).trim_start_matches("[]"),
            is_array: cell(6).starts_with("[]"),
            versions: Range::parse(cell(7)),
            nullable: Range::parse(cell(8)),
            tag: cell(9).parse().ok(),
            default: cell(11),
            fields: Vec::new(),
        });
    }
    messages
}
