//! Rules for documents: what they link to is there.

use std::path::Path;

use super::{Finding, Source};

pub(super) fn check(root: &Path, file: &Source) -> Vec<Finding> {
    if file
        .path
        .extension()
        .is_none_or(|extension| extension != "md")
    {
        return Vec::new();
    }
    let folder = root
        .join(&file.path)
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default();
    let mut findings = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        for target in links(line) {
            let path = target.split('#').next().unwrap_or_default();
            let elsewhere =
                target.contains("://") || target.starts_with("mailto:") || path.is_empty();
            if !elsewhere && folder.join(path).symlink_metadata().is_err() {
                findings.push(Finding::error(
                    &file.path,
                    at + 1,
                    format!("links to `{path}`, which is not there"),
                ));
            }
        }
    }
    findings
}

/// The targets of `[text](target)` in a line.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
}
