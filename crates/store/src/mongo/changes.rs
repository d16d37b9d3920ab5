//! What a group of requests changes, before it is put into words for the database.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use crate::Event;

/// A record as it stands, or stood before the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) version: u64,
    pub(super) position: i64,
    pub(super) parent: Option<String>,
}

/// What the database says of the records and logs that a group touches.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// By key; `Some(None)`: a headstone.
    pub(super) records: HashMap<String, Option<Standing>>,
    /// The ids of all children, by kind and parent.
    pub(super) children: HashMap<(&'static str, String), Vec<String>>,
    /// The oldest rows of a job's log with their bytes, by the job's number.
    pub(super) log_rows: HashMap<i64, Vec<(String, u64)>>,
}

/// What becomes of a record.
#[derive(Debug, Clone)]
pub(super) struct RecordWrite {
    pub(super) kind: &'static str,
    pub(super) id: String,
    /// `None`: it is deleted.
    pub(super) body: Option<(Standing, String)>,
}

/// What becomes of a job.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct JobWrite {
    pub(super) is_new: bool,
    pub(super) state: bool,
    pub(super) log: bool,
}

/// A row of a job's log to write.
#[derive(Debug, Clone)]
pub(super) struct LogWrite {
    pub(super) job: i64,
    pub(super) first: u64,
    pub(super) lines: u64,
    pub(super) text: String,
}

/// What a request, or a whole group, changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) records: BTreeMap<String, RecordWrite>,
    pub(super) jobs: BTreeMap<String, JobWrite>,
    pub(super) log_rows: Vec<LogWrite>,
    /// The keys of rows that are no longer kept, some of them perhaps in `log_rows`.
    pub(super) dropped_rows: BTreeSet<String>,
    /// Jobs that are no longer kept.
    pub(super) gone: Vec<(i64, String)>,
    pub(super) events: Vec<Arc<Event>>,
    pub(super) wakes_workers: bool,
    pub(super) wrote_log: bool,
    /// About how much there is to write.
    pub(super) bytes: usize,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.jobs.is_empty()
            && self.log_rows.is_empty()
            && self.gone.is_empty()
            && self.events.is_empty()
    }

    pub(super) fn absorb(&mut self, other: Self) {
        self.records.extend(other.records);
        for (id, write) in other.jobs {
            let all = self.jobs.entry(id).or_default();
            all.is_new |= write.is_new;
            all.state |= write.state;
            all.log |= write.log;
        }
        self.log_rows.extend(other.log_rows);
        self.dropped_rows.extend(other.dropped_rows);
        self.gone.extend(other.gone);
        self.events.extend(other.events);
        self.wakes_workers |= other.wakes_workers;
        self.wrote_log |= other.wrote_log;
        self.bytes += other.bytes;
    }
}

/// The key of a record in its collection.
pub(super) fn record_key(kind: &str, id: &str) -> String {
    format!("{kind}/{id}")
}

/// The key of a row of a job's log.
pub(super) fn log_key(job: i64, first: u64) -> String {
    format!("{job}/{first:012}")
}
