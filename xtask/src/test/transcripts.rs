//! Commands that documents show are commands that exist.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::command::{capture, command};
use crate::places::Places;
use crate::tidy;

/// Asks the built `nasiko` for help on every command that a code block of a document starts a line with.
pub(crate) fn check(places: &Places) -> Result<()> {
    let mut shown = BTreeSet::new();
    for (path, text) in tidy::documents(&places.root)? {
        for line in code_lines(&text) {
            if let Some(verb) = verb(line) {
                shown.insert((verb.to_owned(), path.clone()));
            }
        }
    }
    let mut unknown = Vec::new();
    for (verb, path) in &shown {
        let mut help = command(places, places.program("debug", "nasiko"));
        if capture(help.args([verb, "--help"]), Duration::from_secs(10)).is_err() {
            unknown.push(format!("{}: `nasiko {verb}`", path.display()));
        }
    }
    if !unknown.is_empty() {
        bail!(
            "documents show commands that do not exist:\n{}",
            unknown.join("\n")
        );
    }
    Ok(())
}

/// The lines inside fenced blocks.
fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        inside && !fence
    })
}

/// The word after `nasiko`, if a line is such a command.
fn verb(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let mut words = line.strip_prefix("$ ").unwrap_or(line).split_whitespace();
    let verb = words
        .by_ref()
        .find(|word| !word.contains('='))
        .filter(|word| *word == "nasiko")
        .and(words.next())?;
    verb.bytes()
        .all(|b| b.is_ascii_lowercase() || b == b'-')
        .then_some(verb)
        .filter(|verb| !verb.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::{code_lines, verb};

    #[test]
    fn commands_are_found_in_code_only() {
        let text = "nasiko prose\n```sh\n$ nasiko deploy . --watch\nNASIKO_HOME=/x nasiko ps\nls\nnasiko --help\n```\nnasiko no\n";
        let verbs: Vec<&str> = code_lines(text).filter_map(verb).collect();
        assert_eq!(verbs, ["deploy", "ps"]);
    }
}
