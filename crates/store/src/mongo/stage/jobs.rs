//! Trying what a group does to jobs and their logs.

use std::{collections::HashMap, time::Duration};

use super::{Slot, Stage, Taken, Work};
use crate::{
    Change, ClaimedJob, Job, JobState, NewJob, StoreError, Transition,
    batch::job_event,
    job::{Applied, JobStatus, limits, log_rows},
    mongo::changes::{Changes, JobWrite, LogWrite, log_key},
};

impl Stage<'_> {
    pub(super) fn enqueue(&mut self, new: NewJob) -> Result<JobStatus, StoreError> {
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

    pub(super) fn step(
        &mut self,
        id: &str,
        transition: Transition,
    ) -> Result<JobStatus, StoreError> {
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

    pub(super) fn claim(&mut self, worker: &str, lease: Duration) -> Option<Taken> {
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

    pub(super) fn release(&mut self, prefix: &str) -> Vec<String> {
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

    pub(super) fn append_log(&mut self, id: &str, lines: &[String]) -> Result<(), StoreError> {
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
}

/// How much of a log a group would add to each job, for what has to be fetched before it.
pub(in crate::mongo) fn log_growth<'w>(
    work: impl Iterator<Item = &'w Work>,
) -> HashMap<&'w str, u64> {
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
