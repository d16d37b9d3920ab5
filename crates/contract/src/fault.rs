//! Errors as they cross a boundary: one stable code, a sentence, a hint, and the evidence.
//!
//! Every crate has its own `thiserror` enum; each converts into a [`Fault`] at its edge, and the
//! server turns a [`Fault`] into a [`Problem`] (RFC 9457). Nothing ever matches on message text.

use serde::{Deserialize, Serialize};

/// Declares [`ErrorCode`] once: variant, wire spelling, HTTP status.
macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $wire:literal, $status:literal;)*) => {
        /// A stable, machine-readable reason. Its spelling never changes once released.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $wire)] $variant,)*
            /// A code that a newer peer knows and this build does not.
            #[serde(other, rename = "unknown")]
            Unknown,
        }

        impl ErrorCode {
            /// Every code this build can say, for documents and tests.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The wire spelling, e.g. `intake.path_not_found`.
            pub fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $wire,)* ErrorCode::Unknown => "unknown" }
            }

            /// The HTTP status that carries this code.
            pub fn status(self) -> u16 {
                match self { $(ErrorCode::$variant => $status,)* ErrorCode::Unknown => 500 }
            }
        }
    };
}

error_codes! {
    /// A field of the request is missing or does not fit.
    InvalidRequest = "request.invalid", 400;
    /// No or a wrong token.
    Unauthenticated = "auth.unauthenticated", 401;
    /// The caller may not do this.
    Forbidden = "auth.forbidden", 403;
    /// A `Host` or `Origin` that is not ours: DNS rebinding or a foreign page.
    ForeignOrigin = "auth.foreign_origin", 403;
    /// No such operation or record of another kind than the ones below.
    NotFound = "not_found", 404;
    /// No agent of that name; the hint offers the nearest one.
    AgentNotFound = "agent.not_found", 404;
    /// No such job.
    JobNotFound = "job.not_found", 404;
    /// No such conversation.
    SessionNotFound = "session.not_found", 404;
    /// No such trace.
    TraceNotFound = "trace.not_found", 404;
    /// No such secret.
    SecretNotFound = "secret.not_found", 404;
    /// The key that secrets are sealed with is locked: a keyring or a passphrase has to open it.
    VaultLocked = "vault.locked", 423;
    /// There is no keyring, or it does not answer.
    KeyringUnavailable = "vault.keyring_unavailable", 503;
    /// The key that secrets are sealed with is gone.
    VaultKeyMissing = "vault.key_missing", 409;
    /// Values are sealed with another key than the one that is there.
    VaultWrongKey = "vault.wrong_key", 409;
    /// Not the passphrase that the key is sealed with.
    WrongPassphrase = "vault.wrong_passphrase", 403;
    /// The record was changed by somebody else meanwhile.
    Conflict = "conflict", 409;
    /// The state does not allow it (e.g. start a running agent).
    WrongState = "state.wrong", 409;
    /// A queue, body or other bound was reached.
    LimitReached = "limit.reached", 429;
    /// The body is larger than the limit.
    TooLarge = "request.too_large", 413;
    /// The caller cancelled.
    Cancelled = "cancelled", 409;
    /// A wait reached its limit.
    TimedOut = "timed_out", 504;
    /// A fault of ours. The log has it under the request id.
    Internal = "internal", 500;
    /// The control plane cannot be reached.
    Unreachable = "control.unreachable", 503;
    /// Another control plane owns this data directory.
    DataDirectoryOwned = "control.data_directory_owned", 409;
    /// The data directory was written by a newer version.
    NewerData = "store.newer_data", 409;
    /// The store failed.
    StoreFailed = "store.failed", 500;
    /// No space left on the device.
    DiskFull = "disk.full", 507;

    /// No file or folder there.
    PathNotFound = "intake.path_not_found", 404;
    /// It may not be read.
    PathUnreadable = "intake.path_unreadable", 403;
    /// Files came or went while the folder was read.
    FolderChanged = "intake.folder_changed", 409;
    /// Neither a folder nor an archive that is understood.
    NotAnAgentSource = "intake.not_a_source", 422;
    /// The folder holds nothing.
    FolderEmpty = "intake.folder_empty", 422;
    /// Nothing in it can be run.
    NoEntry = "intake.no_entry", 422;
    /// An archive entry points outside of the archive (`..`, absolute, link).
    ArchiveEscapes = "intake.archive_escapes", 422;
    /// An archive with too many entries or that inflates beyond the limit.
    ArchiveTooLarge = "intake.archive_too_large", 422;
    /// An archive that cannot be read.
    ArchiveBroken = "intake.archive_broken", 422;
    /// The build context is larger than the limit.
    ContextTooLarge = "intake.context_too_large", 422;
    /// `git clone` failed.
    GitFailed = "intake.git_failed", 502;
    /// Not a valid agent name.
    InvalidName = "intake.invalid_name", 422;
    /// Several agents in one folder: one must be picked.
    SeveralAgents = "intake.several_agents", 422;

    /// The Dockerfile does not parse.
    DockerfileBroken = "build.dockerfile_broken", 422;
    /// `COPY` of a file that is not in the context.
    CopyMissing = "build.copy_missing", 422;
    /// A build step failed.
    BuildStepFailed = "build.step_failed", 422;
    /// A base image could not be had.
    BaseImageMissing = "build.base_image_missing", 422;
    /// Installing requirements failed.
    RequirementsFailed = "build.requirements_failed", 422;
    /// The language's tool (python, node, go, …) is not on this machine.
    ToolMissing = "build.tool_missing", 422;
    /// The card file is not JSON, or not a card.
    CardBroken = "card.broken", 422;
    /// `nasiko.toml` does not parse or has an unknown key.
    ManifestBroken = "manifest.broken", 422;

    /// The program ended right after its start.
    ExitedAtOnce = "agent.start.exited", 422;
    /// It imports something that is not installed.
    ImportError = "agent.start.import_error", 422;
    /// The source does not parse.
    SyntaxError = "agent.start.syntax_error", 422;
    /// An environment variable it needs is not set.
    MissingVariable = "agent.start.missing_variable", 422;
    /// It runs but never listens where it should.
    NeverListened = "agent.start.never_listened", 422;
    /// The port it wants is held by another program.
    PortTaken = "agent.start.port_taken", 409;
    /// The program could not be started at all.
    StartFailed = "agent.start.failed", 422;
    /// The agent is not running.
    AgentNotRunning = "agent.not_running", 409;
    /// The agent did not answer, or broke the connection.
    AgentUnreachable = "agent.unreachable", 502;
    /// The agent answered with an error of its own.
    AgentError = "agent.error", 502;
    /// The agent speaks no protocol that we know.
    ProtocolUnknown = "agent.protocol_unknown", 502;

    /// No container engine on this machine.
    EngineAbsent = "engine.absent", 503;
    /// The engine's socket may not be opened.
    EngineRefused = "engine.refused", 503;
    /// The engine stopped or broke off half-way.
    EngineStopped = "engine.stopped", 503;
    /// The engine answered with an error.
    EngineFailed = "engine.failed", 502;
}

/// The one thing that has to change for a failure to end, where that is known: what offers a way out begins there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Culprit {
    /// An environment variable that has no value.
    Variable {
        /// Its name.
        name: String,
    },
    /// A port that somebody else holds.
    Port {
        /// Its number.
        number: u16,
    },
    /// A place in a file.
    Place {
        /// Its path, as the program or tool spelled it.
        file: String,
        /// Counted from 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<u32>,
    },
}

/// A failure with all that a person and a program need of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[error("{message}")]
pub struct Fault {
    /// What programs branch on.
    pub code: ErrorCode,
    /// One sentence, sentence case, no full stop needed: what happened, to what.
    pub message: String,
    /// What to do about it, in the imperative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The exact lines (of a log, a file, an engine's answer) that show it; at most [`Fault::MAX_EVIDENCE`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What has to change, where one thing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub culprit: Option<Culprit>,
    /// Whether the same call may succeed later without any change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retryable: bool,
}

impl Fault {
    /// Evidence lines kept; the last ones win, since failures end with their cause.
    pub const MAX_EVIDENCE: usize = 40;

    /// A fault with a code and a sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            evidence: Vec::new(),
            culprit: None,
            retryable: false,
        }
    }

    /// A fault whose sentence is what an error says, begun with a capital letter.
    pub fn of_error(code: ErrorCode, error: &impl std::fmt::Display) -> Self {
        let said = error.to_string();
        let mut letters = said.chars();
        let sentence: String = letters.next().map_or_else(String::new, |first| {
            first.to_uppercase().chain(letters).collect()
        });
        Self::new(code, sentence)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds evidence lines, keeping the last [`Fault::MAX_EVIDENCE`].
    #[must_use]
    pub fn evidence(mut self, lines: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.evidence.extend(lines.into_iter().map(Into::into));
        let surplus = self.evidence.len().saturating_sub(Self::MAX_EVIDENCE);
        self.evidence.drain(..surplus);
        self
    }

    /// Names the one thing that has to change.
    #[must_use]
    pub fn culprit(mut self, culprit: Culprit) -> Self {
        self.culprit = Some(culprit);
        self
    }

    /// Marks that trying again later may help.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }
}

/// RFC 9457 problem details, plus `code`, `hint`, `evidence` and `request_id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// A URI for the kind of problem: `urn:nasiko:error:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code's words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The sentence for people.
    pub detail: String,
    /// The stable code.
    pub code: ErrorCode,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The lines that show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What has to change, where one thing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub culprit: Option<Culprit>,
    /// Whether trying again later may help.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retryable: bool,
    /// Finds the request in the log.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_id: String,
}

impl Problem {
    /// The problem document of a fault.
    pub fn new(fault: Fault, request_id: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:nasiko:error:{}", fault.code.as_str()),
            title: fault.code.as_str().replace(['.', '_'], " "),
            status: fault.code.status(),
            detail: fault.message,
            code: fault.code,
            hint: fault.hint,
            evidence: fault.evidence,
            culprit: fault.culprit,
            retryable: fault.retryable,
            request_id: request_id.into(),
        }
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self {
            code: problem.code,
            message: problem.detail,
            hint: problem.hint,
            evidence: problem.evidence,
            culprit: problem.culprit,
            retryable: problem.retryable,
        }
    }
}
