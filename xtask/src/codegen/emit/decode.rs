//! The body of `decode`.

use crate::codegen::schema::{Field, Kind, Message, Struct};
use crate::codegen::versions::Versions;

/// Statements and a final expression. `root` is the message that the struct is the outermost of.
pub(super) fn body(
    part: &Struct,
    flexible: Versions,
    root: Option<&Message>,
) -> anyhow::Result<String> {
    let mut text = String::new();
    if let Some(message) = root {
        text += &begin("r", message);
    }
    let mut members = String::new();
    for field in &part.fields {
        let value = match field.tag {
            None => value(field, part.live)?,
            Some(_) => field.default_value()?,
        };
        members += &format!("{}: {value},\n", field.ident());
    }
    let has_tags = part.fields.iter().any(|field| field.tag.is_some());
    Ok(if has_tags {
        let tags = tags(part);
        format!("{text}let mut message = Self {{\n{members}}};\n{tags}Ok(message)\n")
    } else if flexible.is_empty() {
        format!("{text}Ok(Self {{\n{members}}})\n")
    } else {
        format!("{text}let message = Self {{\n{members}}};\nr.skip_tags()?;\nOk(message)\n")
    })
}

/// The check that a message starts with.
pub(super) fn begin(cursor: &str, message: &Message) -> String {
    let Versions { min, max } = message.versions;
    let flexible = message.flexible.condition(message.versions);
    let flexible = flexible.unwrap_or_else(|| "true".to_owned());
    format!(
        "{cursor}.begin({:?}, version, {min}..={max}, {flexible})?;\n",
        message.name
    )
}

fn value(field: &Field, live: Versions) -> anyhow::Result<String> {
    let Some(present) = field.present(live) else {
        return Ok(format!("{}?", call(field)));
    };
    let read = closure(field);
    Ok(if field.is_default_trivial()? {
        format!("r.field({present}, {read})?")
    } else {
        format!("r.field_or({present}, {}, {read})?", field.default_value()?)
    })
}

/// An expression of the field's type, still in a `Result`.
fn call(field: &Field) -> String {
    match field.null_allowed() {
        Some(allowed) if field.is_nullable() => {
            format!("r.null_if({allowed}, {})", plain_closure(field))
        }
        _ => plain_call(field),
    }
}

fn closure(field: &Field) -> String {
    match field.null_allowed() {
        Some(_) if field.is_nullable() => format!("|r| {}", call(field)),
        _ => plain_closure(field),
    }
}

fn plain_call(field: &Field) -> String {
    match (&field.kind, field.is_nullable()) {
        (Kind::Struct(name), false) => format!("{name}::decode(r, version)"),
        (Kind::Struct(_) | Kind::Array(_), _) => format!("r.{}(version)", method(field)),
        _ => format!("r.{}()", method(field)),
    }
}

fn plain_closure(field: &Field) -> String {
    match field.kind {
        Kind::Struct(_) | Kind::Array(_) => format!("|r| {}", plain_call(field)),
        _ => format!("Reader::{}", method(field)),
    }
}

fn method(field: &Field) -> String {
    let name = match &field.kind {
        Kind::Fixed(fixed) => fixed.method(),
        Kind::String => "string",
        Kind::Bytes => "bytes",
        Kind::Records => "records",
        // Kafka marks null otherwise in a tag: 0 instead of -1.
        Kind::Struct(_) if field.tag.is_some() => "tagged_part",
        Kind::Struct(_) => "part",
        Kind::Array(_) => "array",
    };
    if field.is_nullable() {
        format!("nullable_{name}")
    } else {
        name.to_owned()
    }
}

fn tags(part: &Struct) -> String {
    let mut text = "r.tags(|r, tag| {\nmatch tag {\n".to_owned();
    for field in &part.fields {
        let Some(tag) = field.tag else { continue };
        let guard = field
            .present(part.live)
            .map_or(String::new(), |present| format!(" if {present}"));
        text += &format!(
            "{tag}{guard} => {{ message.{} = {}?; }}\n",
            field.ident(),
            call(field)
        );
    }
    text + "_ => return Ok(false),\n}\nOk(true)\n})?;\n"
}
