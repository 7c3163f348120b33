//! Files: one story each, opened by a `//!`, nothing left for later, nothing heavy.

use anyhow::Result;

use super::Repo;

/// A file longer than this has a second story in it (STYLE: look for it at 400).
const LINES_MAX: usize = 500;
/// Larger files are data or build products, which do not belong here.
const BYTES_MAX: u64 = 1 << 20;
/// Long by nature: one table or generated.
const LONG: &[&str] = &[
    "crates/protocol/src/messages/",
    "crates/protocol/src/api_key/table.rs",
    "crates/config/src/keys/",
];
const BINARY: &[&str] = &[
    ".jar", ".so", ".o", ".a", ".zip", ".gz", ".exe", ".class", ".png",
];

pub(super) fn check(repo: &Repo) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for file in &repo.files {
        let size = repo.root.join(file).metadata()?.len();
        if size > BYTES_MAX && file != "Cargo.lock" {
            complaints.push(format!("{file}: {size} bytes"));
        }
        if BINARY.iter().any(|end| file.ends_with(end)) {
            complaints.push(format!("{file}: binaries are not kept in the repository"));
        }
    }
    for file in repo.rust_files() {
        let Some(text) = repo.text(file)? else {
            complaints.push(format!("{file}: not UTF-8"));
            continue;
        };
        complaints.extend(
            of_rust(file, &text)
                .into_iter()
                .map(|what| format!("{file}: {what}")),
        );
    }
    Ok(complaints)
}

/// Tests in a file of their own belong to the file that names them.
fn is_test(file: &str) -> bool {
    file.ends_with("/tests.rs") || file.contains("/tests/") || file.ends_with("/testing.rs")
}

fn of_rust(file: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX && !LONG.iter().any(|dir| file.starts_with(dir)) {
        complaints.push(format!("{lines} lines: which is the second story?"));
    }
    let opened = text
        .lines()
        .find(|line| !line.starts_with("#!") && !line.is_empty());
    if !is_test(file) && !opened.is_some_and(|line| line.starts_with("//!")) {
        complaints.push("does not open with a //! that says what it is for".to_owned());
    }
    if file.starts_with("xtask/") {
        return complaints;
    }
    for (number, line) in text.lines().enumerate() {
        let left = line.contains("TODO") || line.contains("FIXME") || line.contains("XXX");
        if left && !line.contains("issue ") {
            complaints.push(format!(
                "line {}: left for later without an issue number",
                number + 1
            ));
        }
        if line.trim_start().starts_with("#[ignore") {
            complaints.push(format!(
                "line {}: a test is not skipped; assert what holds today",
                number + 1
            ));
        }
    }
    complaints
}
