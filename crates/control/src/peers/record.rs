//! What control planes write down of themselves.

use std::fmt;

use nasiko_contract::{Peer, PeerState};
use nasiko_store::Record;
use serde::{Deserialize, Serialize};

/// For how long a control plane may give no sign of life until it counts as gone.
const SILENT_AFTER_MS: i64 = 30_000;

/// Names a control plane for good: its data directory's installation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PlaneId(pub(crate) String);

impl fmt::Display for PlaneId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A control plane, as it was at its last sign of life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PlaneRecord {
    pub(crate) id: PlaneId,
    pub(crate) host: String,
    pub(crate) api: String,
    /// See [`nasiko_runtime::Machine::loopback`].
    pub(crate) loopback: String,
    /// Milliseconds since the Unix epoch.
    pub(crate) seen: i64,
    /// It ended properly, and how.
    pub(crate) left: Option<Left>,
}

/// What a control plane that ended did with its agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Left {
    /// They run on; one that ends is started elsewhere.
    AgentsRun,
    /// They were ended with it because a person asked for that: nobody else starts them.
    AgentsEnded,
}

impl PlaneRecord {
    pub(crate) fn state(&self, now: i64) -> PeerState {
        match self.left {
            Some(_) => PeerState::Left,
            None if now.saturating_sub(self.seen) <= SILENT_AFTER_MS => PeerState::Here,
            None => PeerState::Silent,
        }
    }

    /// As everybody sees it.
    pub(crate) fn shown(&self, now: i64) -> Peer {
        Peer {
            id: self.id.to_string(),
            host: self.host.clone(),
            api: self.api.clone(),
            state: self.state(now),
            seen: self.seen,
        }
    }
}

impl Record for PlaneRecord {
    const KIND: &'static str = "control_plane";

    fn id(&self) -> &str {
        &self.id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_plane_is_here_until_it_leaves_or_falls_silent() {
        let mut plane = PlaneRecord {
            id: PlaneId("one".to_owned()),
            host: "here".to_owned(),
            api: String::new(),
            loopback: String::new(),
            seen: 1_000,
            left: None,
        };
        assert_eq!(plane.state(500), PeerState::Here, "clocks differ a little");
        assert_eq!(plane.state(31_000), PeerState::Here);
        assert_eq!(plane.state(31_001), PeerState::Silent);
        plane.left = Some(Left::AgentsRun);
        assert_eq!(plane.state(1_000), PeerState::Left);
    }
}
