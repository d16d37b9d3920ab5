//! Files of variables: `.env` beside a Compose file, and a service's `env_file`.

use indexmap::IndexMap;

use super::Environment;
use super::interpolate::{TemplateError, fill};

/// Variables in the file's order; none where only a name stands.
pub(super) type Variables = IndexMap<String, Option<String>>;

/// What is wrong, and in which line (from one).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) line: usize,
    pub(super) message: String,
}

/// Reads `NAME=value` lines: comments, `export`, single quotes (literally), double quotes (with escapes, over several
/// lines), and variables of the lines before and of `environment`, which win.
pub(super) fn parse(text: &str, environment: &Environment) -> Result<Variables, Broken> {
    let mut known = environment.clone();
    let mut variables = Variables::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut line = 1;
    while !rest.is_empty() {
        let (first, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let content = first.trim();
        if content.is_empty() || content.starts_with('#') {
            (rest, line) = (after, line + 1);
            continue;
        }
        let broken = |message: &str| Broken {
            line,
            message: message.to_owned(),
        };
        let content = content.strip_prefix("export ").unwrap_or(content).trim();
        let Some((name, _)) = content.split_once('=') else {
            variables.insert(variable_name(content).ok_or_else(|| broken(NO_NAME))?, None);
            (rest, line) = (after, line + 1);
            continue;
        };
        let name = variable_name(name.trim()).ok_or_else(|| broken(NO_NAME))?;
        // From here on the text itself, since a quoted value may go on over lines.
        let start = rest.split_once('=').map_or("", |(_, value)| value);
        let start = start.trim_start_matches([' ', '\t']);
        let (value, remains) = match start.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let (raw, remains) = quoted(start.get(1..).unwrap_or_default(), quote)
                    .ok_or_else(|| broken("the quote is not closed"))?;
                let value = if quote == '"' {
                    filled(&unescape(raw), &known).map_err(|message| broken(&message))?
                } else {
                    raw.to_owned()
                };
                (value, remains.split_once('\n').map_or("", |(_, next)| next))
            }
            _ => {
                let raw = start.split_once('\n').map_or(start, |(raw, _)| raw);
                let raw = if raw.starts_with('#') {
                    ""
                } else {
                    raw.split_once(" #").map_or(raw, |(raw, _)| raw).trim()
                };
                let value = filled(raw, &known).map_err(|message| broken(&message))?;
                (value, after)
            }
        };
        let read = rest.len() - remains.len();
        line += rest.get(..read).unwrap_or_default().matches('\n').count();
        rest = remains;
        known.entry(name.clone()).or_insert_with(|| value.clone());
        variables.insert(name, Some(value));
    }
    Ok(variables)
}

const NO_NAME: &str = "a line must be NAME=value";

fn variable_name(text: &str) -> Option<String> {
    let fits = |character: char| character.is_ascii_alphanumeric() || "_.-[]".contains(character);
    let starts = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    (starts && text.chars().all(fits)).then(|| text.to_owned())
}

/// What stands before the closing quote, and what after it.
fn quoted(text: &str, quote: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (index, character) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' && quote == '"' {
            escaped = true;
        } else if character == quote {
            return Some((text.get(..index)?, text.get(index + 1..)?));
        }
    }
    None
}

fn unescape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            result.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => result.push('\n'),
            Some('r') => result.push('\r'),
            Some('t') => result.push('\t'),
            // A dollar that is meant as such.
            Some('$') => result.push_str("$$"),
            Some(other) => result.push(other),
            None => result.push('\\'),
        }
    }
    result
}

fn filled(text: &str, known: &Environment) -> Result<String, String> {
    // Such files come from many tools: what is not set is empty here, and a lone dollar is one.
    match fill(text, known, &mut |_| Ok(())) {
        Ok(value) => Ok(value),
        Err(TemplateError::Invalid(_)) => Ok(text.to_owned()),
        Err(TemplateError::Missing { name, message }) => Err(format!(
            "the variable {name} is not set: {}",
            message.unwrap_or_default()
        )),
    }
}
