//! What a platform's back end writes, as typed values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The longest value of a field, in bytes.
const VALUE_BYTES: usize = 8 << 10;
/// The longest name of an agent, in bytes.
const NAME_BYTES: usize = 200;

/// What is to be done with an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlatformAction {
    /// Deploy it, for the first time or again.
    Deploy,
    /// Deploy a new version.
    Update,
    /// Go back to an earlier version.
    Rollback,
    /// Build the present version anew.
    Rebuild,
}

/// How the agent reached the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadType {
    /// An archive at `agent_path`, packed or unpacked.
    Zip,
    /// A folder at `agent_path`.
    Directory,
    /// A repository: `git_url` and `branch`, or `repository_full_name`.
    Github,
    /// A workflow in n8n: the agent at `agent_path` was made for it and calls `webhook_url`.
    N8nRegister,
}

/// A command, with all that came with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformCommand {
    /// What is to be done.
    pub action: PlatformAction,
    /// With which agent, as the platform names it.
    pub agent_name: String,
    /// Where its files are, as the platform sees them.
    pub agent_path: Option<String>,
    /// Where the platform's back end answers.
    pub base_url: Option<String>,
    /// When it was ordered, in the platform's words.
    pub timestamp: Option<String>,
    /// By whom.
    pub owner_id: Option<String>,
    /// The platform's number of the upload, under which it expects to hear of it.
    pub upload_id: Option<String>,
    /// How the agent reached the platform; always there for [`PlatformAction::Deploy`].
    pub upload_type: Option<UploadType>,
    /// Which version; also as `new_version` of an update and `target_version` of a rollback.
    pub version: Option<String>,
    /// Where to clone it from.
    pub git_url: Option<String>,
    /// Which branch.
    pub branch: Option<String>,
    /// The repository as `owner/name`.
    pub repository_full_name: Option<String>,
    /// Where the workflow of an [`UploadType::N8nRegister`] is called.
    pub webhook_url: Option<String>,
    /// Fields that this build does not know.
    pub other: BTreeMap<String, String>,
}

/// Why a command cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCommand {
    /// A field that must be there.
    #[error("the field `{0}` is missing or empty")]
    Missing(&'static str),
    /// A value that is none of those known.
    #[error("`{value}` is no known value of the field `{field}`")]
    Unknown {
        /// The field.
        field: &'static str,
        /// The value, cut short.
        value: String,
    },
    /// A value that is too long.
    #[error("the field `{0}` is too long")]
    TooLong(String),
    /// A name with control characters.
    #[error("the agent's name has characters that no name has")]
    OddName,
    /// It is taken for the killer of those who take it.
    #[error("it was delivered more than {0} times without an end")]
    TooOften(usize),
}

/// The name of the agent that an entry's fields are about.
pub(crate) fn agent_name(fields: &BTreeMap<String, String>) -> Result<&str, BadCommand> {
    let name = field(fields, "agent_name").ok_or(BadCommand::Missing("agent_name"))?;
    if name.len() > NAME_BYTES {
        return Err(BadCommand::TooLong("agent_name".to_owned()));
    }
    if name.chars().any(char::is_control) {
        return Err(BadCommand::OddName);
    }
    Ok(name)
}

/// A field that says something.
pub(crate) fn field<'a>(fields: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(|value| present(value))
}

impl PlatformCommand {
    /// Understands the fields of an entry. Unknown fields are kept; empty ones, and Python's `None`, are as if absent.
    pub fn parse(fields: &BTreeMap<String, String>) -> Result<Self, BadCommand> {
        let mut other = BTreeMap::new();
        for (name, value) in fields {
            if value.len() > VALUE_BYTES {
                return Err(BadCommand::TooLong(shown(name)));
            }
            if let Some(value) = present(value) {
                other.insert(name.clone(), value.to_owned());
            }
        }
        let command = other
            .remove("command")
            .ok_or(BadCommand::Missing("command"))?;
        let agent_name = agent_name(fields)?.to_owned();
        other.remove("agent_name");
        let action = match other.remove("action") {
            // The command itself must be known even if the action says what is wanted.
            Some(action) => {
                action_named("command", &command).and(action_named("action", &action))?
            }
            None => action_named("command", &command)?,
        };
        let upload_type = match other.remove("upload_type") {
            Some(word) => upload_type(&word)?,
            None => None,
        };
        let mut take = |name: &str| other.remove(name);
        let parsed = Self {
            action,
            agent_name,
            agent_path: take("agent_path"),
            base_url: take("base_url"),
            timestamp: take("timestamp"),
            owner_id: take("owner_id"),
            upload_id: take("upload_id"),
            upload_type,
            version: take("version")
                .or_else(|| take("target_version"))
                .or_else(|| take("new_version")),
            git_url: take("git_url"),
            branch: take("branch"),
            repository_full_name: take("repository_full_name"),
            webhook_url: take("webhook_url"),
            other,
        };
        parsed.check()
    }

    fn check(self) -> Result<Self, BadCommand> {
        let needs_source = matches!(self.action, PlatformAction::Deploy | PlatformAction::Update);
        let has_repository = self.git_url.is_some() || self.repository_full_name.is_some();
        match self.upload_type {
            None if self.action == PlatformAction::Deploy => {
                Err(BadCommand::Missing("upload_type"))
            }
            Some(UploadType::Zip | UploadType::Directory)
                if needs_source && self.agent_path.is_none() =>
            {
                Err(BadCommand::Missing("agent_path"))
            }
            Some(UploadType::Github)
                if needs_source && !has_repository && self.agent_path.is_none() =>
            {
                Err(BadCommand::Missing("git_url"))
            }
            _ => Ok(self),
        }
    }
}

fn action_named(field: &'static str, word: &str) -> Result<PlatformAction, BadCommand> {
    Ok(match word {
        "deploy_agent" => PlatformAction::Deploy,
        "update_agent" => PlatformAction::Update,
        "rollback_agent" => PlatformAction::Rollback,
        "rebuild_agent" => PlatformAction::Rebuild,
        _ => {
            return Err(BadCommand::Unknown {
                field,
                value: shown(word),
            });
        }
    })
}

fn upload_type(word: &str) -> Result<Option<UploadType>, BadCommand> {
    Ok(Some(match word {
        "zip" => UploadType::Zip,
        "directory" => UploadType::Directory,
        "github" => UploadType::Github,
        "n8n_register" => UploadType::N8nRegister,
        // What back ends write where nothing is uploaded: the action has said it already.
        "agent_update" | "agent_rollback" | "agent_rebuild" => return Ok(None),
        _ => {
            return Err(BadCommand::Unknown {
                field: "upload_type",
                value: shown(word),
            });
        }
    }))
}

fn present(value: &str) -> Option<&str> {
    let value = value.trim();
    (!matches!(value, "" | "None" | "null")).then_some(value)
}

fn shown(value: &str) -> String {
    value.chars().take(80).collect()
}
