//! Where a value stands.

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Environment;

/// A file that was read.
pub(super) struct Source {
    /// As it was asked for.
    pub(super) path: PathBuf,
    /// What the relative paths in it are relative to.
    pub(super) base: PathBuf,
    /// The variables of the project it belongs to: one that is included has its own.
    pub(super) environment: Arc<Environment>,
}

impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Variables are nobody's business here.
        self.path.fmt(formatter)
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Eq for Source {}

/// A place in a file. Shows itself as `file:line:column`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    source: Arc<Source>,
    line: usize,
    column: usize,
}

impl Span {
    /// `line` and `column` count from one.
    pub(super) fn new(source: &Arc<Source>, line: usize, column: usize) -> Self {
        Self {
            source: Arc::clone(source),
            line,
            column,
        }
    }

    /// The file as a whole.
    pub(super) fn start(source: &Arc<Source>) -> Self {
        Self::new(source, 1, 1)
    }

    /// A file or a folder as a whole.
    pub(super) fn whole(path: &Path, environment: &Arc<Environment>) -> Self {
        Self::start(&Arc::new(Source {
            path: path.to_owned(),
            base: path.to_owned(),
            environment: Arc::clone(environment),
        }))
    }

    /// The beginning of another line.
    pub(super) fn in_line(self, line: usize) -> Self {
        Self {
            line,
            column: 1,
            ..self
        }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.source.path
    }

    /// Counts from one.
    pub fn line(&self) -> usize {
        self.line
    }

    /// In characters, counts from one.
    pub fn column(&self) -> usize {
        self.column
    }

    /// What relative paths at this place are relative to.
    pub(super) fn base(&self) -> &Path {
        &self.source.base
    }

    /// The variables that count at this place.
    pub(super) fn environment(&self) -> &Arc<Environment> {
        &self.source.environment
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.source.path.display();
        write!(formatter, "{file}:{}:{}", self.line, self.column)
    }
}

/// A value and its place. Equal when the values are.
#[derive(Debug, Clone)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
