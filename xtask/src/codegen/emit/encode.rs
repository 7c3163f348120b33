//! The bodies of `encode` and `encoded_len`.

use super::decode::begin;
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
        text += &begin("w", message);
    }
    for field in part.fields.iter().filter(|field| field.tag.is_none()) {
        text += &statements(field, part.live)?;
    }
    let mut tagged: Vec<&Field> = part
        .fields
        .iter()
        .filter(|field| field.tag.is_some())
        .collect();
    tagged.sort_by_key(|field| field.tag);
    if !tagged.is_empty() {
        text += &tags(&tagged, part.live, flexible)?;
    } else if !flexible.is_empty() {
        text += "w.no_tags();\n";
    }
    Ok(text + "Ok(())\n")
}

fn statements(field: &Field, live: Versions) -> anyhow::Result<String> {
    let mut write = String::new();
    if field.is_nullable()
        && let Some(allowed) = field.null_allowed()
    {
        let (ident, name) = (field.ident(), &field.name);
        write += &format!("w.null_if({allowed}, &self.{ident}, {name:?}, version)?;\n");
    }
    write += &call(field);
    write += if is_fallible(field) { "?;\n" } else { ";\n" };
    let Some(present) = field.present(live) else {
        return Ok(write);
    };
    if field.is_ignorable {
        return Ok(format!("if {present} {{\n{write}}}\n"));
    }
    let absent = absent("", field)?;
    Ok(format!("if {present} {{\n{write}}} else {{\n{absent}}}\n"))
}

/// The check that a field, if absent, has its default.
fn absent(unless: &str, field: &Field) -> anyhow::Result<String> {
    let (name, has_default) = (&field.name, field.has_default()?);
    Ok(format!(
        "w.absent({unless}{has_default}, {name:?}, version)?;\n"
    ))
}

fn tags(tagged: &[&Field], live: Versions, flexible: Versions) -> anyhow::Result<String> {
    let mut checks = String::new();
    let mut writes = "let mut tags = w.begin_tags();\n".to_owned();
    for field in tagged {
        let present = field.present(live);
        if let Some(present) = present.as_ref().filter(|_| !field.is_ignorable) {
            checks += &absent(&format!("{present} || "), field)?;
        }
        // Inside the condition that tags exist, it need not be said again.
        let present = field.versions.condition(flexible);
        let present = present.map_or(String::new(), |present| format!("{present} && "));
        let is_set = is_set(field)?;
        let value = if is_fallible(field) {
            format!("|w| {}", call(field))
        } else {
            format!("|w| {{ {}; Ok(()) }}", call(field))
        };
        let tag = field.tag.unwrap_or_default();
        writes += &format!("if {present}{is_set} {{\nw.tag(&mut tags, {tag}, {value})?;\n}}\n");
    }
    Ok(match flexible.condition(live) {
        None => checks + &writes,
        Some(condition) => format!("{checks}if {condition} {{\n{writes}}}\n"),
    })
}

/// The opposite of [`Field::has_default`], without a double negation.
fn is_set(field: &Field) -> anyhow::Result<String> {
    let has_default = field.has_default()?;
    Ok(
        if has_default.starts_with(&format!("self.{}.as_ref()", field.ident())) {
            format!("!{has_default}")
        } else if has_default.ends_with(".is_none()") {
            has_default.replace(".is_none()", ".is_some()")
        } else if has_default.contains(" == ") {
            has_default.replace(" == ", " != ")
        } else if let Some(positive) = has_default.strip_prefix('!') {
            positive.to_owned()
        } else {
            format!("!{has_default}")
        },
    )
}

fn is_fallible(field: &Field) -> bool {
    !matches!(field.kind, Kind::Fixed(_))
}

/// Writes the value; in a `Result` if that can fail.
fn call(field: &Field) -> String {
    let ident = field.ident();
    let by_reference = |name: &str| {
        if field.is_nullable() {
            format!("w.nullable_{name}(self.{ident}.as_ref())")
        } else {
            format!("w.{name}(&self.{ident})")
        }
    };
    match (&field.kind, field.is_nullable()) {
        (Kind::Fixed(fixed), _) => format!("w.{}(self.{ident})", fixed.method()),
        (Kind::String, _) => by_reference("string"),
        (Kind::Bytes, _) => by_reference("bytes"),
        (Kind::Records, _) => by_reference("records"),
        (Kind::Struct(_), false) => format!("self.{ident}.encode(w, version)"),
        (Kind::Struct(_), true) if field.tag.is_some() => {
            format!("w.nullable_tagged_part(self.{ident}.as_ref(), version)")
        }
        (Kind::Struct(_), true) => format!("w.nullable_part(self.{ident}.as_ref(), version)"),
        (Kind::Array(_), false) => format!("w.array(&self.{ident}, version)"),
        (Kind::Array(_), true) => format!("w.nullable_array(self.{ident}.as_deref(), version)"),
    }
}

/// A sum: what is the same for all values of this type, then what is not.
pub(super) fn len(part: &Struct, flexible: Versions) -> String {
    // The count of tagged fields.
    let mut fixed = usize::from(!flexible.is_empty());
    let mut terms = Vec::new();
    for field in &part.fields {
        // A tag and a size.
        fixed += if field.tag.is_some() { 6 } else { 0 };
        let ident = field.ident();
        match (&field.kind, field.is_nullable()) {
            (Kind::Fixed(kind), _) => fixed += kind.wire_bytes(),
            (Kind::Records, false) => {
                fixed += 5;
                terms.push(format!("self.{ident}.copied_len()"));
            }
            (Kind::Records, true) => {
                fixed += 5;
                terms.push(format!(
                    "self.{ident}.as_ref().map_or(0, RecordSet::copied_len)"
                ));
            }
            (Kind::String | Kind::Bytes, false) => {
                fixed += 5;
                terms.push(format!("self.{ident}.len()"));
            }
            (Kind::String | Kind::Bytes, true) => {
                fixed += 5;
                terms.push(format!(
                    "self.{ident}.as_ref().map_or(0, |value| value.len())"
                ));
            }
            (Kind::Struct(_), false) => terms.push(format!("self.{ident}.encoded_len()")),
            (Kind::Struct(_), true) => {
                fixed += 1;
                terms.push(format!(
                    "self.{ident}.as_ref().map_or(0, Part::encoded_len)"
                ));
            }
            (Kind::Array(_), false) => terms.push(format!("array_len(&self.{ident})")),
            (Kind::Array(_), true) => {
                terms.push(format!(
                    "array_len(self.{ident}.as_deref().unwrap_or_default())"
                ));
            }
        }
    }
    terms.insert(0, fixed.to_string());
    terms.join(" + ")
}
