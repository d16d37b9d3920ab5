//! Where the control plane keeps what it remembers, and moving it elsewhere.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// `GET /store`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetStore {}

/// The kind of database behind the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// A file in the data directory.
    #[default]
    Sqlite,
    /// A MongoDB database, which several control planes may share.
    Mongodb,
}

impl StoreKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Mongodb => "mongodb",
        }
    }
}

/// A place where a store is or was.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StorePlace {
    /// The kind of database.
    pub kind: StoreKind,
    /// The file's path, or the database's address without password and options.
    pub location: String,
    /// The Redis server beside it, its password left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<String>,
    /// It is in the MongoDB and Redis of the local stack's profile `core`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_stack: bool,
}

/// How a server behind the store is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StoreServer {
    /// Which one, without credentials.
    pub server: String,
    /// Why it does not answer, in the driver's words; absent while it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// Where the store is, and how it got there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StoreStatus {
    /// Where it is.
    pub place: StorePlace,
    /// How the servers behind it are, as the last call met them; none behind a file.
    #[serde(default)]
    pub servers: Vec<StoreServer>,
    /// The control plane's environment decides where it is (`NASIKO_STORE_URL`), so it cannot be moved.
    #[serde(default)]
    pub from_environment: bool,
    /// Where it was before, as it was left there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<StorePlace>,
    /// Where it is from the next start on: a database that was joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<StorePlace>,
    /// It is being moved just now.
    #[serde(default)]
    pub moving: bool,
    /// How the last move ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_move: Option<LastMove>,
}

/// How a move ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LastMove {
    /// When, Unix milliseconds.
    pub at: i64,
    /// Where to.
    pub to: StorePlace,
    /// Why nothing was moved; absent if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// `POST /store/move` (stream): copy everything elsewhere and go on there. Gateway and agents go on meanwhile, whoever
/// writes waits. Dropping the stream before its report leaves the store where it was.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MoveStore {
    /// `sqlite`, `stack` (MongoDB and Redis of the local stack's profile `core`), or
    /// `mongodb://user:password@host:port/database`.
    pub to: String,
    /// A Redis server beside it, `redis://:password@host:port/number`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<String>,
    /// A database in use is joined: nothing is copied, and the control plane works with what is there from its next
    /// start on. Without this it is refused.
    #[serde(default)]
    pub join: bool,
}

impl fmt::Debug for MoveStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MoveStore")
            .field("join", &self.join)
            .finish_non_exhaustive()
    }
}

/// A step of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum MoveStep {
    /// Reaching the new place, and waiting for writes that are under way.
    Preparing,
    /// Reading from the old place and writing into the new one.
    Copying,
    /// Reading both and comparing.
    Comparing,
    /// Writing down where the store is from now on.
    Switching,
}

impl MoveStep {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Copying => "copying",
            Self::Comparing => "comparing",
            Self::Switching => "switching",
        }
    }
}

/// An item of a move: how far it is, and last of all what it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MoveProgress {
    /// What is being done.
    pub step: MoveStep,
    /// Pieces done of this step.
    pub done: u64,
    /// Pieces there are, about; 0: not known.
    pub total: u64,
    /// What was done, with the last item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<MoveReport>,
}

/// What a move did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MoveReport {
    /// Where the store is now, or from the next start on.
    pub place: StorePlace,
    /// Where it was, and is kept as it was.
    pub before: StorePlace,
    /// Pieces there are in both places, by kind of record, `job`, `job log` and `event`; none where nothing was copied.
    pub counts: BTreeMap<String, u64>,
    /// It went on with a copy that was broken off.
    pub resumed: bool,
    /// The control plane has to be started anew for it.
    pub restart: bool,
}
