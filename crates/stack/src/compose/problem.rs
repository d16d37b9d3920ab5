//! What is wrong with a Compose file, said so that a person can put it right.

use std::cell::RefCell;
use std::fmt;
use std::path::PathBuf;

use nasiko_contract::{ErrorCode, Fault};

use super::span::Span;

/// Problems kept; a broken file has one cause and many echoes.
const MAX_PROBLEMS: usize = 40;
/// Further away than this a name is no misspelling.
const MAX_EDITS: usize = 3;

/// One thing that is wrong: where, with which key, why, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub span: Span,
    /// The key, dotted from the top, e.g. `services.web.ports`; empty for the file as a whole.
    pub key: String,
    /// Why.
    pub reason: Reason,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Why a Compose file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The file cannot be read.
    #[error("{} cannot be read: {message}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        message: String,
    },
    /// It is not YAML, or more YAML than a Compose file may be.
    #[error("the YAML is invalid: {0}")]
    InvalidYaml(String),
    /// The Compose Specification knows no such key.
    #[error("unknown key")]
    UnknownKey,
    /// A key of the specification that is not supported.
    #[error("this key is not supported: {0}")]
    Unsupported(String),
    /// A value of another type than the key takes.
    #[error("{expected} is expected, and this is {found}")]
    WrongType {
        /// In words, e.g. `a number`.
        expected: &'static str,
        /// In words.
        found: &'static str,
    },
    /// A value of the right type that means nothing.
    #[error("{0}")]
    InvalidValue(String),
    /// A key that must be there is not.
    #[error("`{0}` is missing")]
    MissingKey(&'static str),
    /// A variable without a value.
    #[error("the variable {name} is not set{}", message.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    MissingVariable {
        /// Its name.
        name: String,
        /// What the file says about it.
        message: Option<String>,
    },
    /// A reference to something that is not declared.
    #[error("there is no {kind} `{name}`")]
    Undeclared {
        /// `service`, `network`, `volume`, `config` or `secret`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// Things that wait for each other: the first is named again at the end.
    #[error("{kind} goes in a circle: {}", names.join(" → "))]
    Cycle {
        /// `depends_on`, `extends` or `include`.
        kind: &'static str,
        /// The circle.
        names: Vec<String>,
    },
    /// Two services, or two entries of one, that publish the same port.
    #[error("port {port} is published twice: by {first} and by {second}")]
    DuplicatePort {
        /// As the engine would say it, e.g. `127.0.0.1:6379/tcp`.
        port: String,
        /// A service.
        first: String,
        /// A service, maybe the same.
        second: String,
    },
    /// Two things that must not be the same are.
    #[error("{0}")]
    Conflict(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.span)?;
        if !self.key.is_empty() {
            write!(formatter, "{}: ", self.key)?;
        }
        write!(formatter, "{}", self.reason)?;
        match &self.hint {
            Some(hint) => write!(formatter, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// A Compose file that cannot be used: at least one problem, in the order in which they were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposeError {
    /// Never empty.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ComposeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ComposeError {}

impl From<Problem> for ComposeError {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

impl From<ComposeError> for Fault {
    fn from(error: ComposeError) -> Self {
        let lines: Vec<String> = error.problems.iter().map(Problem::to_string).collect();
        let Some(first) = error.problems.into_iter().next() else {
            return Fault::new(ErrorCode::InvalidRequest, "The Compose file cannot be used");
        };
        let message = format!("The Compose file cannot be used: {}", first.reason);
        let mut fault = Fault::new(ErrorCode::InvalidRequest, message).evidence(lines);
        fault.hint = first.hint;
        fault
    }
}

/// Gathers problems while a file is read on.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: RefCell<Vec<Problem>>,
}

impl Problems {
    pub(super) fn add(&self, span: &Span, key: &str, reason: Reason, hint: Option<String>) {
        let mut found = self.found.borrow_mut();
        if found.len() < MAX_PROBLEMS {
            found.push(Problem {
                span: span.clone(),
                key: key.to_owned(),
                reason,
                hint,
            });
        }
    }

    /// The value, if nothing was wrong.
    pub(super) fn unless_any<T>(self, value: Option<T>) -> Result<T, ComposeError> {
        let problems = self.found.into_inner();
        match value {
            Some(value) if problems.is_empty() => Ok(value),
            _ => Err(ComposeError { problems }),
        }
    }
}

/// The name of `known` that is nearest to a misspelt one.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(edits, candidate)| *edits <= MAX_EDITS && *edits < candidate.len())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// The hint for a misspelt name.
pub(super) fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    nearest(name, known).map(|found| format!("did you mean `{found}`?"))
}
