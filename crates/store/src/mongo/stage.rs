//! Trying a group of requests on the replica: what each answers, and what the database has to be told.
//!
//! Pure: what it needs to know of records and logs was fetched before.

mod jobs;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

pub(super) use self::jobs::log_growth;
use super::{
    changes::{Changes, Fetched, RecordWrite, Standing, record_key},
    replica::{Replica, Savepoint},
    slot::Slot,
};
use crate::{
    Change, ClaimedJob, Committed, Event, Expected, NewEvent, StoreError, batch::next_version,
};

/// The most that one request may write: a commit is one document of at most 16 MiB first.
const BATCH_BYTES: usize = 12 << 20;
/// About how much an event takes beside its data.
const EVENT_BYTES: usize = 128;

/// What is asked of the one that writes.
#[derive(Debug)]
pub(super) enum Work {
    Commit(Vec<Change>),
    Claim {
        worker: String,
        lease: Duration,
    },
    Release {
        prefix: String,
    },
    /// Only catch up with the database.
    Sync,
}

/// What it answers.
#[derive(Debug)]
pub(super) enum Reply {
    Committed(Committed),
    Claimed(Option<Taken>),
    Released(Vec<String>),
    Synced,
}

/// A job that was claimed.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) claimed: Box<ClaimedJob>,
    /// The job's number, if its payload has to be read.
    pub(super) unread: Option<i64>,
}

/// A group being tried.
pub(super) struct Stage<'r> {
    replica: &'r mut Replica,
    fetched: &'r Fetched,
    now_ms: i64,
    /// What the requests so far change.
    group: Changes,
    /// What the present request changes.
    own: Changes,
}

impl<'r> Stage<'r> {
    pub(super) fn new(replica: &'r mut Replica, fetched: &'r Fetched, now_ms: i64) -> Self {
        Self {
            replica,
            fetched,
            now_ms,
            group: Changes::default(),
            own: Changes::default(),
        }
    }

    /// Tries one request. One that fails leaves no trace.
    pub(super) fn attempt(&mut self, work: &Work) -> Result<Reply, StoreError> {
        let before: Savepoint = self.replica.savepoint();
        let outcome = match work {
            Work::Commit(changes) => self.apply(changes).map(Reply::Committed),
            Work::Claim { worker, lease } => Ok(Reply::Claimed(self.claim(worker, *lease))),
            Work::Release { prefix } => Ok(Reply::Released(self.release(prefix))),
            Work::Sync => Ok(Reply::Synced),
        };
        let own = std::mem::take(&mut self.own);
        let outcome = if own.bytes > BATCH_BYTES {
            Err(StoreError::TooLarge {
                what: "a batch".to_owned(),
                limit: BATCH_BYTES,
            })
        } else {
            outcome
        };
        match &outcome {
            Ok(_) => self.group.absorb(own),
            Err(_) => self.replica.back_to(before),
        }
        outcome
    }

    /// About how much the group has to write.
    pub(super) fn bytes(&self) -> usize {
        self.group.bytes
    }

    /// Lets go of ended jobs that are too many, by more than `slack`.
    pub(super) fn trim_jobs(&mut self, slack: usize) {
        for id in self.replica.surplus(slack) {
            if let Some(slot) = self.replica.get(&id) {
                self.group.gone.push((slot.number, id.clone()));
                self.replica.remove(&id);
                self.group.jobs.remove(&id);
            }
        }
    }

    pub(super) fn finish(self) -> Changes {
        self.group
    }

    fn apply(&mut self, changes: &[Change]) -> Result<Committed, StoreError> {
        let mut committed = Committed {
            first_seq: self.replica.counters.seq + 1,
            ..Committed::default()
        };
        for change in changes {
            match change {
                Change::Put {
                    kind,
                    id,
                    parent,
                    order,
                    body,
                    expected,
                } => {
                    let parent = parent.clone();
                    let version = self.put(kind, id, parent, *order, body, *expected)?;
                    committed.versions.push(version);
                }
                Change::Delete { kind, id, expected } => {
                    let present = self.standing(kind, id);
                    expected.check(present.map(|standing| standing.version), kind, id)?;
                    self.delete(kind, id);
                }
                Change::DeleteChildren { kind, parent } => {
                    for id in self.children(kind, parent) {
                        self.delete(kind, &id);
                    }
                }
                Change::Enqueue(job) => committed.jobs.push(self.enqueue(job.clone())?),
                Change::Job { id, transition } => {
                    committed.jobs.push(self.step(id, transition.clone())?);
                }
                Change::Log { job, lines } => self.append_log(job, lines)?,
                Change::Event(event) => self.event(event.clone()),
            }
        }
        committed.last_seq = self.replica.counters.seq;
        Ok(committed)
    }

    fn standing(&self, kind: &str, id: &str) -> Option<Standing> {
        let key = record_key(kind, id);
        let written = self
            .own
            .records
            .get(&key)
            .or_else(|| self.group.records.get(&key));
        match written {
            Some(write) => write.body.as_ref().map(|(standing, _)| standing.clone()),
            None => self.fetched.records.get(&key).cloned().flatten(),
        }
    }

    fn put(
        &mut self,
        kind: &'static str,
        id: &str,
        parent: Option<String>,
        order: Option<i64>,
        body: &str,
        expected: Expected,
    ) -> Result<u64, StoreError> {
        let present = self.standing(kind, id);
        let present_version = present.as_ref().map(|standing| standing.version);
        expected.check(present_version, kind, id)?;
        let version = next_version(present_version, self.now_ms);
        let position = match (order, present) {
            (Some(order), _) => order,
            (None, Some(present)) => present.position,
            (None, None) => {
                let kinds = Arc::make_mut(&mut self.replica.counters.kinds);
                let last = kinds.entry(kind.to_owned()).or_default();
                *last += 1;
                *last
            }
        };
        self.own.bytes += body.len();
        let standing = Standing {
            version,
            position,
            parent,
        };
        let write = RecordWrite {
            kind,
            id: id.to_owned(),
            body: Some((standing, body.to_owned())),
        };
        self.own.records.insert(record_key(kind, id), write);
        Ok(version)
    }

    fn delete(&mut self, kind: &'static str, id: &str) {
        if self.standing(kind, id).is_some() || self.is_child(kind, id) {
            let write = RecordWrite {
                kind,
                id: id.to_owned(),
                body: None,
            };
            self.own.records.insert(record_key(kind, id), write);
        }
    }

    /// Children are fetched by id only.
    fn is_child(&self, kind: &'static str, id: &str) -> bool {
        self.fetched
            .children
            .iter()
            .any(|((of, _), ids)| *of == kind && ids.iter().any(|child| child == id))
    }

    fn children(&self, kind: &'static str, parent: &str) -> BTreeSet<String> {
        let fetched = self.fetched.children.get(&(kind, parent.to_owned()));
        let mut ids: BTreeSet<String> = fetched.into_iter().flatten().cloned().collect();
        for changes in [&self.group, &self.own] {
            for write in changes.records.values().filter(|write| write.kind == kind) {
                let of = write
                    .body
                    .as_ref()
                    .and_then(|(standing, _)| standing.parent.as_deref());
                if of == Some(parent) {
                    ids.insert(write.id.clone());
                } else {
                    ids.remove(&write.id);
                }
            }
        }
        ids
    }

    fn event(&mut self, new: NewEvent) {
        self.replica.counters.seq += 1;
        self.own.bytes += new.data.to_string().len() + EVENT_BYTES;
        self.own.events.push(Arc::new(Event {
            seq: self.replica.counters.seq,
            at_ms: self.now_ms,
            topic: new.topic,
            subject: new.subject,
            data: new.data,
        }));
    }
}
