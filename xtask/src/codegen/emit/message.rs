//! `messages/<api>.rs`: the structs of a request and a response, and their codecs.

use anyhow::ensure;

use super::{GENERATED, decode, encode};
use crate::codegen::schema::{Api, Kind, Message, Struct};
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
            body += &definition(api, message, part, is_root)?;
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

fn definition(
    api: &Api,
    message: &Message,
    part: &Struct,
    is_root: bool,
) -> anyhow::Result<String> {
    let Struct {
        name,
        path,
        live,
        fields,
    } = part;
    let doc = if is_root {
        let Versions { min, max } = message.versions;
        let is_request = message.name.ends_with("Request");
        let kind = if is_request { "request" } else { "response" };
        format!("Body of a `{}` {kind}, versions {min}-{max}.", api.name)
    } else {
        format!("`{path}` in `{}`.", message.name)
    };
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
    if mentions(body, "Bytes") {
        text += "use bytes::Bytes;\n";
    }
    if mentions(body, "Uuid") {
        text += "use types::Uuid;\n";
    }
    if !text.is_empty() {
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
