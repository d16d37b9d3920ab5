//! Files that a Dockerfile copies and the folder does not have: known before a build, told with the line.

use std::path::Path;

use super::{CopyFact, DockerfileFacts};
use crate::error::WorkshopError;
use crate::ignore::DockerIgnore;
use crate::name;
use crate::snapshot::Snapshot;

/// One source of a `COPY` that is not in the build context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingCopy {
    /// The source as written.
    pub source: String,
    /// From 1.
    pub line: u32,
    /// The instruction.
    pub text: String,
    /// What to do about it.
    pub hint: String,
}

impl MissingCopy {
    /// As an error of the Dockerfile at `path`.
    pub fn into_error(self, path: &str) -> WorkshopError {
        WorkshopError::CopyMissing {
            file: path.to_owned(),
            line: self.line,
            missing: self.source,
            hint: self.hint,
            text: self.text,
        }
    }
}

/// Every source of a `COPY` or `ADD` that is not in the snapshot. `context` is the build context relative to the snapshot's
/// root, `""` for the root itself.
pub fn missing_copies(
    facts: &DockerfileFacts,
    snapshot: &Snapshot,
    root: &Path,
    context: &str,
) -> Vec<MissingCopy> {
    let mut missing = Vec::new();
    for copy in facts.copies.iter().filter(|copy| copy.from.is_none()) {
        for source in &copy.sources {
            if let Some(hint) = absence(source, snapshot, root, context) {
                missing.push(describe(copy, source, hint));
            }
        }
    }
    missing
}

fn describe(copy: &CopyFact, source: &str, hint: String) -> MissingCopy {
    MissingCopy {
        source: source.to_owned(),
        line: copy.line,
        text: copy.text.clone(),
        hint,
    }
}

/// What to do about a source that is not there; `None` when it is there, or cannot be judged.
fn absence(source: &str, snapshot: &Snapshot, root: &Path, context: &str) -> Option<String> {
    if source.contains("://") || source.starts_with("git@") || source.contains('$') {
        return None;
    }
    let inside = source
        .trim_start_matches("./")
        .trim_start_matches('/')
        .trim_end_matches('/');
    let inside = if inside == "." { "" } else { inside };
    if inside.split('/').any(|part| part == "..") {
        return Some("Copy from within the folder: the build context ends there".to_owned());
    }
    let path = if context.is_empty() {
        inside.to_owned()
    } else {
        format!("{context}/{inside}")
            .trim_end_matches('/')
            .to_owned()
    };
    if snapshot.file(&path).is_some() || snapshot.has_directory(&path) {
        return None;
    }
    if inside.contains(['*', '?', '[']) {
        let pattern = DockerIgnore::from_patterns([path.as_str()]);
        let found = snapshot
            .files
            .iter()
            .any(|file| pattern.excludes(&file.path));
        return (!found)
            .then(|| "Nothing matches the pattern; correct it or remove the line".to_owned());
    }
    if root.join(&path).symlink_metadata().is_ok() {
        return Some(
            "It is in the folder but left out by .dockerignore; add an exception with ! there"
                .to_owned(),
        );
    }
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let prefix = if parent.is_empty() {
        String::new()
    } else {
        format!("{parent}/")
    };
    let beside = snapshot
        .files
        .iter()
        .filter_map(|file| file.path.strip_prefix(&prefix))
        .filter_map(|rest| rest.split('/').next());
    let wanted = path.rsplit('/').next().unwrap_or(&path);
    Some(match name::nearest(wanted, beside) {
        Some(nearest) => format!("Did you mean {prefix}{nearest}?"),
        None => format!("Add {path} to the folder or remove the line"),
    })
}
