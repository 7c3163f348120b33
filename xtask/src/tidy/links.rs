//! Relative links in Markdown lead somewhere, so that the documents stay true as files move.

use std::path::Path;

use anyhow::Result;

use super::Repo;

pub(super) fn check(repo: &Repo) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for file in repo.files.iter().filter(|f| f.ends_with(".md")) {
        let Some(text) = repo.text(file)? else {
            continue;
        };
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        for target in targets(&text)
            .filter(|t| !t.contains("://") && !t.starts_with('#') && !t.starts_with("mailto:"))
        {
            let path = target.split('#').next().unwrap_or_default();
            if !repo.root.join(folder).join(path).try_exists()? {
                complaints.push(format!("{file}: link to {target} leads nowhere"));
            }
        }
    }
    Ok(complaints)
}

/// What stands in the round brackets of `[text](target)`.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
}
