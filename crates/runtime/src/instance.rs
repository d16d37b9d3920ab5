//! What runs and what is observed of it: instances, exits, events, log lines, figures.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

/// Where instances run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuntimeKind {
    /// Programs of this machine.
    Process,
    /// Containers of an engine.
    Docker,
}

impl RuntimeKind {
    /// The word used in documents: `process` or `docker`.
    pub fn as_str(self) -> &'static str {
        match self {
            RuntimeKind::Process => "process",
            RuntimeKind::Docker => "docker",
        }
    }
}

impl fmt::Display for RuntimeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names one instance within its runtime. For instances we started it is their deployment id; for containers that
/// somebody else started it is the engine's id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(String);

impl InstanceId {
    /// The instance that belongs to a deployment.
    pub fn new(deployment_id: impl Into<String>) -> Self {
        Self(deployment_id.into())
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether an instance runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceState {
    /// It exists and was never started: it is on standby, or a crash between the engine's two steps left it.
    Created,
    /// It runs.
    Running,
    /// It has ended.
    Exited {
        /// The exit code, if it is known and no signal ended the instance.
        code: Option<i32>,
    },
}

/// One instance of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Names it in every other call.
    pub id: InstanceId,
    /// The agent's name.
    pub agent: String,
    /// Whose it is; empty when unknown.
    pub owner: String,
    /// The agent's version; empty when unknown.
    pub version: String,
    /// The deployment it was started for; empty for a container that somebody else started.
    pub deployment_id: String,
    /// Where it runs.
    pub kind: RuntimeKind,
    /// Whether it runs.
    pub state: InstanceState,
    /// Where this machine reaches its port; none while it does not run.
    pub address: Option<SocketAddr>,
    /// When it was started.
    pub started_at: SystemTime,
    /// The process or container id, to show to people.
    pub handle: String,
    /// What else is known of a container that somebody else started; none for an instance of ours.
    pub foreign: Option<Box<Foreign>>,
}

/// A container that somebody else started, as far as it tells more than an instance of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// The container's name.
    pub container: String,
    /// Where this machine may reach it, most trusted first: the port its label names, published ports, the ports of its
    /// image, the usual ones. Empty where none can be reached.
    pub addresses: Vec<SocketAddr>,
    /// Its own address on the agents' network, where this machine reaches that.
    pub direct: Option<IpAddr>,
    /// The Compose project it belongs to.
    pub project: Option<String>,
    /// The control plane (data directory) that started it, if one did.
    pub installation: Option<String>,
    /// Tells the tool and the purpose it was started for: containers of one group are versions or replicas of one agent.
    pub group: Option<String>,
}

/// How an instance ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Which one.
    pub instance: InstanceId,
    /// The agent's name.
    pub agent: String,
    /// The exit code. None when a signal ended it, or when it ended as somebody else's child.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether the kernel killed it for its memory.
    pub oom: bool,
    /// Whether [`crate::Runtime::stop`] or [`crate::Runtime::remove`] asked for it.
    pub requested: bool,
    /// How long it ran.
    pub ran_for: Duration,
    /// The last lines it wrote to its error output (else to its output), oldest first.
    pub last_lines: Vec<String>,
}

/// What a runtime observes.
#[derive(Debug, Clone)]
pub enum RuntimeEvent {
    /// An instance runs: one of ours, or a container that somebody else put on our network. The latter is told again when
    /// what is known of it changes.
    Started {
        /// The instance.
        instance: Instance,
        /// Whether this installation started it.
        ours: bool,
    },
    /// An instance of ours ended.
    Exited(Exit),
    /// A container that somebody else started is no agent of our network any more: it ended, left the network or was
    /// renamed. Can be told more than once, and of containers that never were one.
    Left(InstanceId),
    /// The engine answers (again). Events may have been missed: list.
    EngineUp,
    /// The engine no longer answers; the runtime keeps trying.
    EngineDown {
        /// What was tried and what came of it.
        reason: String,
    },
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogStream {
    /// The program's output.
    Stdout,
    /// The program's error output.
    Stderr,
    /// A tool or an engine while preparing.
    Build,
}

/// One line, without its line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written, as well as that is known.
    pub at: SystemTime,
    /// Where it came from.
    pub stream: LogStream,
    /// The text; bytes that are not UTF-8 are replaced, terminal colours are kept.
    pub text: String,
}

/// Which lines to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogQuery {
    /// At most this many of the lines that exist; none for as many as are kept.
    pub tail: Option<usize>,
    /// Also those that come, until the instance ends.
    pub follow: bool,
    /// Only those written at or after this time.
    pub since: Option<SystemTime>,
}

/// What an instance uses.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stats {
    /// Processor use since the question before (the first time: since its start); 100 is one core.
    pub cpu_percent: f64,
    /// Memory in bytes: resident memory of all its processes, or what the engine counts.
    pub memory_bytes: u64,
    /// The memory limit in bytes, if it has one.
    pub memory_limit_bytes: Option<u64>,
    /// How many processes (process runtime) or tasks (Docker) it has.
    pub tasks: u64,
}
