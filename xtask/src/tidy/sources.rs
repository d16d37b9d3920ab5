//! Rules for single files: their size, their header, and what must not be left in them.

use std::path::Path;

use super::{Finding, Source};

const AIM: usize = 300;
const LIMIT: usize = 500;
/// Not even tests and tables.
const HARD_LIMIT: usize = 800;
/// A component that is longer does more than show.
const VIEW: usize = 150;

/// Leftovers. Spelled in halves, since this file is checked, too.
const LEFTOVERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
];

/// The one reason for which a test may be left out of a run; any other one is told when it runs.
const CHILD: &str = "runs as the child of";

/// What belongs to somebody's machine or network and not into the repository.
const FOREIGN: &[&str] = &[
    concat!("/ro", "ot/."),
    concat!("/wo", "rk/main"),
    concat!("/wo", "rk/shared"),
    concat!("/tmp/", "brief"),
    concat!("py", "pi.org"),
    concat!("files.python", "hosted.org"),
    concat!("registry.np", "mjs.org"),
    concat!("deb.deb", "ian.org"),
    concat!("static.rust", "-lang.org"),
    concat!("index.crates", ".io"),
    concat!("registry-1.docker", ".io"),
];

pub(super) fn check(file: &Source) -> Vec<Finding> {
    let generated = file
        .path
        .file_name()
        .is_some_and(|name| name == "Cargo.lock" || name == "package-lock.json");
    if generated {
        return Vec::new();
    }
    let mut findings = leftovers(file);
    if file
        .path
        .extension()
        .is_some_and(|extension| extension == "rs")
    {
        findings.extend(size(file));
        findings.extend(header(file));
        if file.path.file_name().is_some_and(|name| name == "mod.rs") {
            findings.push(Finding::error(
                &file.path,
                0,
                "modules are named `foo.rs` beside `foo/`",
            ));
        }
    }
    findings
}

fn size(file: &Source) -> Option<Finding> {
    let lines = file.text.lines().count();
    let text = |limit: usize| format!("{lines} lines, more than {limit}");
    if lines > HARD_LIMIT && !is_test(&file.path) {
        return Some(Finding::error(&file.path, 0, text(HARD_LIMIT)));
    }
    if lines > LIMIT && !is_test(&file.path) {
        return Some(Finding::error(&file.path, 0, text(LIMIT)));
    }
    let view = file.path.starts_with("ui/src") && file.text.contains("#[component]");
    let aim = if view { VIEW } else { AIM };
    (lines > aim && !is_test(&file.path)).then(|| Finding::wish(&file.path, text(aim)))
}

/// The root of a crate says what the crate owns and what it never does.
fn header(file: &Source) -> Option<Finding> {
    let root = file.path.ends_with("src/lib.rs") || file.path.ends_with("src/main.rs");
    if !root {
        return None;
    }
    let header: String = file
        .text
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .collect();
    let header = header.to_lowercase();
    let said = header.contains("owns") && header.contains("never");
    (!said).then(|| {
        Finding::error(
            &file.path,
            1,
            "the crate's `//!` says what it owns and what it must never know",
        )
    })
}

fn leftovers(file: &Source) -> Vec<Finding> {
    let is_rust = file
        .path
        .extension()
        .is_some_and(|extension| extension == "rs");
    let mut findings = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        if let Some(word) = LEFTOVERS
            .iter()
            .find(|word| is_rust && line.contains(**word))
        {
            findings.push(Finding::error(
                &file.path,
                at + 1,
                format!("`{word}` is for issues, not for code"),
            ));
        }
        if is_rust
            && line.trim_start().starts_with(concat!("#[ig", "nore"))
            && !line.contains(CHILD)
        {
            let text = format!("only a test that `{CHILD}` another may be ignored");
            findings.push(Finding::error(&file.path, at + 1, text));
        }
        if let Some(place) = FOREIGN.iter().find(|place| line.contains(**place)) {
            findings.push(Finding::error(
                &file.path,
                at + 1,
                format!("`{place}` belongs to one machine or network"),
            ));
        }
    }
    findings
}

pub(super) fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests")
        || path
            .file_stem()
            .is_some_and(|stem| stem.to_string_lossy().ends_with("tests"))
}
