//! Trying a group of requests on the replica: what each answers, and what the database has to be told.
//!
//! Pure: what it needs to know of records and logs was fetched before.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use super::{
    replica::{Replica, Savepoint},
    slot::Slot,
};
use crate::{
    Change, ClaimedJob, Committed, Event, Expected, Job, JobState, NewEvent, NewJob, StoreError,
    Transition,
    batch::{job_event, next_version},
    job::{Applied, JobStatus, limits, log_rows},
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

    fn absorb(&mut self, other: Self) {
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

    // Records.

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

    // Jobs.

    fn enqueue(&mut self, new: NewJob) -> Result<JobStatus, StoreError> {
        let by_key = new.key.as_deref().and_then(|key| self.replica.by_key(key));
        let by_id = self.replica.get(&new.id).map(|slot| slot.job.id.as_str());
        if let Some(id) = by_id.or(by_key) {
            return Err(StoreError::JobExists { id: id.to_owned() });
        }
        let job = Job::accept(new, self.now_ms);
        let status = job.status();
        let counters = &mut self.replica.counters;
        counters.number += 1;
        counters.position += 1;
        let slot = Slot {
            number: counters.number,
            position: counters.position,
            has_payload: true,
            log_next: 0,
            log_bytes: 0,
            job,
        };
        self.own.bytes += slot.job.payload.to_string().len();
        self.own.wakes_workers = true;
        self.event(job_event(Job::CHANGED, &slot.job));
        self.keep(slot, |write| (write.is_new, write.state) = (true, true));
        Ok(status)
    }

    fn step(&mut self, id: &str, transition: Transition) -> Result<JobStatus, StoreError> {
        let mut slot = self.slot(id)?;
        let applied = slot.job.apply(transition, self.now_ms)?;
        if applied == Applied::Requeued {
            self.replica.counters.position += 1;
            slot.position = self.replica.counters.position;
        }
        let status = slot.job.status();
        self.own.bytes += slot
            .job
            .result
            .as_ref()
            .map_or(0, |result| result.to_string().len());
        match applied {
            Applied::Quiet => {}
            Applied::Progressed => self.event(job_event(Job::PROGRESS, &slot.job)),
            Applied::Changed | Applied::Requeued => self.changed(&slot.job),
        }
        self.keep(slot, |write| write.state = true);
        Ok(status)
    }

    fn claim(&mut self, worker: &str, lease: Duration) -> Option<Taken> {
        while let Some(expired) = self.replica.expired(self.now_ms) {
            let expired = Slot::clone(expired);
            self.interrupt(expired);
        }
        let mut slot = Slot::clone(self.replica.claimable(self.now_ms)?);
        let claim = slot.job.start(worker, lease, self.now_ms);
        self.event(job_event(Job::CHANGED, &slot.job));
        let taken = Taken {
            claimed: Box::new(ClaimedJob {
                job: slot.job.clone(),
                claim,
            }),
            unread: (!slot.has_payload).then_some(slot.number),
        };
        self.keep(slot, |write| write.state = true);
        Some(taken)
    }

    fn release(&mut self, prefix: &str) -> Vec<String> {
        let held = self.replica.held_by(prefix);
        let ids = held.iter().map(|slot| slot.job.id.clone()).collect();
        for slot in held {
            self.interrupt(Slot::clone(&slot));
        }
        ids
    }

    fn interrupt(&mut self, mut slot: Slot) {
        slot.job.interrupt(self.now_ms);
        self.changed(&slot.job);
        self.keep(slot, |write| write.state = true);
    }

    /// Tells of a new state.
    fn changed(&mut self, job: &Job) {
        // The end of a job may let the next of its subject forward.
        self.own.wakes_workers |=
            job.state == JobState::Queued || job.state.is_ended() && job.subject.is_some();
        self.event(job_event(Job::CHANGED, job));
    }

    fn slot(&self, id: &str) -> Result<Slot, StoreError> {
        let slot = self.replica.get(id).map(|slot| Slot::clone(slot));
        slot.ok_or_else(|| StoreError::JobNotFound { id: id.to_owned() })
    }

    fn keep(&mut self, slot: Slot, note: impl FnOnce(&mut JobWrite)) {
        note(self.own.jobs.entry(slot.job.id.clone()).or_default());
        self.replica.put(slot);
    }

    // Logs and events.

    fn append_log(&mut self, id: &str, lines: &[String]) -> Result<(), StoreError> {
        let mut slot = self.slot(id)?;
        for row in log_rows(lines) {
            let bytes = row.text.len();
            self.own.bytes += bytes;
            self.own.log_rows.push(LogWrite {
                job: slot.number,
                first: slot.log_next,
                lines: row.lines,
                text: row.text,
            });
            slot.log_next += row.lines;
            slot.log_bytes += bytes as u64;
        }
        self.drop_oldest(&mut slot);
        self.own.wrote_log = true;
        self.keep(slot, |write| write.log = true);
        Ok(())
    }

    /// Drops the oldest rows of a full log.
    fn drop_oldest(&mut self, slot: &mut Slot) {
        let written = |changes: &Changes| -> Vec<(String, u64)> {
            let rows = changes.log_rows.iter().filter(|row| row.job == slot.number);
            rows.map(|row| (log_key(row.job, row.first), row.text.len() as u64))
                .collect()
        };
        let stored = self.fetched.log_rows.get(&slot.number).cloned();
        let rows = stored.unwrap_or_default().into_iter();
        for (key, bytes) in rows.chain(written(&self.group)).chain(written(&self.own)) {
            if slot.log_bytes <= limits::LOG_BYTES as u64 {
                break;
            }
            let was_dropped =
                self.group.dropped_rows.contains(&key) || self.own.dropped_rows.contains(&key);
            if !was_dropped {
                slot.log_bytes = slot.log_bytes.saturating_sub(bytes);
                self.own.dropped_rows.insert(key);
            }
        }
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

/// How much of a log a group would add to each job, for what has to be fetched before it.
pub(super) fn log_growth<'w>(work: impl Iterator<Item = &'w Work>) -> HashMap<&'w str, u64> {
    let mut growth: HashMap<&str, u64> = HashMap::new();
    for change in work.filter_map(|work| match work {
        Work::Commit(changes) => Some(changes),
        _ => None,
    }) {
        for change in change {
            if let Change::Log { job, lines } = change {
                let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
                *growth.entry(job).or_default() += bytes as u64;
            }
        }
    }
    growth
}
