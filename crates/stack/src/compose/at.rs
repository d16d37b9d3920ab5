//! A value that is being read, with what an error about it needs: its place, its key, and where to put the error.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use indexmap::IndexMap;

use super::keys;
use super::problem::{Problems, Reason};
use super::span::{Span, Spanned};
use super::yaml::{Kind, Mapping, Node, Scalar, Value};
use super::{Environment, values};

/// A value, and the key it was found under.
#[derive(Clone)]
pub(super) struct At<'a> {
    pub(super) node: &'a Node,
    /// Dotted, as it is shown.
    pub(super) key: String,
    problems: &'a Problems,
}

/// The fields of a mapping whose keys the specification lists.
pub(super) struct Fields<'a> {
    mapping: &'a Mapping,
    at: At<'a>,
}

impl<'a> At<'a> {
    pub(super) fn new(node: &'a Node, key: impl Into<String>, problems: &'a Problems) -> Self {
        Self {
            node,
            key: key.into(),
            problems,
        }
    }

    pub(super) fn span(&self) -> &'a Span {
        &self.node.span
    }

    pub(super) fn environment(&self) -> &'a Environment {
        self.span().environment()
    }

    /// Notes what is wrong, and answers nothing.
    pub(super) fn wrong<T>(&self, reason: Reason, hint: Option<String>) -> Option<T> {
        self.problems.add(self.span(), &self.key, reason, hint);
        None
    }

    /// As [`At::wrong`], for a place within this value.
    pub(super) fn wrong_at<T>(
        &self,
        span: &Span,
        reason: Reason,
        hint: Option<String>,
    ) -> Option<T> {
        self.problems.add(span, &self.key, reason, hint);
        None
    }

    pub(super) fn invalid<T>(&self, text: impl Into<String>, hint: &str) -> Option<T> {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        self.wrong(Reason::InvalidValue(text.into()), hint)
    }

    pub(super) fn unsupported<T>(&self, why: impl Into<String>) -> Option<T> {
        self.wrong(Reason::Unsupported(why.into()), None)
    }

    pub(super) fn expected<T>(&self, expected: &'static str) -> Option<T> {
        let found = self.node.what();
        self.wrong(Reason::WrongType { expected, found }, None)
    }

    pub(super) fn spanned<T>(&self, value: T) -> Spanned<T> {
        Spanned {
            value,
            span: self.span().clone(),
        }
    }

    fn scalar(&self, expected: &'static str) -> Option<&'a Scalar> {
        match self.node.as_scalar() {
            Some(scalar) if scalar.kind() != Kind::Null => Some(scalar),
            _ => self.expected(expected),
        }
    }

    /// A string: an unquoted number or truth value is something else.
    pub(super) fn text(&self) -> Option<String> {
        let scalar = self.scalar("a text")?;
        if scalar.kind() == Kind::Text {
            return Some(scalar.text.clone());
        }
        let (expected, found) = ("a text", self.node.what());
        let hint = format!("put it in quotes: \"{}\"", scalar.text);
        self.wrong(Reason::WrongType { expected, found }, Some(hint))
    }

    /// Any scalar, as it is written.
    pub(super) fn any_text(&self) -> Option<String> {
        Some(self.scalar("a text")?.text.clone())
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match self.scalar("true or false")?.text.as_str() {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => self.expected("true or false"),
        }
    }

    pub(super) fn number<N: FromStr>(&self, expected: &'static str) -> Option<N> {
        match self.scalar(expected)?.text.parse() {
            Ok(number) => Some(number),
            Err(_) => self.expected(expected),
        }
    }

    pub(super) fn duration(&self) -> Option<Duration> {
        let text = &self.scalar("a duration")?.text;
        values::duration(text).or_else(|| {
            let text = format!("`{text}` is no duration");
            self.invalid(
                text,
                "write a number and its unit, e.g. 500ms, 10s or 1m30s",
            )
        })
    }

    pub(super) fn bytes(&self) -> Option<i64> {
        let text = &self.scalar("a size")?.text;
        values::bytes(text).or_else(|| {
            let text = format!("`{text}` is no size");
            self.invalid(text, "write a number and its unit, e.g. 64m or 2gb")
        })
    }

    /// A file's mode, in octal digits.
    pub(super) fn mode(&self) -> Option<u32> {
        let text = &self.scalar("a file mode")?.text;
        let octal = text
            .strip_prefix("0o")
            .or_else(|| text.strip_prefix('0'))
            .filter(|octal| !octal.is_empty());
        octal
            .and_then(|octal| u32::from_str_radix(octal, 8).ok())
            .filter(|mode| *mode <= 0o7777)
            .or_else(|| {
                let text = format!("`{text}` is no file mode");
                self.invalid(
                    text,
                    "write it in octal digits with a leading zero, e.g. 0440",
                )
            })
    }

    /// A path, relative ones from where the file says.
    pub(super) fn path(&self) -> Option<PathBuf> {
        Some(self.resolve(&self.text()?))
    }

    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        let home = path
            .strip_prefix("~/")
            .or((path == "~").then_some(""))
            .and_then(|rest| Some(PathBuf::from(self.environment().get("HOME")?).join(rest)));
        home.unwrap_or_else(|| values::normal(&self.span().base().join(path)))
    }

    pub(super) fn items(&self) -> Option<Vec<At<'a>>> {
        let Value::Sequence(items) = &self.node.value else {
            return self.expected("a list");
        };
        let item = |node| At::new(node, self.key.clone(), self.problems);
        Some(items.iter().map(item).collect())
    }

    /// A list of scalars.
    pub(super) fn texts(&self) -> Option<Vec<String>> {
        let items = self.items()?;
        Some(items.iter().filter_map(At::any_text).collect())
    }

    /// A mapping whose keys the person chooses. Entries of the value may be null.
    pub(super) fn entries(&self) -> Option<Vec<(&'a str, At<'a>)>> {
        let Some(mapping) = self.node.as_mapping() else {
            return self.expected("a mapping");
        };
        let entry = |(name, entry): (&'a String, &'a super::yaml::Entry)| {
            let key = format!("{}.{name}", self.key);
            (name.as_str(), At::new(&entry.node, key, self.problems))
        };
        Some(mapping.iter().map(entry).collect())
    }

    /// A mapping of names to scalars; nothing is the empty text.
    pub(super) fn text_map(&self) -> Option<IndexMap<String, String>> {
        let read = |(name, at): (&str, At<'_>)| {
            let value = if at.node.is_null() {
                Some(String::new())
            } else {
                at.any_text()
            };
            Some((name.to_owned(), value?))
        };
        Some(self.entries()?.into_iter().filter_map(read).collect())
    }

    /// A mapping of the specification: keys that it does not know, or that are not supported, are problems.
    pub(super) fn fields(&self, level: &'static str) -> Option<Fields<'a>> {
        let Some(mapping) = self.node.as_mapping() else {
            return self.expected("a mapping");
        };
        for (key, entry) in mapping {
            if let Some((reason, hint)) = keys::refused(level, key) {
                let path = dotted(&self.key, key);
                self.problems.add(&entry.key, &path, reason, hint);
            }
        }
        let at = self.clone();
        Some(Fields { mapping, at })
    }
}

impl<'a> Fields<'a> {
    /// The value of a key that is there and not null.
    pub(super) fn get(&self, key: &'static str) -> Option<At<'a>> {
        let entry = self.mapping.get(key)?;
        let path = dotted(&self.at.key, key);
        (!entry.node.is_null()).then(|| At::new(&entry.node, path, self.at.problems))
    }

    /// Where the key stands, even without a value.
    pub(super) fn key_span(&self, key: &'static str) -> Option<&'a Span> {
        Some(&self.mapping.get(key)?.key)
    }

    pub(super) fn text(&self, key: &'static str) -> Option<String> {
        self.get(key)?.text()
    }

    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        self.get(key)?.boolean()
    }

    pub(super) fn texts(&self, key: &'static str) -> Vec<String> {
        self.get(key).and_then(|at| at.texts()).unwrap_or_default()
    }

    pub(super) fn text_map(&self, key: &'static str) -> IndexMap<String, String> {
        self.get(key)
            .and_then(|at| at.text_map())
            .unwrap_or_default()
    }

    /// A key that must be there.
    pub(super) fn required(&self, key: &'static str) -> Option<At<'a>> {
        self.get(key)
            .or_else(|| self.at.wrong(Reason::MissingKey(key), None))
    }
}

pub(super) fn dotted(parent: &str, key: &str) -> String {
    if parent.is_empty() {
        key.to_owned()
    } else {
        format!("{parent}.{key}")
    }
}
