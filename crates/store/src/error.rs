//! What can go wrong in the store, for code (the enum) and for people (the [`Fault`]).

use std::{io, path::PathBuf, sync::Arc};

use nasiko_contract::{ErrorCode, Fault};

use crate::{job::JobState, vault::KeyTier};

/// A failure of the store. Cheap to clone, because one failed group commit answers several callers.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The record exists although it was to be new, or has another version than expected, or is gone.
    #[error("{kind} {id} was changed by somebody else meanwhile")]
    Conflict {
        /// The record's kind.
        kind: String,
        /// The record's id.
        id: String,
    },
    /// A job with the same id or idempotency key was accepted before; nothing of the batch was applied.
    #[error("job {id} was already accepted for this request")]
    JobExists {
        /// The job accepted then.
        id: String,
    },
    /// No such job, or it was dropped by retention.
    #[error("there is no job {id}")]
    JobNotFound {
        /// The id asked for.
        id: String,
    },
    /// The worker no longer holds the job: its lease ran out and the job went elsewhere, or ended.
    #[error("the lease on job {id} was lost")]
    LeaseLost {
        /// The job.
        id: String,
    },
    /// The job's state does not allow the step.
    #[error("job {id} is {state}")]
    WrongJobState {
        /// The job.
        id: String,
        /// The state it is in.
        state: JobState,
    },
    /// A cursor that this store never gave out.
    #[error("the page cursor is not valid")]
    BadCursor,
    /// A value beyond its named limit.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What was too large.
        what: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// A batch with more changes than [`Batch::MAX_CHANGES`](crate::Batch::MAX_CHANGES).
    #[error("a batch holds at most {limit} changes")]
    TooManyChanges {
        /// The limit.
        limit: usize,
    },
    /// A value that does not become JSON, or stored JSON that does not fit its type.
    #[error("{what} could not be converted from or to JSON")]
    Json {
        /// What was converted.
        what: String,
        /// The converter's words.
        #[source]
        source: Arc<serde_json::Error>,
    },
    /// A stored document lacks a field or has it in another form: something else wrote it.
    #[error("a stored document has no readable field `{field}`")]
    UnreadableField {
        /// The field.
        field: String,
    },
    /// The file was written by a newer version of the program.
    #[error("the data was written by a newer version (schema {found}, this one knows {known})")]
    NewerData {
        /// The file's schema version.
        found: u32,
        /// The newest schema version that this build knows.
        known: u32,
    },
    /// The file belongs to another program, is damaged, or its schema is not the one its version promises.
    #[error("the store file {path} cannot be used: {reason}", path = path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file was found damaged while it was in use.
    #[error("the store file is damaged")]
    Damaged(#[source] Arc<rusqlite::Error>),
    /// The file or its directory cannot be opened for writing.
    #[error("the store {path} cannot be opened for writing", path = path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// No space left, on the device or under the store's own limit. What was committed before is intact.
    #[error("no space is left for the store")]
    DiskFull,
    /// Another process held the write lock for longer than the limit.
    #[error("the store is locked by another process")]
    Busy,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The database failed in another way.
    #[error("the database failed")]
    Sqlite(#[source] Arc<rusqlite::Error>),
    /// A server did not answer, or vanished while it was asked: what was under way may or may not have been done. The
    /// connection comes back by itself.
    #[error("{server} cannot be reached")]
    Unavailable {
        /// Which one, without credentials.
        server: String,
        /// The driver's words.
        reason: String,
    },
    /// A server does not let us in, or its data or kind is not one that we can use.
    #[error("{server} cannot be used: {reason}")]
    Refused {
        /// Which one, without credentials.
        server: String,
        /// Why.
        reason: String,
    },
    /// A server failed at what it was asked.
    #[error("{server} failed")]
    Server {
        /// Which one, without credentials.
        server: String,
        /// The server's words.
        reason: String,
    },
    /// An address that is none.
    #[error("the address of the {kind} server is not valid: {reason}")]
    BadAddress {
        /// `MongoDB` or `Redis`.
        kind: &'static str,
        /// What is wrong with it; never the address, which may hold a password.
        reason: String,
    },
    /// A file beside the database failed.
    #[error("{path} could not be used", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: Arc<io::Error>,
    },
    /// A secret's name or scope that is empty, too long or has other characters than `A-Z a-z 0-9 _ . -`.
    #[error("`{name}` is not a valid secret name")]
    InvalidSecretName {
        /// The name as given.
        name: String,
    },
    /// No secret of that name in that scope.
    #[error("there is no secret {name}")]
    SecretNotFound {
        /// The name as given.
        name: String,
    },
    /// A secret that the key which sealed it does not open: its bytes were moved or altered.
    #[error("the secret {name} was altered and cannot be opened")]
    SecretUnreadable {
        /// The secret's name.
        name: String,
    },
    /// A secret that another key sealed than the one that is there.
    #[error("the secret {name} was sealed with another key")]
    WrongKey {
        /// The secret's name.
        name: String,
        /// The id of the key that sealed it.
        sealed_with: String,
        /// The id of the one that is there.
        present: String,
    },
    /// The vault's key cannot be had until a person unlocks what holds it.
    #[error("the vault's key is locked: {reason}")]
    KeyLocked {
        /// What holds it.
        tier: KeyTier,
        /// Why it is not to be had.
        reason: String,
    },
    /// There is no keyring, or it does not answer.
    #[error("the keyring cannot be asked: {reason}")]
    KeyringUnavailable {
        /// The system's words.
        reason: String,
    },
    /// A passphrase that is not the one the vault's key is sealed with.
    #[error("the passphrase does not open the vault's key")]
    WrongPassphrase,
    /// There was a key, for values are sealed with it or its place is known, and it is gone.
    #[error("the vault's key is missing: {reason}")]
    KeyMissing {
        /// What is not where it was.
        reason: String,
    },
    /// The key cannot be put where it was to go. It is where it was.
    #[error("the vault's key was not moved: {reason}")]
    KeyNotMovable {
        /// Why.
        reason: String,
    },
    /// The vault's key is there but is not a key, or cannot be made.
    #[error("the vault key cannot be used: {reason}")]
    VaultKey {
        /// Why.
        reason: String,
    },
}

impl StoreError {
    pub(crate) fn json(what: impl Into<String>) -> impl FnOnce(serde_json::Error) -> Self {
        let what = what.into();
        move |source| Self::Json {
            what,
            source: Arc::new(source),
        }
    }

    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io {
                path,
                source: Arc::new(source),
            },
        }
    }

    /// Whether the vault's key could not be had for a reason that passes by what a person does outside of the program.
    pub fn is_locked(&self) -> bool {
        matches!(
            self,
            Self::KeyLocked { .. } | Self::KeyringUnavailable { .. }
        )
    }

    /// The stable code of this failure.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Conflict { .. } | Self::JobExists { .. } | Self::LeaseLost { .. } => {
                ErrorCode::Conflict
            }
            Self::JobNotFound { .. } => ErrorCode::JobNotFound,
            Self::WrongJobState { .. } | Self::KeyNotMovable { .. } => ErrorCode::WrongState,
            Self::BadCursor | Self::InvalidSecretName { .. } | Self::BadAddress { .. } => {
                ErrorCode::InvalidRequest
            }
            Self::TooLarge { .. } | Self::TooManyChanges { .. } => ErrorCode::TooLarge,
            Self::NewerData { .. } => ErrorCode::NewerData,
            Self::DiskFull => ErrorCode::DiskFull,
            Self::SecretNotFound { .. } => ErrorCode::SecretNotFound,
            Self::WrongKey { .. } => ErrorCode::VaultWrongKey,
            Self::KeyLocked { .. } => ErrorCode::VaultLocked,
            Self::KeyringUnavailable { .. } => ErrorCode::KeyringUnavailable,
            Self::WrongPassphrase => ErrorCode::WrongPassphrase,
            Self::KeyMissing { .. } => ErrorCode::VaultKeyMissing,
            Self::Json { .. }
            | Self::UnreadableField { .. }
            | Self::Corrupt { .. }
            | Self::Damaged(_)
            | Self::NotWritable { .. }
            | Self::Busy
            | Self::Closed
            | Self::Sqlite(_)
            | Self::Io { .. }
            | Self::Unavailable { .. }
            | Self::Refused { .. }
            | Self::Server { .. }
            | Self::SecretUnreadable { .. }
            | Self::VaultKey { .. } => ErrorCode::StoreFailed,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Conflict { .. } => "Read it again and repeat the change",
            Self::NewerData { .. } => "Start the newer version, or choose another data directory",
            Self::Corrupt { .. } | Self::Damaged(_) => {
                "Move the file away to start afresh, or put back a copy of it"
            }
            Self::NotWritable { .. } => "Make the data directory writable, or choose another one",
            Self::DiskFull => "Free some space and try again; everything accepted so far is kept",
            Self::Busy => "End the other process that uses this data directory",
            Self::Unavailable { .. } => "Start it again or wait; what was accepted is kept",
            Self::Refused { .. } => "Check the address, the user and the password",
            Self::SecretUnreadable { .. } => "Set the secret again",
            Self::WrongKey { .. } => {
                "Put back the key with that id; if it is lost, `nasiko secret reset` forgets all that it sealed"
            }
            Self::KeyLocked {
                tier: KeyTier::Passphrase,
                ..
            } => {
                "Give it with `nasiko secret unlock`, or in a file that NASIKO_VAULT_PASSPHRASE_FILE names"
            }
            Self::KeyLocked { .. } => {
                "Unlock the keyring, or let `nasiko secret unlock` ask for it; what needs secrets then goes on"
            }
            Self::KeyringUnavailable { .. } => {
                "Start the keyring or log in to a session that has one; `nasiko secret keep-in file` needs none"
            }
            Self::WrongPassphrase => "Try it again: `nasiko secret unlock`",
            Self::KeyMissing { .. } => {
                "Put it back, or name a copy with NASIKO_VAULT_KEY_FILE; if it is lost, `nasiko secret reset` begins anew"
            }
            Self::VaultKey { .. } => {
                "Put back the key file from a copy; without one remove it, and let `nasiko secret reset` begin anew"
            }
            _ => return None,
        })
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let mut fault = Self::of_error(error.code(), &error);
        if let Some(hint) = error.hint() {
            fault = fault.hint(hint);
        }
        let mut evidence = Vec::new();
        match &error {
            StoreError::NotWritable { reason, .. }
            | StoreError::Unavailable { reason, .. }
            | StoreError::Server { reason, .. } => evidence.push(reason.clone()),
            StoreError::Sqlite(source) | StoreError::Damaged(source) => {
                evidence.push(source.to_string());
            }
            StoreError::Io { source, .. } => evidence.push(source.to_string()),
            StoreError::Json { source, .. } => evidence.push(source.to_string()),
            StoreError::WrongKey {
                sealed_with,
                present,
                ..
            } => evidence.push(format!(
                "sealed with key {sealed_with}, here is key {present}"
            )),
            _ => {}
        }
        fault.retryable = matches!(
            error,
            StoreError::DiskFull
                | StoreError::Busy
                | StoreError::Unavailable { .. }
                | StoreError::KeyLocked { .. }
                | StoreError::KeyringUnavailable { .. }
        );
        fault.evidence(evidence)
    }
}
