//! Notices: what happened while nobody looked. Kept in the inbox until cleared; some are shown on the desktop as well.

use serde::{Deserialize, Serialize};

use crate::ids::{AgentName, NoticeId};

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// An agent that answered ended by itself.
    AgentCrashed,
    /// An agent that had crashed answers again.
    AgentRecovered,
    /// A deploy is live.
    DeployDone,
    /// A deploy failed; what answered before still does.
    DeployFailed,
    /// A service of the local stack is not well, or the engine went away.
    StackDegraded,
    /// All services of the local stack are well again.
    StackRecovered,
    /// A newer version of the product can be installed.
    UpdateReady,
    /// Something is wrong with this machine.
    DoctorFinding,
}

impl NoticeKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AgentCrashed => "agent-crashed",
            Self::AgentRecovered => "agent-recovered",
            Self::DeployDone => "deploy-done",
            Self::DeployFailed => "deploy-failed",
            Self::StackDegraded => "stack-degraded",
            Self::StackRecovered => "stack-recovered",
            Self::UpdateReady => "update-ready",
            Self::DoctorFinding => "doctor-finding",
        }
    }

    /// It tells of something that is not well.
    pub fn is_trouble(self) -> bool {
        matches!(
            self,
            Self::AgentCrashed | Self::DeployFailed | Self::StackDegraded | Self::DoctorFinding
        )
    }
}

/// One notice of the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// When it happened (the last time, where it happened several times), Unix milliseconds.
    pub at: i64,
    /// What it is about.
    pub kind: NoticeKind,
    /// A few words: `weather crashed`.
    pub title: String,
    /// Why, or what came of it; may be empty.
    #[serde(default)]
    pub text: String,
    /// The page of the UI that tells more, e.g. `/agents/weather`.
    pub target: String,
    /// The agent it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// Somebody saw it.
    #[serde(default)]
    pub read: bool,
    /// It is to be shown on the desktop too: notifications are on, and it did not come in quiet hours.
    #[serde(default)]
    pub shown: bool,
}

/// `GET /notices`: newest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListNotices {
    /// Only those that nobody has read.
    #[serde(default)]
    pub unread: bool,
    /// Where the page starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows, at most 500 (100 unless given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// `POST /notices/read`: somebody saw one notice, or all of them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
pub struct ReadNotices {
    /// Which; all unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<NoticeId>,
}

/// `POST /notices/clear`: take one notice, or all of them, out of the inbox.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
pub struct ClearNotices {
    /// Which; all unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<NoticeId>,
}

/// `POST /notices/restore`: undo the last [`ClearNotices`]; nothing happens where there was none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
pub struct RestoreNotices {}

/// How many notices an operation changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NoticesChanged {
    /// So many.
    pub changed: u32,
}
