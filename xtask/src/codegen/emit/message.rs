//! `messages/<api>.rs` and `data/<module>.rs`: structs and their codecs.

use anyhow::ensure;

use super::{GENERATED, decode, encode};
use crate::codegen::schema::{Api, Data, Kind, Message, Struct};
use crate::codegen::versions::Versions;

pub(in crate::codegen) fn message(
    api: &Api,
    mut request: Message,
    mut response: Message,
) -> anyhow::Result<String> {
    separate(&mut request, &mut response);
    let mut body = String::new();
    for (message, others) in [(&request, None), (&response, Some(&request))] {
        for (i, part) in message.structs.iter().enumerate() {
            // A struct that both share is written once.
            let is_shared = others.is_some_and(|other| find(other, &part.name).is_some());
            if is_shared {
                continue;
            }
            let is_root = i == 0;
            body += &definition(message, part, is_root.then(|| doc(api, message)))?;
            body += &implementation(message, part, is_root)?;
            if is_root && others.is_none() {
                body += &request_impl(api);
            }
        }
    }
    let name = &api.name;
    Ok(format!(
        "//! `{name}` (key {}): request and response.\n//!\n{GENERATED}\n{}\n{body}",
        api.key,
        imports(&body)
    ))
}

/// A module of what is stored or embedded rather than sent.
pub(in crate::codegen) fn data(
    module: &str,
    messages: &[(Data, Message)],
) -> anyhow::Result<String> {
    let mut body = String::new();
    for (data, message) in messages {
        for (i, part) in message.structs.iter().enumerate() {
            let is_root = i == 0;
            let doc = format!("`{}`, {}.", message.name, versions(message));
            body += &definition(message, part, is_root.then_some(doc))?;
            body += &implementation(message, part, is_root)?;
            if is_root {
                body += &data_impl(data, message);
            }
        }
    }
    Ok(format!(
        "//! `{module}`: what is stored or embedded.\n//!\n{GENERATED}\n{}\n{body}",
        imports(&body)
    ))
}

fn data_impl(data: &Data, message: &Message) -> String {
    let Versions { min, max } = message.versions;
    let record_type = data.record_type.map_or_else(String::new, |record_type| {
        format!(
            "/// The number in front of the key, which says what the record is.
pub const RECORD_TYPE: i16 = {record_type};
"
        )
    });
    format!(
        "impl {} {{
/// The versions that can be read and written.
pub const VERSIONS: RangeInclusive<i16> = {min}..={max};
{record_type}}}

",
        message.name
    )
}

fn versions(message: &Message) -> String {
    let Versions { min, max } = message.versions;
    if min == max {
        format!("version {min}")
    } else {
        format!("versions {min}-{max}")
    }
}

fn doc(api: &Api, message: &Message) -> String {
    let Versions { min, max } = message.versions;
    let is_request = message.name.ends_with("Request");
    let kind = if is_request { "request" } else { "response" };
    format!("Body of a `{}` {kind}, versions {min}-{max}.", api.name)
}

fn find<'a>(message: &'a Message, name: &str) -> Option<&'a Struct> {
    message.structs.iter().find(|part| part.name == name)
}

/// Gives structs of the same name but different content different names. A struct that holds such
/// a struct has different content, too.
fn separate(request: &mut Message, response: &mut Message) {
    loop {
        let differs = |part: &Struct| {
            find(response, &part.name)
                .is_some_and(|other| part.fields != other.fields || part.live != other.live)
        };
        let Some(name) = request.structs.iter().find(|part| differs(part)) else {
            return;
        };
        let name = name.name.clone();
        rename(request, &name, &format!("Request{name}"));
        rename(response, &name, &format!("Response{name}"));
    }
}

fn rename(message: &mut Message, from: &str, to: &str) {
    for part in &mut message.structs {
        if part.name == from {
            to.clone_into(&mut part.name);
        }
        for field in &mut part.fields {
            rename_kind(&mut field.kind, from, to);
        }
    }
}

fn rename_kind(kind: &mut Kind, from: &str, to: &str) {
    match kind {
        Kind::Struct(name) if name == from => to.clone_into(name),
        Kind::Array(element) => rename_kind(element, from, to),
        _ => {}
    }
}

/// `doc` is that of the outermost struct.
fn definition(message: &Message, part: &Struct, doc: Option<String>) -> anyhow::Result<String> {
    let Struct {
        name,
        path,
        live,
        fields,
    } = part;
    let doc = doc.unwrap_or_else(|| format!("`{path}` in `{}`.", message.name));
    let mut trivial = true;
    let mut members = String::new();
    let mut defaults = String::new();
    for field in fields {
        trivial &= field.is_default_trivial()?;
        let ident = field.ident();
        members += &format!(
            "/// {}.\npub {ident}: {},\n",
            field.doc(*live),
            field.rust_type()
        );
        defaults += &format!("{ident}: {},\n", field.default_value()?);
    }
    let derive_default = if trivial { ", Default" } else { "" };
    let mut text = format!(
        "/// {doc}\n#[derive(Debug, Clone, PartialEq{derive_default})]\npub struct {name} {{\n{members}}}\n\n"
    );
    if !trivial {
        text += &format!(
            "impl Default for {name} {{\nfn default() -> Self {{\nSelf {{\n{defaults}}}\n}}\n}}\n\n"
        );
    }
    Ok(text)
}

fn implementation(message: &Message, part: &Struct, is_root: bool) -> anyhow::Result<String> {
    let name = &part.name;
    let root = is_root.then_some(message);
    let flexible = message.flexible.and(part.live);
    for field in &part.fields {
        let is_flexible = field.tag.is_none() || field.versions.and(flexible) == field.versions;
        ensure!(
            is_flexible,
            "{name}.{} is tagged before tags exist",
            field.name
        );
    }
    let decode = decode::body(part, flexible, root)?;
    let encode = encode::body(part, flexible, root)?;
    let len = encode::len(part, flexible);
    let trait_name = if is_root { "Message" } else { "Part" };
    let version = |body: &str| {
        if mentions(body, "version") {
            "version"
        } else {
            "_version"
        }
    };
    Ok(format!(
        "impl {trait_name} for {name} {{
fn decode(r: &mut Reader, {}: i16) -> Result<Self, DecodeError> {{
{decode}}}

fn encode(&self, w: &mut Writer, {}: i16) -> Result<(), EncodeError> {{
{encode}}}

fn encoded_len(&self) -> usize {{
{len}
}}
}}

",
        version(&decode),
        version(&encode),
    ))
}

fn request_impl(api: &Api) -> String {
    let name = &api.name;
    format!(
        "impl Request for {name}Request {{
const KEY: ApiKey = ApiKey::{name};
type Response = {name}Response;
}}

"
    )
}

fn imports(body: &str) -> String {
    let used = |names: &[&str]| {
        let used: Vec<String> = names
            .iter()
            .filter(|name| mentions(body, name))
            .map(|name| (*name).to_owned())
            .collect();
        used.join(", ")
    };
    let mut text = String::new();
    if mentions(body, "RangeInclusive") {
        text += "use std::ops::RangeInclusive;\n\n";
    }
    let std = text.len();
    if mentions(body, "Bytes") {
        text += "use bytes::Bytes;\n";
    }
    if mentions(body, "Uuid") {
        text += "use types::Uuid;\n";
    }
    if text.len() > std {
        text.push('\n');
    }
    let wire = used(&[
        "DecodeError",
        "EncodeError",
        "Part",
        "Reader",
        "Writer",
        "array_len",
    ]);
    let ours = used(&["ApiKey", "Message", "RecordSet", "Request", "Str"]);
    text + &format!("use crate::wire::{{{wire}}};\nuse crate::{{{ours}}};\n")
}

/// Whether the text has this word outside of comments.
fn mentions(text: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.lines()
        .filter(|line| !line.starts_with("///"))
        .any(|line| line.split(|c| !is_word(c)).any(|part| part == word))
}
