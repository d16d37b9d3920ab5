//! `.env` files as people and tools write them: quotes, comments, `export`, CRLF, a byte order mark.

use indexmap::IndexMap;

/// What a `.env` file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvFile {
    /// Name and value in the order of the file, the last of equal names wins.
    pub values: IndexMap<String, String>,
    /// The line of each name, from 1.
    pub lines: IndexMap<String, u32>,
    /// Whether the file has Windows line ends; they are tolerated, other tools stumble.
    pub crlf: bool,
    /// Lines that are no assignment, from 1.
    pub malformed: Vec<u32>,
}

/// Reads a `.env` file. Never fails: what is no assignment is listed in [`EnvFile::malformed`].
pub fn parse(text: &str) -> EnvFile {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut file = EnvFile {
        crlf: text.contains("\r\n"),
        ..EnvFile::default()
    };
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let assignment = line.strip_prefix("export ").map_or(line, str::trim_start);
        let Some((name, value)) = assignment.split_once('=') else {
            file.malformed.push(number);
            continue;
        };
        let name = name.trim();
        if !is_variable(name) {
            file.malformed.push(number);
            continue;
        }
        let value = value.trim();
        let value = match value.chars().next() {
            Some('\'') => single_quoted(value),
            Some('"') => double_quoted(value, &mut lines),
            _ => unquoted(value),
        };
        file.values.insert(name.to_owned(), value);
        file.lines.insert(name.to_owned(), number);
    }
    file
}

/// Whether the text can name an environment variable.
pub(crate) fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|character: char| character.is_ascii_digit())
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_')
}

fn unquoted(value: &str) -> String {
    if value.starts_with('#') {
        return String::new();
    }
    // A `#` only begins a comment after a blank: colours and URLs keep theirs.
    let comment = value
        .find(" #")
        .or_else(|| value.find("\t#"))
        .unwrap_or(value.len());
    value.get(..comment).unwrap_or(value).trim_end().to_owned()
}

fn single_quoted(value: &str) -> String {
    let inner = value.strip_prefix('\'').unwrap_or(value);
    inner
        .split_once('\'')
        .map_or_else(|| value.to_owned(), |(inner, _)| inner.to_owned())
}

/// A double-quoted value may run over several lines; one without an end is taken as it stands.
fn double_quoted<'a>(
    first: &str,
    lines: &mut (impl Iterator<Item = (usize, &'a str)> + Clone),
) -> String {
    let mut ahead = lines.clone();
    let mut text = first.strip_prefix('"').unwrap_or(first).to_owned();
    loop {
        if let Some(value) = closed(&text) {
            *lines = ahead;
            return value;
        }
        let Some((_, next)) = ahead.next() else {
            return first.to_owned();
        };
        text.push('\n');
        text.push_str(next);
    }
}

/// The value up to an unescaped quote, or `None` when the text has none.
fn closed(text: &str) -> Option<String> {
    let mut value = String::with_capacity(text.len());
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some(value),
            '\\' => match characters.next()? {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                quoted @ ('"' | '\\' | '$') => value.push(quoted),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests;
