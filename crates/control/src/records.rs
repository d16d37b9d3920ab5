//! What the control plane remembers: its records, and how they look from outside.
//!
//! Records are not wire types: a field may be added here without anybody outside noticing.

mod source;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use nasiko_contract::{
    AgentName, AgentState, AgentSummary, AgentVersion, Build, BuildState, ChatMessage, ChatRole,
    ChatSession, Deployment, DeploymentId, DeploymentState, EnvNeed, ErrorCode, Fault, Finding,
    JobId, Protocol, RuntimeKind, Settings,
};
use nasiko_store::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::source::Source;
use crate::{peers::PlaneId, platform::Order};

/// What a person wants of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Desired {
    Running,
    Stopped,
}

/// When an agent that ended by itself is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RestartPolicy {
    Always,
    #[default]
    OnFailure,
    Never,
}

/// All that starting an instance needs, so that a start does not read the folder again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunPlan {
    pub(crate) runtime: RuntimeKind,
    pub(crate) version: String,
    pub(crate) content_hash: String,
    /// `Artifact`'s text form.
    pub(crate) artifact: String,
    pub(crate) command: Vec<String>,
    /// Process: the folder. Docker: empty for the image's own.
    pub(crate) workdir: PathBuf,
    /// The name under which the folder's own values (`.env`, Compose) are sealed; they hold keys as often as not.
    #[serde(default)]
    pub(crate) folder_env: Option<String>,
    /// In order of trust; what answers wins.
    pub(crate) ports: Vec<u16>,
    /// The path that must answer 2xx; else any answer will do.
    pub(crate) ready: Option<String>,
    /// What the manifest says of the two; else the settings do, as they are then.
    pub(crate) start_timeout_ms: Option<u64>,
    pub(crate) stop_timeout_ms: Option<u64>,
    pub(crate) restart: RestartPolicy,
    /// Docker: what differs from the image, and is laid over it at each start.
    #[serde(default)]
    pub(crate) overlay: Option<OverlayPlan>,
}

/// Where the files lie that differ from an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OverlayPlan {
    /// The content that the image was made of.
    pub(crate) base: String,
    /// The files' folder, among those of the agent.
    pub(crate) folder: String,
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AgentRecord {
    pub(crate) name: AgentName,
    pub(crate) source: Source,
    /// Where the content of an archive or repository was unpacked.
    pub(crate) root: PathBuf,
    pub(crate) desired: Desired,
    pub(crate) state: AgentState,
    pub(crate) activity: String,
    pub(crate) since: i64,
    pub(crate) created: i64,
    pub(crate) restarts: u32,
    pub(crate) fault: Option<Fault>,
    pub(crate) runtime: RuntimeKind,
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) language: String,
    pub(crate) protocol: Protocol,
    pub(crate) card: Value,
    pub(crate) card_generated: bool,
    pub(crate) env_needs: Vec<EnvNeed>,
    pub(crate) findings: Vec<Finding>,
    /// The deployment that serves, or served last.
    pub(crate) current: Option<DeploymentId>,
    /// What `current` was started from: the last good one.
    pub(crate) plan: Option<RunPlan>,
    /// A person's words over the card's.
    #[serde(default)]
    pub(crate) edited_description: Option<String>,
    #[serde(default)]
    pub(crate) edited_tags: Option<Vec<String>>,
    /// Its folder is watched.
    #[serde(default)]
    pub(crate) watched: bool,
    /// Set where a platform ordered it.
    #[serde(default)]
    pub(crate) ordered: Option<Order>,
    /// The control plane that has its instance, or is at work on its first one.
    #[serde(default)]
    pub(crate) plane: Option<PlaneId>,
    /// Where `current` answers on that control plane's machine.
    #[serde(default)]
    pub(crate) address: Option<SocketAddr>,
}

impl RunPlan {
    /// The same, with the port first that turned out to be the right one.
    pub(crate) fn listening_on(&self, port: Option<u16>) -> Self {
        let mut plan = self.clone();
        if let Some(port) = port {
            plan.ports.retain(|other| *other != port);
            plan.ports.insert(0, port);
        }
        plan
    }

    /// The content of the image that it starts from, where it starts from one.
    pub(crate) fn image_content(&self) -> &str {
        self.overlay
            .as_ref()
            .map_or(&self.content_hash, |overlay| &overlay.base)
    }

    /// How long an instance may take until it answers.
    pub(crate) fn start_timeout(&self, settings: &Settings) -> Duration {
        self.start_timeout_ms.map_or(
            Duration::from_secs(settings.start_timeout_seconds.into()),
            Duration::from_millis,
        )
    }

    /// How long an instance may take to end when it is asked to.
    pub(crate) fn stop_timeout(&self, settings: &Settings) -> Duration {
        self.stop_timeout_ms.map_or(
            Duration::from_secs(settings.stop_timeout_seconds.into()),
            Duration::from_millis,
        )
    }
}

impl AgentRecord {
    /// An agent of which nothing is known yet but where it comes from and where it runs.
    pub(crate) fn new(name: AgentName, source: Source, runtime: RuntimeKind, now: i64) -> Self {
        Self {
            name,
            source,
            root: PathBuf::new(),
            desired: Desired::Running,
            state: AgentState::SettingUp,
            activity: String::new(),
            since: now,
            created: now,
            restarts: 0,
            fault: None,
            runtime,
            version: String::new(),
            description: String::new(),
            language: String::new(),
            protocol: Protocol::Unknown,
            card: Value::Null,
            card_generated: false,
            env_needs: Vec::new(),
            findings: Vec::new(),
            current: None,
            plan: None,
            edited_description: None,
            edited_tags: None,
            watched: false,
            ordered: None,
            plane: None,
            address: None,
        }
    }

    /// Somebody is at work on it: unless something answers meanwhile, it is being set up.
    pub(crate) fn be_at(&mut self, activity: &str) {
        activity.clone_into(&mut self.activity);
        if self.state != AgentState::Active {
            self.state = AgentState::SettingUp;
        }
    }

    /// Nobody is at work on it any more, because of `fault`; whatever answered before still does.
    pub(crate) fn come_to_rest(&mut self, fault: &Fault) {
        self.activity.clear();
        if fault.code != ErrorCode::Cancelled {
            self.fault = Some(fault.clone());
        }
        if self.state == AgentState::SettingUp {
            self.state = if self.fault.is_some() {
                AgentState::Failed
            } else {
                AgentState::Stopped
            };
        }
    }

    /// The row that everybody sees; `url` is its address behind the gateway.
    pub(crate) fn summary(&self, url: String) -> AgentSummary {
        AgentSummary {
            name: self.name.clone(),
            description: self
                .edited_description
                .clone()
                .unwrap_or_else(|| self.description.clone()),
            state: self.state,
            activity: self.activity.clone(),
            runtime: self.runtime,
            version: self.version.clone(),
            url,
            restarts: self.restarts,
            since: self.since,
            created: self.created,
            fault: self.fault.clone(),
            source: self.source.shown(),
            protocol: self.protocol,
            watched: self.watched,
        }
    }
}

impl Record for AgentRecord {
    const KIND: &'static str = "agent";

    fn id(&self) -> &str {
        self.name.as_str()
    }
}

/// A content that an agent had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    /// `<agent>/<content hash>`
    pub(crate) id: String,
    pub(crate) agent: AgentName,
    pub(crate) version: String,
    pub(crate) content_hash: String,
    pub(crate) created: i64,
    /// Where its files were.
    #[serde(default)]
    pub(crate) root: Option<PathBuf>,
    /// What the platform that ordered it calls it.
    #[serde(default)]
    pub(crate) ordered_as: Option<String>,
}

impl Record for VersionRecord {
    const KIND: &'static str = "version";

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> Option<&str> {
        Some(self.agent.as_str())
    }
}

impl From<VersionRecord> for AgentVersion {
    fn from(record: VersionRecord) -> Self {
        Self {
            version: record.version,
            content_hash: record.content_hash,
            created: record.created,
        }
    }
}

/// One making of an image or environment; its id is its job's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BuildRecord {
    pub(crate) job: JobId,
    pub(crate) agent: AgentName,
    pub(crate) content_hash: String,
    pub(crate) runtime: RuntimeKind,
    pub(crate) state: BuildState,
    pub(crate) started: i64,
    pub(crate) ended: Option<i64>,
    pub(crate) reused: bool,
    pub(crate) fault: Option<Fault>,
}

impl Record for BuildRecord {
    const KIND: &'static str = "build";

    fn id(&self) -> &str {
        self.job.as_str()
    }

    fn parent(&self) -> Option<&str> {
        Some(self.agent.as_str())
    }
}

impl From<BuildRecord> for Build {
    fn from(record: BuildRecord) -> Self {
        Self {
            job: record.job,
            content_hash: record.content_hash,
            runtime: record.runtime,
            state: record.state,
            started: record.started,
            ended: record.ended,
            reused: record.reused,
            fault: record.fault,
        }
    }
}

/// One attempt to run a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DeploymentRecord {
    pub(crate) id: DeploymentId,
    pub(crate) agent: AgentName,
    pub(crate) version: String,
    pub(crate) content_hash: String,
    pub(crate) runtime: RuntimeKind,
    pub(crate) state: DeploymentState,
    /// Process or container id, for people.
    pub(crate) instance: String,
    /// The values given to it, as a fingerprint: another one is another deployment.
    pub(crate) env_fingerprint: String,
    pub(crate) started: i64,
    pub(crate) ended: Option<i64>,
    pub(crate) fault: Option<Fault>,
    /// The control plane that has its instance, until that is gone. If the deployment has ended meanwhile, another one
    /// ended it, and the instance is to follow.
    #[serde(default)]
    pub(crate) plane: Option<PlaneId>,
}

impl DeploymentRecord {
    /// Whether it is on its way or serves.
    pub(crate) fn is_open(&self) -> bool {
        matches!(
            self.state,
            DeploymentState::Starting | DeploymentState::Running
        )
    }
}

impl Record for DeploymentRecord {
    const KIND: &'static str = "deployment";

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn parent(&self) -> Option<&str> {
        Some(self.agent.as_str())
    }
}

impl From<DeploymentRecord> for Deployment {
    fn from(record: DeploymentRecord) -> Self {
        Self {
            id: record.id,
            version: record.version,
            content_hash: record.content_hash,
            runtime: record.runtime,
            state: record.state,
            instance: record.instance,
            started: record.started,
            ended: record.ended,
            fault: record.fault,
        }
    }
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    pub(crate) session: ChatSession,
    /// The id by which the agent knows the conversation, once it gave one.
    pub(crate) context_id: Option<String>,
    /// The task that waits for more input, if one does.
    pub(crate) task_id: Option<String>,
}

impl Record for SessionRecord {
    const KIND: &'static str = "session";

    fn id(&self) -> &str {
        self.session.id.as_str()
    }

    fn parent(&self) -> Option<&str> {
        Some(self.session.agent.as_str())
    }
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MessageRecord(pub(crate) ChatMessage);

impl Record for MessageRecord {
    const KIND: &'static str = "message";

    fn id(&self) -> &str {
        self.0.id.as_str()
    }

    fn parent(&self) -> Option<&str> {
        Some(self.0.session.as_str())
    }
}

impl MessageRecord {
    /// The question that a person asks now.
    pub(crate) fn question(session: &ChatSession, text: String, at: i64) -> Self {
        Self(ChatMessage {
            id: uuid::Uuid::now_v7().to_string().into(),
            session: session.id.clone(),
            role: ChatRole::User,
            parts: vec![serde_json::json!({ "text": text })],
            text,
            at,
            task_state: String::new(),
            trace: None,
            duration_ms: None,
            tokens: None,
            fault: None,
        })
    }
}

/// The settings; there is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SettingsRecord(pub(crate) Settings);

impl Record for SettingsRecord {
    const KIND: &'static str = "settings";

    fn id(&self) -> &'static str {
        "settings"
    }
}

#[cfg(test)]
pub(crate) mod tests;
