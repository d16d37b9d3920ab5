//! Variables in values: `$NAME`, `${NAME}`, `${NAME:-default}` and its relatives, and `$$` for a dollar.

use super::problem::{ComposeError, Problem, Reason};
use super::span::Span;
use super::yaml::{Mapping, Node, Style, Value};
use super::{Environment, Unset};

/// Defaults within defaults.
const MAX_DEPTH: usize = 32;

/// Why a text cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TemplateError {
    /// Nothing says what the variable is.
    Missing {
        name: String,
        message: Option<String>,
    },
    /// A dollar that begins nothing.
    Invalid(String),
}

/// Replaces the variables of one text. `missing` is told of each variable that has neither value nor default.
pub(super) fn fill(
    text: &str,
    environment: &Environment,
    missing: &mut dyn FnMut(&str) -> Result<(), TemplateError>,
) -> Result<String, TemplateError> {
    fill_at(text, environment, missing, 0)
}

fn fill_at(
    text: &str,
    environment: &Environment,
    missing: &mut dyn FnMut(&str) -> Result<(), TemplateError>,
    depth: usize,
) -> Result<String, TemplateError> {
    if depth > MAX_DEPTH {
        let text = format!("defaults lie more than {MAX_DEPTH} deep in each other");
        return Err(TemplateError::Invalid(text));
    }
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            result.push('$');
            rest = after;
        } else if let Some(inner) = after.strip_prefix('{') {
            let Some(end) = closing_brace(inner) else {
                return Err(TemplateError::Invalid("`${` is not closed".to_owned()));
            };
            let (expression, after) = inner.split_at(end);
            result.push_str(&expand(expression, environment, missing, depth)?);
            rest = after.strip_prefix('}').unwrap_or(after);
        } else {
            let (name, after) = split_name(after);
            if name.is_empty() {
                return Err(TemplateError::Invalid(
                    "`$` stands before no name".to_owned(),
                ));
            }
            match environment.get(name) {
                Some(value) => result.push_str(value),
                None => missing(name)?,
            }
            rest = after;
        }
    }
    result.push_str(rest);
    Ok(result)
}

/// Where the brace that was opened before `text` closes: braces of variables within it are passed over.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut before = ' ';
    for (index, character) in text.char_indices() {
        match character {
            '{' if before == '$' => open += 1,
            '}' if open == 0 => return Some(index),
            '}' => open -= 1,
            _ => {}
        }
        before = character;
    }
    None
}

/// The variable's name at the beginning, and what follows.
fn split_name(text: &str) -> (&str, &str) {
    let end = text
        .char_indices()
        .find(|(index, character)| {
            let fits = character.is_ascii_alphabetic()
                || *character == '_'
                || (*index > 0 && character.is_ascii_digit());
            !fits
        })
        .map_or(text.len(), |(index, _)| index);
    text.split_at(end)
}

fn expand(
    expression: &str,
    environment: &Environment,
    missing: &mut dyn FnMut(&str) -> Result<(), TemplateError>,
    depth: usize,
) -> Result<String, TemplateError> {
    let (name, operation) = split_name(expression);
    if name.is_empty() {
        return Err(TemplateError::Invalid(format!(
            "`${{{expression}}}` names no variable"
        )));
    }
    let value = environment.get(name).map(String::as_str);
    let (operator, word) = match operation.strip_prefix(':') {
        Some(rest) => (rest.chars().next(), rest.get(1..)),
        None => (operation.chars().next(), operation.get(1..)),
    };
    // With a colon, empty is as good as unset.
    let value = value.filter(|value| !operation.starts_with(':') || !value.is_empty());
    let word = |missing: &mut dyn FnMut(&str) -> Result<(), TemplateError>| {
        fill_at(word.unwrap_or_default(), environment, missing, depth + 1)
    };
    match (operator, value) {
        (None, Some(value)) if operation.is_empty() => Ok(value.to_owned()),
        (None, None) if operation.is_empty() => missing(name).map(|()| String::new()),
        (Some('-' | '?'), Some(value)) => Ok(value.to_owned()),
        (Some('-'), None) | (Some('+'), Some(_)) => word(missing),
        (Some('+'), None) => Ok(String::new()),
        (Some('?'), None) => {
            let message = word(missing)?;
            Err(TemplateError::Missing {
                name: name.to_owned(),
                message: (!message.is_empty()).then_some(message),
            })
        }
        _ => Err(TemplateError::Invalid(format!(
            "`${{{expression}}}` is no form of a variable"
        ))),
    }
}

/// Fills in a whole document, each value by the variables that count where it stands. Extensions (`x-`) are left as they are.
pub(super) struct Interpolation<'a> {
    unset: Unset,
    /// Variables that were taken as empty.
    warnings: &'a mut Vec<Problem>,
}

impl<'a> Interpolation<'a> {
    pub(super) fn new(unset: Unset, warnings: &'a mut Vec<Problem>) -> Self {
        Self { unset, warnings }
    }

    pub(super) fn document(&mut self, document: &mut Node) -> Result<(), ComposeError> {
        let Some(top) = document.as_mapping_mut() else {
            return Ok(());
        };
        self.mapping(top, "")
    }

    fn mapping(&mut self, mapping: &mut Mapping, key: &str) -> Result<(), ComposeError> {
        for (name, entry) in mapping {
            if key.is_empty() && name.starts_with("x-") {
                continue;
            }
            let path = if key.is_empty() {
                name.clone()
            } else {
                format!("{key}.{name}")
            };
            self.node(&mut entry.node, &path)?;
        }
        Ok(())
    }

    pub(super) fn node(&mut self, node: &mut Node, key: &str) -> Result<(), ComposeError> {
        let span = node.span.clone();
        match &mut node.value {
            Value::Mapping(mapping) => self.mapping(mapping, key),
            Value::Sequence(items) => items.iter_mut().try_for_each(|item| self.node(item, key)),
            Value::Scalar(scalar) if scalar.text.contains('$') => {
                scalar.text = self.text(&scalar.text, &span, key)?;
                if scalar.style == Style::Plain {
                    scalar.style = Style::Interpolated;
                }
                Ok(())
            }
            Value::Scalar(_) => Ok(()),
        }
    }

    fn text(&mut self, text: &str, span: &Span, key: &str) -> Result<String, ComposeError> {
        let (unset, warnings) = (self.unset, &mut *self.warnings);
        let mut missing = |name: &str| {
            let error = TemplateError::Missing {
                name: name.to_owned(),
                message: None,
            };
            match unset {
                Unset::Refuse => Err(error),
                Unset::Empty => {
                    warnings.push(problem(error, span, key));
                    Ok(())
                }
            }
        };
        fill(text, span.environment(), &mut missing)
            .map_err(|error| problem(error, span, key).into())
    }
}

fn problem(error: TemplateError, span: &Span, key: &str) -> Problem {
    let (reason, hint) = match error {
        TemplateError::Missing { name, message } => {
            let hint = match message {
                Some(_) => format!("set {name} in the environment or in .env"),
                None => format!(
                    "set {name} in the environment or in .env, or write ${{{name}:-}} where empty is meant"
                ),
            };
            (Reason::MissingVariable { name, message }, hint)
        }
        TemplateError::Invalid(text) => (
            Reason::InvalidValue(text),
            "write $$ for a dollar that is meant as such".to_owned(),
        ),
    };
    Problem {
        span: span.clone(),
        key: key.to_owned(),
        reason,
        hint: Some(hint),
    }
}
