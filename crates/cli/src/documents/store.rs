//! Documents about the store's place.

use std::collections::BTreeMap;

use nasiko_contract::{LastMove, MoveReport, StorePlace, StoreServer, StoreStatus};
use serde::Serialize;

use super::ErrorDocument;

/// A place of a store.
#[derive(Debug, Serialize)]
pub(crate) struct PlaceDocument {
    pub(crate) kind: &'static str,
    pub(crate) location: String,
    pub(crate) redis: Option<String>,
    pub(crate) in_stack: bool,
}

impl From<StorePlace> for PlaceDocument {
    fn from(place: StorePlace) -> Self {
        Self {
            kind: place.kind.as_str(),
            location: place.location,
            redis: place.redis,
            in_stack: place.in_stack,
        }
    }
}

/// The store among `settings`.
#[derive(Debug, Serialize)]
pub(crate) struct StoreDocument {
    #[serde(flatten)]
    place: PlaceDocument,
    servers: Vec<ServerDocument>,
    from_environment: bool,
    before: Option<PlaceDocument>,
    next: Option<PlaceDocument>,
    moving: bool,
    last_move: Option<LastMoveDocument>,
}

#[derive(Debug, Serialize)]
struct ServerDocument {
    server: String,
    trouble: Option<String>,
}

#[derive(Debug, Serialize)]
struct LastMoveDocument {
    at: i64,
    to: PlaceDocument,
    error: Option<ErrorDocument>,
}

impl From<StoreStatus> for StoreDocument {
    fn from(status: StoreStatus) -> Self {
        Self {
            place: status.place.into(),
            servers: status.servers.into_iter().map(Into::into).collect(),
            from_environment: status.from_environment,
            before: status.before.map(Into::into),
            next: status.next.map(Into::into),
            moving: status.moving,
            last_move: status.last_move.map(Into::into),
        }
    }
}

impl From<StoreServer> for ServerDocument {
    fn from(server: StoreServer) -> Self {
        Self {
            server: server.server,
            trouble: server.trouble,
        }
    }
}

impl From<LastMove> for LastMoveDocument {
    fn from(last: LastMove) -> Self {
        Self {
            at: last.at,
            to: last.to.into(),
            error: last.fault.map(Into::into),
        }
    }
}

/// `settings set store`
#[derive(Debug, Serialize)]
pub(crate) struct MoveDocument {
    place: PlaceDocument,
    before: PlaceDocument,
    counts: BTreeMap<String, u64>,
    resumed: bool,
    restarted: bool,
}

impl From<MoveReport> for MoveDocument {
    fn from(report: MoveReport) -> Self {
        Self {
            place: report.place.into(),
            before: report.before.into(),
            counts: report.counts,
            resumed: report.resumed,
            restarted: report.restart,
        }
    }
}
