//! `cargo xtask tidy`: the rules of the house that the compiler does not know.
//!
//! Each rule is a function from the repository to a list of complaints; nothing is written.

mod arrows;
mod files;
mod links;
mod seams;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// What the rules look at: the crates as cargo sees them and the files as git sees them.
pub(crate) struct Repo {
    root: PathBuf,
    packages: Vec<Package>,
    files: Vec<String>,
}

/// One workspace member.
pub(crate) struct Package {
    name: String,
    /// Folder relative to the root, for example `crates/storage`.
    dir: String,
    /// Names of what it needs to run, ours and others'; build and dev dependencies are left out.
    dependencies: Vec<String>,
}

/// Runs every rule and fails with the list of complaints.
#[expect(clippy::print_stdout, reason = "a command line says what it did")]
pub(crate) fn run() -> Result<()> {
    let repo = Repo::read()?;
    let complaints: Vec<String> = [
        arrows::check(&repo),
        seams::check(&repo)?,
        files::check(&repo)?,
        links::check(&repo)?,
    ]
    .concat();
    if complaints.is_empty() {
        println!(
            "tidy: {} crates, {} files, nothing to complain of",
            repo.packages.len(),
            repo.files.len()
        );
        return Ok(());
    }
    bail!("tidy:\n  {}", complaints.join("\n  "))
}

impl Repo {
    fn read() -> Result<Self> {
        let metadata = output(
            "cargo",
            &[
                "metadata",
                "--format-version",
                "1",
                "--no-deps",
                "--offline",
            ],
        )?;
        let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
        let root = PathBuf::from(text(&metadata["workspace_root"])?);
        let packages = metadata["packages"]
            .as_array()
            .context("cargo metadata lists no packages")?
            .iter()
            .map(|package| Package::read(package, &root))
            .collect::<Result<_>>()?;
        let listed = output(
            "git",
            &["ls-files", "--cached", "--others", "--exclude-standard"],
        )?;
        let exists = |file: &&str| root.join(file).try_exists().unwrap_or(false);
        let files = listed.lines().filter(exists).map(str::to_owned).collect();
        Ok(Self {
            root,
            packages,
            files,
        })
    }

    /// Text of a file, `None` when it is not UTF-8.
    fn text(&self, file: &str) -> Result<Option<String>> {
        let bytes =
            std::fs::read(self.root.join(file)).with_context(|| format!("reading {file}"))?;
        Ok(String::from_utf8(bytes).ok())
    }

    fn rust_files(&self) -> impl Iterator<Item = &str> {
        self.files
            .iter()
            .map(String::as_str)
            .filter(|f| f.ends_with(".rs"))
    }
}

impl Package {
    fn read(package: &serde_json::Value, root: &Path) -> Result<Self> {
        let manifest = PathBuf::from(text(&package["manifest_path"])?);
        let dir = manifest
            .parent()
            .context("a manifest has a folder")?
            .strip_prefix(root)?;
        let dependencies = package["dependencies"]
            .as_array()
            .context("a package has a list of dependencies")?
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| text(&dependency["name"]).map(str::to_owned))
            .collect::<Result<_>>()?;
        Ok(Self {
            name: text(&package["name"])?.to_owned(),
            dir: dir.display().to_string(),
            dependencies,
        })
    }
}

fn text(value: &serde_json::Value) -> Result<&str> {
    value
        .as_str()
        .context("cargo metadata has another shape than expected")
}

fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let done = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("running {program}"))?;
    if !done.status.success() {
        bail!(
            "{program} {arguments:?} failed: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
    Ok(String::from_utf8(done.stdout)?)
}
