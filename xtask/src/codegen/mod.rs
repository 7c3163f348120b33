//! Writes the message codecs and the API table of crate `protocol` from its schema tables.
//!
//! ```text
//! schema/apis.tsv ──────┬─ Api ──────────────────── emit::api_key ── api_key/table.rs
//! schema/messages.tsv ──┼─ Message, Struct, Field ─ emit::message ── messages/<api>.rs
//! schema/data.tsv ──────┴─ Data ─────────────────── emit::data ───── data/<module>.rs
//! ```

mod emit;
mod schema;
mod table;
mod versions;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

use schema::{Api, Data, Message};

const USAGE: &str = "usage: cargo run -p xtask -- codegen [--check]";

/// Writes the generated files, or with `--check` only says whether they are what it would write.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let protocol = workspace().join("crates/protocol");
    let files = generate(&protocol)?;
    match arguments.as_slice() {
        [] => write(&protocol, &files),
        ["--check"] => check(&protocol, &files),
        _ => bail!(USAGE),
    }
}

fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The text of every generated file, by its path in the crate's `src`.
type Files = BTreeMap<PathBuf, String>;

fn generate(protocol: &Path) -> anyhow::Result<Files> {
    let schema = protocol.join("schema");
    let rows = table::read(&schema.join("messages.tsv"))?;
    let apis: Vec<Api> = table::read(&schema.join("apis.tsv"))?
        .iter()
        .map(|row| Api::parse(row).with_context(|| format!("in {row:?}")))
        .collect::<anyhow::Result<_>>()?;

    let mut files = Files::new();
    let mut add = |path: &str, text: String| -> anyhow::Result<()> {
        let formatted = rustfmt(&text).with_context(|| format!("cannot format {path}"))?;
        files.insert(PathBuf::from(path), formatted);
        Ok(())
    };
    add("api_key/table.rs", emit::api_key(&apis))?;
    let with_codec: Vec<&Api> = apis.iter().filter(|api| api.has_codec).collect();
    add("messages/mod.rs", emit::index(&with_codec))?;
    for api in with_codec {
        let request = Message::build(&format!("{}Request", api.name), api.versions, &rows)?;
        let response = Message::build(&format!("{}Response", api.name), api.versions, &rows)?;
        let path = format!("messages/{}.rs", emit::snake_case(&api.name));
        add(&path, emit::message(api, request, response)?)?;
    }
    let data: Vec<Data> = table::read(&schema.join("data.tsv"))?
        .iter()
        .map(|row| Data::parse(row, &rows).with_context(|| format!("in {row:?}")))
        .collect::<anyhow::Result<_>>()?;
    add("data/mod.rs", emit::data_index(&data))?;
    let mut modules: BTreeMap<String, Vec<(Data, Message)>> = BTreeMap::new();
    for data in data {
        let message = Message::build(&data.schema, data.versions, &rows)?;
        let module = modules.entry(data.module.clone()).or_default();
        module.push((data, message));
    }
    for (module, messages) in modules {
        let path = format!("data/{module}.rs");
        add(&path, emit::data(&module, &messages)?)?;
    }
    Ok(files)
}

fn rustfmt(text: &str) -> anyhow::Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(workspace().join("rustfmt.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start rustfmt")?;
    let mut stdin = child.stdin.take().context("rustfmt has no stdin")?;
    // It prints nothing before it has read everything, so this cannot block on a full pipe.
    stdin.write_all(text.as_bytes())?;
    drop(stdin);
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "rustfmt refused the text:\n{text}");
    Ok(String::from_utf8(output.stdout)?)
}

fn write(protocol: &Path, files: &Files) -> anyhow::Result<()> {
    for stale in stale_files(protocol, files)? {
        std::fs::remove_file(&stale)
            .with_context(|| format!("cannot remove {}", stale.display()))?;
    }
    for (path, text) in files {
        let path = protocol.join("src").join(path);
        // An unchanged file keeps its time, so that nothing is compiled anew for it.
        if std::fs::read_to_string(&path).is_ok_and(|old| old == *text) {
            continue;
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn check(protocol: &Path, files: &Files) -> anyhow::Result<()> {
    let mut wrong = stale_files(protocol, files)?;
    for (path, text) in files {
        let path = protocol.join("src").join(path);
        if std::fs::read_to_string(&path).ok().as_ref() != Some(text) {
            wrong.insert(path);
        }
    }
    let Some(first) = wrong.first() else {
        return Ok(());
    };
    bail!(
        "{} and {} more are not what the schema says; run: cargo run -p xtask -- codegen",
        first.display(),
        wrong.len() - 1
    );
}

/// Files in `messages/` and `data/` that nothing generates any more.
fn stale_files(protocol: &Path, files: &Files) -> anyhow::Result<BTreeSet<PathBuf>> {
    let source = protocol.join("src");
    let mut stale = BTreeSet::new();
    for folder in ["messages", "data"] {
        for entry in std::fs::read_dir(source.join(folder))? {
            let path = entry?.path();
            let is_rust = path.extension() == Some(OsStr::new("rs"));
            if is_rust && !files.contains_key(path.strip_prefix(&source)?) {
                stale.insert(path);
            }
        }
    }
    Ok(stale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checked_in_code_is_what_the_schema_says() {
        run(&["--check".to_owned()]).expect("up to date");
    }
}
