//! Texts of the pages stand in their catalogue (`ui/src/words`): a literal elsewhere that reads as prose is found.
//!
//! Prose begins with a capital and a small letter, or has two words beside each other. What only looks so is known by
//! where it stands (a markup attribute that holds no text, a lint's reason), by what it is made of (classes of the
//! stylesheets, a selector, the name of a key), or is listed in [`DATA`].

use std::collections::BTreeSet;
use std::path::Path;

use super::{Finding, Source, sources::is_test};

const PAGES: &str = "ui/src/";
const STYLES: &str = "ui/static/styles/";
/// The catalogue, and what only those see who work on the pages.
const APART: &[&str] = &["ui/src/words", "ui/src/fixtures", "ui/src/pages/gallery"];

/// Attributes, of markup and of lints, that hold no text.
const ATTRIBUTES: &[&str] = &["class=", "rel=", "reason ="];

/// Keys as browsers name them.
const KEYS: &[&str] = &[
    "ArrowDown",
    "ArrowLeft",
    "ArrowRight",
    "ArrowUp",
    "Backspace",
    "End",
    "Enter",
    "Escape",
    "Home",
    "PageDown",
    "PageUp",
    "Space",
    "Tab",
];

/// Symbols of units.
const UNITS: &[&str] = &["µs", "ms", "min"];

/// Literals that look like texts and are not, by file.
const DATA: &[(&str, &[&str])] = &[
    // The word by which a browser tells its system.
    ("ui/src/browser/keys.rs", &["Mac"]),
    // Modifiers, as browsers and `aria-keyshortcuts` name them.
    (
        "ui/src/model/keys.rs",
        &[
            "Alt",
            "Alt+",
            "AltGraph",
            "CapsLock",
            "Control",
            "Dead",
            "Meta",
            "Process",
            "Shift",
            "Shift+",
            "Unidentified",
        ],
    ),
    // What programs write into their logs.
    (
        "ui/src/model/log_level.rs",
        &["Error", "Exception", "Info", "Traceback", "Warning"],
    ),
    // The kind of a drag, as browsers name it.
    ("ui/src/pages/drop/arrivals.rs", &["Files"]),
    // Natively, where pages are never shown.
    ("ui/src/shell.rs", &["There is no window"]),
    // What choices are remembered by.
    (
        "ui/src/theme.rs",
        &[
            "Compact",
            "Dark",
            "High contrast, dark",
            "High contrast, light",
            "Light",
            "Roomy",
            "System",
        ],
    ),
];

pub(super) fn check(files: &[Source]) -> Vec<Finding> {
    let classes: BTreeSet<&str> = files
        .iter()
        .filter(|file| file.path.starts_with(STYLES))
        .flat_map(|file| classes(&file.text))
        .collect();
    let pages = files.iter().filter(|file| is_page(&file.path));
    pages.flat_map(|file| texts(file, &classes)).collect()
}

fn is_page(path: &Path) -> bool {
    let name = path.to_string_lossy();
    path.extension().is_some_and(|extension| extension == "rs")
        && name.starts_with(PAGES)
        && !APART.iter().any(|apart| name.starts_with(apart))
        && !is_test(path)
}

fn texts(file: &Source, classes: &BTreeSet<&str>) -> Vec<Finding> {
    let data = DATA.iter().find(|(path, _)| file.path == Path::new(path));
    let data = data.map_or(&[][..], |(_, literals)| literals);
    let code = file.text.split("\nmod tests {").next().unwrap_or_default();
    literals(code)
        .into_iter()
        .filter(|(before, literal)| {
            is_prose(literal, classes)
                && !KEYS.contains(literal)
                && !data.contains(literal)
                && !is_attribute(before)
        })
        .map(|(before, literal)| {
            let line = before.matches('\n').count() + 1;
            let text =
                format!("`{literal}` reads as a text of the pages: it belongs into ui/src/words");
            Finding::error(&file.path, line, text)
        })
        .collect()
}

/// Whether what comes after it belongs to an attribute that holds no text.
fn is_attribute(before: &str) -> bool {
    let line = before.lines().next_back().unwrap_or_default();
    ATTRIBUTES.iter().any(|attribute| {
        let value = line.rsplit_once(attribute).map(|(_, value)| value);
        value.is_some_and(|value| !value.contains(['>', '"']))
    })
}

/// The string literals of a source, each with all that stands before it.
fn literals(code: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = code[at..].find(['"', '\'', '/']) {
        let (before, rest) = code.split_at(at + next);
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(inner) = rest.strip_prefix('"') {
            let length = string_length(before, inner);
            found.push((before, &inner[..length]));
            length + 2
        } else if rest.starts_with("'\\") {
            quoted(&rest[1..], '\'') + 2
        } else if rest.chars().nth(2) == Some('\'') {
            rest.chars().take(3).map(char::len_utf8).sum()
        } else {
            1
        };
        at = code.len().min(before.len() + length);
    }
    found
}

/// Bytes between the quotes of a string literal. An `r` before it, and its hashes, make it a raw one.
fn string_length(before: &str, inner: &str) -> usize {
    let unhashed = before.trim_end_matches('#');
    if unhashed.ends_with('r') {
        let end = format!("\"{}", "#".repeat(before.len() - unhashed.len()));
        inner.find(&end).unwrap_or(inner.len())
    } else {
        quoted(inner, '"')
    }
}

/// Bytes up to the end of what is quoted.
fn quoted(text: &str, end: char) -> usize {
    let mut is_escaped = false;
    let last = |letter: char| {
        let ends = letter == end && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        ends
    };
    text.find(last).unwrap_or(text.len())
}

fn is_prose(literal: &str, classes: &BTreeSet<&str>) -> bool {
    // A selector.
    if literal.contains('[') {
        return false;
    }
    let mut letters = literal.chars();
    let begins = letters.next().is_some_and(char::is_uppercase)
        && letters.next().is_some_and(char::is_lowercase);
    let words: Vec<&str> = literal.split_whitespace().collect();
    let is_class_list = words.iter().all(|word| classes.contains(word));
    let beside = |pair: &[&str]| {
        let is_part = |word: &&str| is_word(word) || is_value(word);
        pair.iter().all(is_part) && pair.iter().any(|word| is_word(word))
    };
    begins || (!is_class_list && words.windows(2).any(beside))
}

fn is_word(text: &str) -> bool {
    let bare = text.trim_matches(|letter: char| letter.is_ascii_punctuation() || letter == '…');
    let is_letter = |letter: char| letter.is_alphabetic() || letter == '\'';
    bare.len() > 1 && bare.chars().all(is_letter) && !text.contains('{') && !UNITS.contains(&bare)
}

/// Whether it is the place of a value.
fn is_value(text: &str) -> bool {
    text.starts_with('{') && text.ends_with('}')
}

/// The classes that a stylesheet knows.
fn classes(styles: &str) -> impl Iterator<Item = &str> {
    styles.split('.').skip(1).filter_map(|rest| {
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        let end = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
        let name = &rest[..end];
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            .then_some(name)
    })
}
