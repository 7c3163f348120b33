//! The tables as a tree: an API has two messages, a message has structs, a struct has fields.
//! What is stored or embedded is a message without an API.
//!
//! Versions are cut to the stable ones. A field that no stable version has is left out.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};

use super::table::Row;
use super::versions::Versions;

/// One line of the API table.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) name: String,
    pub(super) key: i16,
    pub(super) versions: Versions,
    pub(super) advertised_min: i16,
    pub(super) first_flexible: Option<i16>,
    pub(super) on_broker: bool,
    pub(super) on_controller: bool,
    pub(super) is_forwardable: bool,
    pub(super) is_cluster_action: bool,
    pub(super) has_codec: bool,
}

impl Api {
    pub(super) fn parse(row: &Row) -> anyhow::Result<Self> {
        let (min, max) = (row.number("min")?, row.number("max")?);
        let listeners: Vec<&str> = row.cell("listeners").split(',').collect();
        let flexible = row.cell("flexible_from");
        Ok(Self {
            name: row.cell("api").to_owned(),
            key: row.number("key")?,
            versions: Versions { min, max },
            advertised_min: row.number("advertised_min")?,
            first_flexible: if flexible.is_empty() {
                None
            } else {
                Some(flexible.parse()?)
            },
            on_broker: listeners.contains(&"broker"),
            on_controller: listeners.contains(&"controller"),
            is_forwardable: row.is_yes("forwardable"),
            is_cluster_action: row.is_yes("cluster_action"),
            has_codec: row.is_yes("codec"),
        })
    }
}

/// One line of the table of what is stored or embedded rather than sent.
#[derive(Debug)]
pub(super) struct Data {
    /// The module it is in, with others it belongs to.
    pub(super) module: String,
    pub(super) schema: String,
    pub(super) versions: Versions,
    /// Of a key in an internal topic.
    pub(super) record_type: Option<i16>,
}

impl Data {
    /// `rows` is the field table, which knows its versions.
    pub(super) fn parse(row: &Row, rows: &[Row]) -> anyhow::Result<Self> {
        let schema = row.cell("schema");
        let field = rows
            .iter()
            .find(|field| field.cell("schema") == schema)
            .with_context(|| format!("{schema} has no fields"))?;
        let is_key = field.cell("kind") == "coordinator-key";
        Ok(Self {
            module: row.cell("module").to_owned(),
            schema: schema.to_owned(),
            versions: Versions::parse(field.cell("valid_versions"))?,
            record_type: is_key.then(|| field.number("api_key")).transpose()?,
        })
    }
}

/// A request, a response, or what is stored or embedded.
#[derive(Debug)]
pub(super) struct Message {
    /// Its name in the schema, which is that of its outermost struct.
    pub(super) name: String,
    pub(super) versions: Versions,
    pub(super) flexible: Versions,
    /// The outermost first, then in the order of their first use.
    pub(super) structs: Vec<Struct>,
}

/// A struct, shared by all fields of its type in one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Struct {
    pub(super) name: String,
    /// The path of the first field that holds it; empty for the outermost.
    pub(super) path: String,
    /// The versions in which it can occur.
    pub(super) live: Versions,
    pub(super) fields: Vec<Field>,
}

/// A field of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) versions: Versions,
    pub(super) nullable: Versions,
    pub(super) tag: Option<u32>,
    pub(super) default: String,
    pub(super) is_ignorable: bool,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// The schema's name of a type of fixed size.
    Fixed(Fixed),
    String,
    Bytes,
    Records,
    Struct(String),
    /// Never of arrays, byte strings or record sets.
    Array(Box<Self>),
}

/// Types of fixed size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fixed {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Int64,
    Float64,
    Uuid,
}

impl Kind {
    fn parse(text: &str) -> anyhow::Result<Self> {
        if let Some(element) = text.strip_prefix("[]") {
            let element = Self::parse(element)?;
            let is_simple = matches!(element, Self::Fixed(_) | Self::String | Self::Struct(_));
            ensure!(is_simple, "no codec for arrays such as {text}");
            return Ok(Self::Array(Box::new(element)));
        }
        Ok(match text {
            "bool" => Self::Fixed(Fixed::Bool),
            "int8" => Self::Fixed(Fixed::Int8),
            "int16" => Self::Fixed(Fixed::Int16),
            "uint16" => Self::Fixed(Fixed::Uint16),
            "int32" => Self::Fixed(Fixed::Int32),
            "int64" => Self::Fixed(Fixed::Int64),
            "float64" => Self::Fixed(Fixed::Float64),
            "uuid" => Self::Fixed(Fixed::Uuid),
            "string" => Self::String,
            "bytes" => Self::Bytes,
            "records" => Self::Records,
            name if name.starts_with(|c: char| c.is_ascii_uppercase()) => {
                Self::Struct(name.to_owned())
            }
            other => bail!("no codec for type {other}"),
        })
    }

    /// The struct it is or holds.
    pub(super) fn struct_name(&self) -> Option<&str> {
        match self {
            Self::Struct(name) => Some(name),
            Self::Array(element) => element.struct_name(),
            Self::Fixed(_) | Self::String | Self::Bytes | Self::Records => None,
        }
    }
}

impl Field {
    fn parse(row: &Row, live: Versions) -> anyhow::Result<Self> {
        let path = row.cell("field_path");
        let tag = row.cell("tag");
        let field = Self {
            name: path.rsplit('.').next().unwrap_or(path).to_owned(),
            kind: Kind::parse(row.cell("type"))?,
            versions: Versions::parse(row.cell("versions"))?.and(live),
            nullable: Versions::parse(row.cell("nullable"))?.and(live),
            tag: if tag.is_empty() {
                None
            } else {
                Some(tag.parse()?)
            },
            default: row.cell("default").to_owned(),
            is_ignorable: row.is_yes("ignorable"),
        };
        let is_nullable = field.is_nullable();
        if matches!(field.kind, Kind::Struct(_)) && is_nullable {
            let always = field.versions.and(field.nullable) == field.versions;
            ensure!(
                always,
                "no codec for a struct that only some versions may omit"
            );
        }
        let is_records = matches!(field.kind, Kind::Records);
        ensure!(
            !(is_records && field.tag.is_some()),
            "no codec for tagged records"
        );
        Ok(field)
    }

    /// Whether some version that has the field allows null.
    pub(super) fn is_nullable(&self) -> bool {
        !self.versions.and(self.nullable).is_empty()
    }
}

impl Message {
    /// Builds the message called `name` from the rows of the field table.
    pub(super) fn build(name: &str, versions: Versions, rows: &[Row]) -> anyhow::Result<Self> {
        let rows: Vec<&Row> = rows
            .iter()
            .filter(|row| row.cell("schema") == name)
            .collect();
        let first = rows
            .first()
            .with_context(|| format!("{name} has no fields"))?;
        let flexible = Versions::parse(first.cell("flexible"))?.and(versions);
        let mut builder = Builder {
            children: children_by_parent(&rows),
            structs: Vec::new(),
        };
        builder
            .add(name, "", versions)
            .with_context(|| format!("in {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            versions,
            flexible,
            structs: builder.structs,
        })
    }
}

fn children_by_parent<'a>(rows: &[&'a Row]) -> BTreeMap<&'a str, Vec<&'a Row>> {
    let mut children: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let path = row.cell("field_path");
        let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
        children.entry(parent).or_default().push(row);
    }
    children
}

struct Builder<'a> {
    children: BTreeMap<&'a str, Vec<&'a Row>>,
    structs: Vec<Struct>,
}

impl Builder<'_> {
    /// Adds the struct at `path` and those inside it. One met before must look the same here.
    fn add(&mut self, name: &str, path: &str, live: Versions) -> anyhow::Result<()> {
        let rows = self.children.get(path).cloned().unwrap_or_default();
        let known = self.structs.iter().position(|known| known.name == name);
        let live = known
            .and_then(|i| self.structs.get(i))
            .map_or(live, |known| known.live.hull(live));
        let mut fields = Vec::new();
        for row in rows {
            let field = Field::parse(row, live).with_context(|| format!("field {path}"))?;
            if !field.versions.is_empty() {
                fields.push(field);
            }
        }
        let here = Struct {
            name: name.to_owned(),
            path: path.to_owned(),
            live,
            fields: fields.clone(),
        };
        match known.and_then(|i| self.structs.get_mut(i)) {
            Some(known) => {
                let names =
                    |s: &Struct| s.fields.iter().map(|f| f.name.clone()).collect::<Vec<_>>();
                ensure!(names(known) == names(&here), "{name} has two meanings");
                *known = Struct {
                    path: known.path.clone(),
                    ..here
                };
            }
            None => self.structs.push(here),
        }
        for field in &fields {
            if let Some(inner) = field.kind.struct_name() {
                let separator = if path.is_empty() { "" } else { "." };
                let path = format!("{path}{separator}{}", field.name);
                self.add(inner, &path, field.versions)?;
            }
        }
        Ok(())
    }
}
