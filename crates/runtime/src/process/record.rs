//! The record of an instance on disk: all that another control plane needs to find and to adopt it. No secret in it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fs_err as fs;
use serde::{Deserialize, Serialize};

use super::inspect::ProcessIdentity;
use crate::error::RuntimeError;

const RECORD_FILE: &str = "instance.json";

/// One instance as its folder tells it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) deployment_id: String,
    pub(super) agent: String,
    pub(super) owner: String,
    pub(super) version: String,
    pub(super) port: u16,
    pub(super) log_bytes: u64,
    /// Milliseconds since 1970.
    pub(super) started_at: u64,
    /// It waits to be let go, or ended while it did.
    #[serde(default)]
    pub(super) standby: bool,
    /// None between the intent to start and the start.
    pub(super) process: Option<ProcessIdentity>,
    pub(super) exit: Option<RecordedExit>,
}

/// How it ended, as far as that was seen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RecordedExit {
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) requested: bool,
    pub(super) ran_for_ms: u64,
}

impl Record {
    pub(super) fn started_at(&self) -> SystemTime {
        from_millis(self.started_at)
    }

    /// Reads the record of a folder; none when there is none or it cannot be read as one.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let bytes = fs::read(folder.join(RECORD_FILE)).ok()?;
        serde_json::from_slice(&bytes)
            .inspect_err(|error| tracing::warn!(folder = %folder.display(), %error, "unreadable instance record"))
            .ok()
    }

    /// Replaces the record in one step, so that a crash leaves the old or the new one.
    pub(super) fn write(&self, folder: &Path) -> Result<(), RuntimeError> {
        let path = folder.join(RECORD_FILE);
        let beside = folder.join("instance.json.new");
        // Not synced: a record matters only as long as its process, and no process outlives the system.
        let write = || -> io::Result<()> {
            fs::write(&beside, serde_json::to_vec(self)?)?;
            fs::rename(&beside, &path)
        };
        write().map_err(RuntimeError::file("writing", &path))
    }
}

/// The folder of an instance.
pub(super) fn folder(instances: &Path, deployment_id: &str) -> PathBuf {
    instances.join(deployment_id)
}

/// Every folder that holds a record.
pub(super) fn all(instances: &Path) -> Vec<Record> {
    fs::read_dir(instances)
        .into_iter()
        .flatten()
        .filter_map(|entry| Record::read(&entry.ok()?.path()))
        .collect()
}

pub(super) fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

pub(super) fn from_millis(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}
