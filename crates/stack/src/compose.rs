//! Owns reading Compose files, as the [Compose Specification] describes them, into typed values. Reads the files that it is
//! given and those that they name, and never anything else: no engine, no environment of its own.
//!
//! Nothing is ignored. A key that is unknown or not supported, a value that means nothing, a reference to what is not there:
//! each is a [`Problem`] that says file, line, key, reason, and what to do about it. [`KEYS`] lists every key.
//!
//! [Compose Specification]: https://github.com/compose-spec/compose-spec

mod assemble;
mod at;
mod canonical;
mod check;
mod dotenv;
mod interpolate;
mod keys;
mod load;
mod merge;
mod model;
mod problem;
mod read;
mod select;
mod span;
#[cfg(test)]
mod tests;
mod values;
mod variable;
mod yaml;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use self::keys::{KEYS, Support};
pub use self::model::{
    AddressRange, Attachment, Build, Condition, Content, Dependency, FileMount, FileObject,
    Healthcheck, Logging, Mount, MountSource, Namespace, Network, Port, Project, Protocol,
    PullPolicy, Resources, Restart, Service, Ulimit, Volume,
};
pub use self::problem::{ComposeError, Problem, Reason};
pub use self::span::{Span, Spanned};

/// Variables and their values.
pub type Environment = BTreeMap<String, String>;

/// Which project to read, and with which variables.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Compose files; each is laid over those before it.
    pub files: Vec<PathBuf>,
    /// What relative paths in them are relative to; none for the first file's folder.
    pub directory: Option<PathBuf>,
    /// The project's name; none for `COMPOSE_PROJECT_NAME`, the files' own `name`, or the folder's.
    pub name: Option<String>,
    /// Variables of the process. They win over those of files.
    pub environment: Environment,
    /// Files of variables, relative to the folder; none for `.env` if it is there.
    pub env_files: Option<Vec<PathBuf>>,
    /// What a variable without value and default means.
    pub unset: Unset,
}

/// What `$NAME` means when nothing says what it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unset {
    /// An error: an empty password is seldom what was meant.
    #[default]
    Refuse,
    /// Empty, and a warning, as the specification has it.
    Empty,
}

/// Reads a project. The error tells all that is wrong, as far as reading could go on.
pub fn load(request: &Request) -> Result<Project, ComposeError> {
    load::load(request)
}
