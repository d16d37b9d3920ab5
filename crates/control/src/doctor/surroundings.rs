//! What is looked at: where and with what a control plane runs.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use nasiko_engine::EngineConfig;

/// A port that a control plane wants to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedPort {
    /// What for, e.g. `the gateway`.
    pub purpose: String,
    /// Its number.
    pub number: u16,
    /// A person asked for this one: another one would not do.
    pub explicit: bool,
}

/// Where and with what a control plane runs, or would. Not to be printed: the environment holds whatever the person keeps
/// there.
#[derive(Clone)]
pub struct Surroundings {
    /// The data directory. It need not be there.
    pub home: PathBuf,
    /// The environment of the control plane.
    pub environment: Vec<(OsString, OsString)>,
    /// Where the container engine is looked for.
    pub engine: EngineConfig,
    /// What it would listen on. Empty for one that runs: it has its ports.
    pub ports: Vec<ExpectedPort>,
    /// Below it the system's files are read; `/` but for tests.
    pub root: PathBuf,
    /// What one that runs says of ports that were taken.
    pub(crate) notices: Vec<String>,
    /// What its agents need.
    pub(crate) needs: Needs,
}

/// What agents need of the machine: what is missing of it is no mere warning.
#[derive(Debug, Clone, Default)]
pub(crate) struct Needs {
    /// Agents run in containers, or would.
    pub(crate) engine: bool,
    /// Agents in Python run as processes.
    pub(crate) python: bool,
    /// Agents on Node run as processes.
    pub(crate) node: bool,
    /// The folders of agents.
    pub(crate) folders: Vec<PathBuf>,
}

impl Surroundings {
    /// The surroundings of a control plane that does not run.
    pub fn new(
        home: PathBuf,
        environment: Vec<(OsString, OsString)>,
        engine: EngineConfig,
        ports: Vec<ExpectedPort>,
    ) -> Self {
        Self {
            home,
            environment,
            engine,
            ports,
            root: PathBuf::from("/"),
            notices: Vec::new(),
            needs: Needs::default(),
        }
    }

    /// A variable of the environment that says something.
    pub(super) fn variable(&self, name: &str) -> Option<&OsStr> {
        let found = self
            .environment
            .iter()
            .find(|(variable, _)| variable == name);
        found
            .map(|(_, value)| value.as_os_str())
            .filter(|value| !value.is_empty())
    }

    /// A file of the system, by its absolute path.
    pub(super) fn system(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The text of a file of the system; none where there is no such file.
    pub(super) fn system_text(&self, path: &str) -> Option<String> {
        fs_err::read_to_string(self.system(path)).ok()
    }

    /// The number that a file of the system says.
    pub(super) fn system_number(&self, path: &str) -> Option<u64> {
        self.system_text(path)?.trim().parse().ok()
    }

    /// The data directory, else the nearest folder above it that is there.
    pub(super) fn present_home(&self) -> &Path {
        let there = |path: &&Path| path.try_exists().unwrap_or_default();
        self.home
            .ancestors()
            .find(there)
            .unwrap_or_else(|| Path::new("/"))
    }
}
