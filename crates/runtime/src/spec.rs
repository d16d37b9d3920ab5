//! What a caller asks for: what to prepare, what to start, and how progress is told.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::instance::LogLine;

/// Writes the build context, so that a runtime need not know how a folder is read.
pub trait BuildContext: Send + Sync {
    /// Writes a whole uncompressed tar of the context. Called on a blocking thread; `out` fails once the build ended.
    fn write_tar(&self, out: &mut dyn io::Write) -> io::Result<()>;
}

impl<F> BuildContext for F
where
    F: Fn(&mut dyn io::Write) -> io::Result<()> + Send + Sync,
{
    fn write_tar(&self, out: &mut dyn io::Write) -> io::Result<()> {
        self(out)
    }
}

/// How a folder names what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequirementsKind {
    /// Python's `requirements.txt`, one or more of them.
    RequirementsTxt,
    /// Python's `pyproject.toml`: its `[project] dependencies`.
    Pyproject,
    /// Node's `package.json`, with its lock file when there is one.
    PackageJson,
}

/// What must be installed before the program can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirements {
    /// How it is written.
    pub kind: RequirementsKind,
    /// The files, relative to the root, the one to install from first.
    pub files: Vec<PathBuf>,
    /// Packages to install besides, named as the tool takes them.
    pub packages: Vec<String>,
    /// A hash over kind, files and packages; its first twelve characters name the environment.
    pub hash: String,
}

/// What to make ready.
#[derive(Clone)]
pub struct PreparePlan {
    /// The agent's name.
    pub agent: String,
    /// Whose it is.
    pub owner: String,
    /// Its version.
    pub version: String,
    /// The folder.
    pub root: PathBuf,
    /// The hash of its content: the fingerprint of an image.
    pub content_hash: String,
    /// What the process runtime installs; none means nothing.
    pub requirements: Option<Requirements>,
    /// The Dockerfile within the context, relative to the root; `Dockerfile` when none is given.
    pub dockerfile: Option<PathBuf>,
    /// A Dockerfile to use instead, which is not in the folder.
    pub generated_dockerfile: Option<String>,
    /// Values for `ARG`. They end in the image's history: nothing secret.
    pub build_args: BTreeMap<String, String>,
    /// Writes the build context; only the Docker runtime asks for it.
    pub context: Arc<dyn BuildContext>,
    /// The image's whole name, `nasiko/<name>:<version>-<hash12>`.
    pub image_tag: String,
}

impl fmt::Debug for PreparePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparePlan")
            .field("agent", &self.agent)
            .field("version", &self.version)
            .field("root", &self.root)
            .field("image_tag", &self.image_tag)
            .finish_non_exhaustive()
    }
}

/// What [`crate::Runtime::prepare`] made. Its text form (`Display`, `FromStr`) can be kept and used to start again later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Artifact {
    /// Nothing was needed: the folder runs as it is.
    Folder,
    /// A Python environment.
    Python {
        /// The environment's folder.
        environment: PathBuf,
    },
    /// Installed Node packages.
    Node {
        /// The folder that holds `node_modules`.
        environment: PathBuf,
    },
    /// A container image.
    Image {
        /// Its name or id.
        reference: String,
    },
}

impl fmt::Display for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Artifact::Folder => f.write_str("folder"),
            Artifact::Python { environment } => write!(f, "python:{}", environment.display()),
            Artifact::Node { environment } => write!(f, "node:{}", environment.display()),
            Artifact::Image { reference } => write!(f, "image:{reference}"),
        }
    }
}

/// A text that is no [`Artifact`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names nothing that a runtime prepared")]
pub struct NotAnArtifact(String);

impl FromStr for Artifact {
    type Err = NotAnArtifact;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "folder" => Ok(Artifact::Folder),
            Some(("python", path)) => Ok(Artifact::Python {
                environment: path.into(),
            }),
            Some(("node", path)) => Ok(Artifact::Node {
                environment: path.into(),
            }),
            Some(("image", reference)) => Ok(Artifact::Image {
                reference: reference.to_owned(),
            }),
            _ => Err(NotAnArtifact(text.to_owned())),
        }
    }
}

/// The outcome of preparing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Whether it was there already.
    pub reused: bool,
    /// What to start from.
    pub artifact: Artifact,
}

/// A value for the environment of an instance.
#[derive(Clone, Debug)]
pub enum EnvValue {
    /// May be shown.
    Plain(String),
    /// Reaches the program's environment and nothing else: no argument, record, label or log.
    Secret(SecretString),
}

impl EnvValue {
    /// The value itself, for the program's environment.
    pub(crate) fn expose(&self) -> &str {
        match self {
            EnvValue::Plain(value) => value,
            EnvValue::Secret(value) => value.expose_secret(),
        }
    }
}

impl From<&str> for EnvValue {
    fn from(value: &str) -> Self {
        EnvValue::Plain(value.to_owned())
    }
}

impl From<String> for EnvValue {
    fn from(value: String) -> Self {
        EnvValue::Plain(value)
    }
}

impl From<SecretString> for EnvValue {
    fn from(value: SecretString) -> Self {
        EnvValue::Secret(value)
    }
}

/// What an instance may use. The process runtime holds `log_bytes` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// Processor time in thousandths of a core.
    pub milli_cpus: Option<u32>,
    /// Processes and threads.
    pub pids: Option<u32>,
    /// What is kept of each of its two outputs, in bytes; once more as much may lie in a rotated file.
    pub log_bytes: u64,
}

impl Limits {
    /// What is kept of each output unless something else is asked for.
    pub const LOG_BYTES: u64 = 8 * 1024 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: None,
            milli_cpus: None,
            pids: None,
            log_bytes: Self::LOG_BYTES,
        }
    }
}

/// Files that differ from the image: laid over it before the program starts, so that an edit needs no build.
pub trait Overlay: Send + Sync + fmt::Debug {
    /// Whether there is nothing to lay over.
    fn is_empty(&self) -> bool;

    /// Writes a whole uncompressed tar of the new and changed files. Paths are those of the container without the leading
    /// slash; modes, owners (numbers) and links as they are to be. Called on a blocking thread.
    fn write_tar(&self, out: &mut dyn io::Write) -> io::Result<()>;

    /// Absolute paths of the container that are to be gone: files, and directories that are empty then.
    fn removed(&self) -> &[String];

    /// Absolute paths of the container and the `user:group` they are to belong to, where the image knows these by name.
    fn owners(&self) -> &[(String, String)];
}

/// What an instance on standby may load before its agent's own code is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WarmUp {
    /// Python modules outside of the agent's folder, in the order to import them. One that fails is skipped.
    pub python_modules: Vec<String>,
}

/// What to start.
#[derive(Debug, Clone)]
pub struct StartSpec {
    /// The agent's name.
    pub agent: String,
    /// Names the instance: letters, digits, `-` and `_`.
    pub deployment_id: String,
    /// Whose it is.
    pub owner: String,
    /// Its version.
    pub version: String,
    /// What [`crate::Runtime::prepare`] made.
    pub artifact: Artifact,
    /// Program and arguments. `$PORT`, `${PORT}`, `$HOST`, `${HOST}` are replaced. Docker: empty runs the image's own.
    pub command: Vec<String>,
    /// Where it runs. Process: the folder itself. Docker: a path within the container; empty for the image's own.
    pub workdir: PathBuf,
    /// Its environment; of two values for one name the later wins. `PORT` and `HOST` are set by the runtime.
    pub env: Vec<(String, EnvValue)>,
    /// Process: the port to use, else a free one. Docker: the port within the container, else 8000.
    pub port: Option<u16>,
    /// Labels beside ours (Docker).
    pub labels: BTreeMap<String, String>,
    /// What it may use.
    pub limits: Limits,
    /// Docker: what differs from the image. The process runtime runs the folder itself and has no use for it.
    pub overlay: Option<Arc<dyn Overlay>>,
}

/// One piece of news while preparing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Step `index` of `total` began.
    Step {
        /// Counts from one.
        index: u32,
        /// How many there are.
        total: u32,
        /// What the step does, e.g. `RUN pip install …`.
        text: String,
    },
    /// A line of the tool or the engine.
    Line(LogLine),
}

/// Hears of progress. Must return at once.
pub trait ProgressSink: Send + Sync {
    /// Takes one piece of news.
    fn report(&self, progress: Progress);
}

impl<F: Fn(Progress) + Send + Sync> ProgressSink for F {
    fn report(&self, progress: Progress) {
        self(progress);
    }
}
