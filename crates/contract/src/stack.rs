//! The local Docker stack: services of Compose files, brought up and down, and looked at.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// `GET /stack`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetStack {}

/// The stack as it is declared and as it runs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Stack {
    /// The Compose project.
    pub project: String,
    /// It was brought up, and not taken down since.
    #[serde(default)]
    pub on: bool,
    /// It waits for the container engine: once that answers, the stack comes up by itself or, where it was switched off
    /// meanwhile, what is left of it is removed.
    #[serde(default)]
    pub waiting: bool,
    /// The Compose files it is read from, in order; the product's own is called `stack.yml`.
    #[serde(default)]
    pub files: Vec<String>,
    /// The profiles there are, and whether they are switched on.
    #[serde(default)]
    pub profiles: Vec<StackProfile>,
    /// All services, in the order of the files.
    #[serde(default)]
    pub services: Vec<StackService>,
    /// Containers of the project that no file declares any more.
    #[serde(default)]
    pub orphans: Vec<String>,
    /// The volumes of the project that there are in the engine: what goes with `down` and its volumes.
    #[serde(default)]
    pub volumes: Vec<String>,
    /// Where a container engine was looked for: the one that is used, and why, and what else there is.
    #[serde(default)]
    pub engines: Vec<crate::system::EnginePlace>,
    /// Why it cannot be read or looked at now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// A group of services that is switched on and off together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StackProfile {
    /// Its name.
    pub name: String,
    /// It was brought up last and not taken down since.
    pub enabled: bool,
}

/// The state of a service's container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ServiceState {
    /// There is no container.
    #[default]
    Absent,
    /// Made, not started.
    Created,
    /// It runs.
    Running,
    /// It was ended and is started again by the engine.
    Restarting,
    /// It is paused.
    Paused,
    /// It ended.
    Exited,
}

impl ServiceState {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Created => "created",
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Paused => "paused",
            Self::Exited => "exited",
        }
    }
}

/// What a service's health check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ServiceHealth {
    /// It has none.
    #[default]
    None,
    /// Not yet.
    Starting,
    /// Well.
    Healthy,
    /// Not well.
    Unhealthy,
}

impl ServiceHealth {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// A service of the local stack.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StackService {
    /// Its name.
    pub service: String,
    /// Its state.
    pub state: ServiceState,
    /// Its health.
    pub health: ServiceHealth,
    /// Its image.
    #[serde(default)]
    pub image: String,
    /// The profiles it belongs to; none: it always belongs to the stack.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// Its container's id; empty where there is none.
    #[serde(default)]
    pub container: String,
    /// Addresses it is published at, `127.0.0.1:6379->6379/tcp`.
    #[serde(default)]
    pub ports: Vec<String>,
    /// How it ended, where it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// When its container started, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<i64>,
    /// How often the engine started its container again by itself.
    #[serde(default)]
    pub restarts: u32,
    /// Why it is not well: the last words of its health check, or the last lines of one that ended with another code than 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl StackService {
    /// Exit codes of containers that were asked to end: the signals that stop one.
    const STOPPED: [i64; 2] = [128 + 9, 128 + 15];

    /// It is not as it should be: its check fails, or it ended by itself and not well.
    pub fn is_unwell(&self) -> bool {
        match (self.state, self.health, self.exit_code) {
            (ServiceState::Exited, _, Some(code)) => code != 0 && !Self::STOPPED.contains(&code),
            (ServiceState::Running, ServiceHealth::Unhealthy, _)
            | (ServiceState::Restarting, ..)
            | (ServiceState::Exited, _, None) => true,
            _ => false,
        }
    }
}

/// `POST /stack/up`: bring services up; answers a job.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StackUp {
    /// Profiles to switch on; those that are on stay on.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// Absolute paths of Compose files beside the product's own; none: those of the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<String>>,
    /// Remove containers that no file declares any more.
    #[serde(default)]
    pub remove_orphans: bool,
    /// Recreate containers even where nothing changed.
    #[serde(default)]
    pub force: bool,
    /// Recreate no container, even where something changed.
    #[serde(default)]
    pub keep: bool,
    /// Build images that are built again, even where they are here.
    #[serde(default)]
    pub build: bool,
    /// Pull images that are pulled again, even where they are here.
    #[serde(default)]
    pub pull: bool,
    /// Where no container engine answers, do not fail: the job ends at once with `waiting` in its result, and the stack comes up
    /// by itself once the engine answers.
    #[serde(default)]
    pub wait: bool,
}

/// `POST /stack/down`: stop and remove the containers and networks; answers a job. Without a container engine the stack is
/// switched off, and what is left of it removed once one answers: `waiting` in the job's result says so.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StackDown {
    /// Only what is on for these profiles alone; they are switched off.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// Only what is on for these Compose files alone, absolute paths; they belong to the stack no more.
    #[serde(default)]
    pub files: Vec<String>,
    /// Also remove the named volumes: what the services stored is gone.
    #[serde(default)]
    pub volumes: bool,
    /// Remove containers that no file declares any more.
    #[serde(default)]
    pub remove_orphans: bool,
}

/// `POST /stack/down/preview`: what a down with the same profiles and files would remove; nothing is done.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PreviewStackDown {
    /// As in [`StackDown`].
    #[serde(default)]
    pub profiles: Vec<String>,
    /// As in [`StackDown`].
    #[serde(default)]
    pub files: Vec<String>,
}

/// What would be removed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StackRemoval {
    /// Services that have a container, by name.
    pub services: Vec<String>,
    /// Volumes that go too where that is asked for, by their names in the engine.
    pub volumes: Vec<String>,
}

/// `POST /stack/services/{service}/start`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StartService {
    /// Which.
    pub service: String,
}

/// `POST /stack/services/{service}/stop`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StopService {
    /// Which.
    pub service: String,
}

/// `POST /stack/services/{service}/restart`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RestartService {
    /// Which.
    pub service: String,
}

/// `POST /stack/services/{service}/exec`: run one command in a service's container and wait for its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExecInService {
    /// Which.
    pub service: String,
    /// Program and arguments; no shell is in between.
    pub command: Vec<String>,
    /// In place of the container's user: `name`, `id` or `id:group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// In place of the container's working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
}

/// What a command in a service's container came to. Each output is cut at 1 MiB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExecResult {
    /// Its exit code.
    pub exit_code: i64,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// `GET /stack/logs` (stream): what the services write, interleaved.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FollowStackLogs {
    /// Only this service's; several are separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Lines of the past of each service, at most 10,000 (200 unless given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<u32>,
    /// Only lines written since, Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// Go on with new lines.
    #[serde(default)]
    pub follow: bool,
}

/// One line of a service's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServiceLogLine {
    /// Whose.
    pub service: String,
    /// Unix milliseconds.
    pub at: i64,
    /// Where it came from.
    pub stream: crate::agents::LogStream,
    /// The line without its end.
    pub text: String,
}

/// `GET /stack/services/{service}/stats` (stream): one row a second while somebody looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FollowServiceStats {
    /// Which.
    pub service: String,
}

/// `GET /stack/stats` (stream): one row a second of each service that runs when it is opened, while somebody looks.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FollowStackStats {
    /// Only these services, their names separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<String>,
}

/// What a service uses at a moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServiceStats {
    /// Whose.
    pub service: String,
    /// The figures.
    pub stats: crate::agents::InstanceStats,
    /// Processes and threads.
    #[serde(default)]
    pub tasks: u64,
    /// Received since its container started, bytes.
    #[serde(default)]
    pub received_bytes: u64,
    /// Sent since its container started, bytes.
    #[serde(default)]
    pub sent_bytes: u64,
}

/// `GET /stack/progress` (stream): how far each service is while a job brings the stack up or takes it down. The first item is
/// what is known now.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FollowStackProgress {}

/// How far the last job on the stack is. Nothing of it survives the control plane; the job does, and tells it anew.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StackProgress {
    /// The job; none before the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<crate::ids::JobId>,
    /// The services it is about, by name.
    #[serde(default)]
    pub services: Vec<ServiceProgress>,
}

/// How far a service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServiceProgress {
    /// Which.
    pub service: String,
    /// What is being done with it.
    pub phase: ServicePhase,
    /// More about it, in words: what it waits for, why it is made anew, why it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Bytes of its image that are here, while it is pulled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Bytes of its image as far as they are known, while it is pulled; grows while the engine learns of layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
}

/// What is being done with a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ServicePhase {
    /// Its turn has not come, or it waits for another service.
    Waiting,
    /// Its image is pulled.
    Pulling,
    /// Its image is built.
    Building,
    /// Its container is made, or made anew.
    Creating,
    /// It is stopped.
    Stopping,
    /// It is started.
    Starting,
    /// It runs, and its health check has not passed yet.
    Checking,
    /// It is as it should be.
    Ready,
    /// Its container is gone.
    Removed,
    /// It could not be brought further.
    Failed,
}
