//! The rules that keep the house in order, checked over the files that git knows.
//!
//! Each rule is a function from files to findings; nothing here changes a file.

mod arrows;
mod documents;
mod sources;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// A broken rule, or a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    file: PathBuf,
    /// From 1; 0 means the whole file.
    line: usize,
    text: String,
    wish: bool,
}

impl Finding {
    fn error(file: &Path, line: usize, text: impl Into<String>) -> Self {
        Self {
            file: file.to_path_buf(),
            line,
            text: text.into(),
            wish: false,
        }
    }

    fn wish(file: &Path, text: impl Into<String>) -> Self {
        Self {
            file: file.to_path_buf(),
            line: 0,
            text: text.into(),
            wish: true,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.wish { "wish" } else { "error" };
        write!(f, "{kind}: {}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.text)
    }
}

/// A text file of the repository, by its path from the root.
struct Source {
    path: PathBuf,
    text: String,
}

/// Prints the errors that are found, which fail, and on demand the wishes.
pub(crate) fn report(root: &Path, wishes: bool) -> Result<()> {
    let findings = check(root)?;
    for finding in findings.iter().filter(|finding| wishes || !finding.wish) {
        eprintln!("{finding}");
    }
    let errors = findings.iter().filter(|finding| !finding.wish).count();
    if errors > 0 {
        bail!("{errors} rules of the house are broken");
    }
    Ok(())
}

fn check(root: &Path) -> Result<Vec<Finding>> {
    let files = sources(root)?;
    let mut findings = arrows::check(&metadata(root)?)?;
    findings.extend(files.iter().flat_map(sources::check));
    findings.extend(files.iter().flat_map(|file| documents::check(root, file)));
    findings.extend(words::check(&files));
    Ok(findings)
}

/// The documents of the repository and what they say.
pub(crate) fn documents(root: &Path) -> Result<impl Iterator<Item = (PathBuf, String)>> {
    let is_document = |source: &Source| {
        source
            .path
            .extension()
            .is_some_and(|extension| extension == "md")
    };
    Ok(sources(root)?
        .into_iter()
        .filter(is_document)
        .map(|source| (source.path, source.text)))
}

/// Every text file that is in git or about to be.
fn sources(root: &Path) -> Result<Vec<Source>> {
    let listed = output(
        root,
        "git",
        &[
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
    )?;
    let mut sources = Vec::new();
    for path in listed.split('\0').filter(|path| !path.is_empty()) {
        // A file removed but not yet committed is listed and gone; a picture is no text.
        let Ok(bytes) = std::fs::read(root.join(path)) else {
            continue;
        };
        if let Ok(text) = String::from_utf8(bytes) {
            sources.push(Source {
                path: PathBuf::from(path),
                text,
            });
        }
    }
    Ok(sources)
}

fn metadata(root: &Path) -> Result<serde_json::Value> {
    let text = output(
        root,
        "cargo",
        &[
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ],
    )?;
    serde_json::from_str(&text).context("cargo metadata is not JSON")
}

fn output(root: &Path, program: &str, words: &[&str]) -> Result<String> {
    let output = Command::new(program).args(words).current_dir(root).output();
    let output = output.with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        bail!(
            "{program} {}: {}",
            words.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}
