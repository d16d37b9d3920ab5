//! The queue in memory: a copy of the jobs as of one commit, from which claims are decided without asking the server.
//!
//! A change is tried on the copy first. It holds when the head moves from the copy's commit to the next; if another
//! control plane was quicker, it is undone, the copy catches up, and it is tried again.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::slot::Slot;
use crate::{Job, JobState, job::limits};

/// The numbers that the head holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counters {
    /// The last commit.
    pub(super) n: i64,
    /// The last event.
    pub(super) seq: u64,
    /// The first event that is kept.
    pub(super) first_seq: u64,
    /// The last job's number.
    pub(super) number: i64,
    /// The last place in the queue.
    pub(super) position: i64,
    /// The last place in the listing of each kind whose records have no order of their own.
    pub(super) kinds: Arc<BTreeMap<String, i64>>,
}

/// A point to go back to.
pub(super) struct Savepoint {
    undo: usize,
    counters: Counters,
}

#[derive(Default)]
pub(super) struct Replica {
    pub(super) counters: Counters,
    /// As the head has them; `counters` may be ahead while a change is being tried.
    pub(super) committed: Counters,
    slots: HashMap<String, Arc<Slot>>,
    ids: HashMap<i64, String>,
    keys: HashMap<String, String>,
    /// Queued and running jobs of each subject, in queue order: only the first may run.
    lines: HashMap<String, BTreeMap<i64, String>>,
    /// Queued jobs that are the first of their subject, in queue order.
    ready: BTreeMap<i64, String>,
    /// Running jobs by the end of their lease.
    running: BTreeSet<(i64, i64)>,
    /// Ended jobs, then dead letters, oldest first.
    ended: [BTreeSet<(i64, i64)>; 2],
    undo: Vec<(String, Option<Arc<Slot>>)>,
}

impl Replica {
    /// A copy of nothing yet: behind every head.
    pub(super) fn unread() -> Self {
        let mut replica = Self::default();
        (replica.counters.n, replica.committed.n) = (-1, -1);
        replica
    }

    pub(super) fn get(&self, id: &str) -> Option<&Arc<Slot>> {
        self.slots.get(id)
    }

    pub(super) fn by_number(&self, number: i64) -> Option<&Arc<Slot>> {
        self.slots.get(self.ids.get(&number)?)
    }

    pub(super) fn by_key(&self, key: &str) -> Option<&str> {
        self.keys.get(key).map(String::as_str)
    }

    /// The oldest job that may run now.
    pub(super) fn claimable(&self, now_ms: i64) -> Option<&Arc<Slot>> {
        let is_due = |slot: &&Arc<Slot>| slot.job.not_before_ms <= now_ms;
        self.ready
            .values()
            .filter_map(|id| self.slots.get(id))
            .find(is_due)
    }

    /// A running job whose lease ran out.
    pub(super) fn expired(&self, now_ms: i64) -> Option<&Arc<Slot>> {
        let (until, number) = self.running.first()?;
        (*until <= now_ms).then(|| self.by_number(*number))?
    }

    /// Running jobs of workers whose name begins so, in queue order.
    pub(super) fn held_by(&self, worker_prefix: &str) -> Vec<Arc<Slot>> {
        let mut held: Vec<Arc<Slot>> = self
            .running
            .iter()
            .filter_map(|(_, number)| self.by_number(*number))
            .filter(|slot| {
                let worker = slot.job.worker.as_deref();
                worker.is_some_and(|worker| worker.starts_with(worker_prefix))
            })
            .cloned()
            .collect();
        held.sort_unstable_by_key(|slot| slot.position);
        held
    }

    /// When a claim would find something, if nothing else happens; `now_ms` if it would now.
    pub(super) fn next_due(&self, now_ms: i64) -> Option<i64> {
        if self.claimable(now_ms).is_some() {
            return Some(now_ms);
        }
        let queued = self.ready.values().filter_map(|id| self.slots.get(id));
        let queued = queued.map(|slot| slot.job.not_before_ms).min();
        let lease = self.running.first().map(|(until, _)| *until);
        let due = [queued, lease].into_iter().flatten().min()?;
        Some(due.max(now_ms))
    }

    /// Ended jobs beyond what is kept, once they are `slack` too many.
    pub(super) fn surplus(&self, slack: usize) -> Vec<String> {
        let limits = [limits::ENDED_JOBS, limits::DEAD_LETTERS];
        let mut surplus = Vec::new();
        for (ended, kept) in self.ended.iter().zip(limits) {
            if ended.len() > kept + slack {
                let numbers = ended.iter().take(ended.len() - kept);
                surplus.extend(numbers.filter_map(|(_, number)| self.ids.get(number).cloned()));
            }
        }
        surplus
    }

    /// Puts a job in, in place of the one with its id.
    pub(super) fn put(&mut self, slot: Slot) {
        let id = slot.job.id.clone();
        self.replace(id, Some(Arc::new(slot)));
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.replace(id.to_owned(), None);
    }

    pub(super) fn savepoint(&self) -> Savepoint {
        Savepoint {
            undo: self.undo.len(),
            counters: self.counters.clone(),
        }
    }

    pub(super) fn back_to(&mut self, savepoint: Savepoint) {
        while self.undo.len() > savepoint.undo
            && let Some((id, former)) = self.undo.pop()
        {
            self.exchange(&id, former);
        }
        self.counters = savepoint.counters;
    }

    /// Undoes all that is not committed.
    pub(super) fn undo_all(&mut self) {
        let start = Savepoint {
            undo: 0,
            counters: self.committed.clone(),
        };
        self.back_to(start);
    }

    /// What was tried holds.
    pub(super) fn keep(&mut self) {
        for (id, _) in std::mem::take(&mut self.undo) {
            if let Some(slot) = self.slots.get_mut(&id) {
                Arc::make_mut(slot).slim();
            }
        }
        self.committed = self.counters.clone();
    }

    fn replace(&mut self, id: String, slot: Option<Arc<Slot>>) {
        let former = self.exchange(&id, slot);
        self.undo.push((id, former));
    }

    fn exchange(&mut self, id: &str, slot: Option<Arc<Slot>>) -> Option<Arc<Slot>> {
        let former = self.slots.remove(id);
        if let Some(former) = &former {
            self.unlist(former);
        }
        if let Some(slot) = slot {
            self.enlist(&slot);
            self.slots.insert(id.to_owned(), slot);
            if let Some(subject) = self.slots.get(id).and_then(|slot| slot.job.subject.clone()) {
                self.let_first_forward(&subject);
            }
        }
        former
    }

    fn enlist(&mut self, slot: &Slot) {
        let job = &slot.job;
        self.ids.insert(slot.number, job.id.clone());
        if let Some(key) = &job.key {
            self.keys.insert(key.clone(), job.id.clone());
        }
        if job.state.is_ended() {
            let ended = (job.ended_ms.unwrap_or_default(), slot.number);
            self.ended[usize::from(job.state == JobState::Dead)].insert(ended);
            return;
        }
        if job.state == JobState::Running {
            self.running.insert((lease_end(job), slot.number));
        }
        match &job.subject {
            Some(subject) => {
                let line = self.lines.entry(subject.clone()).or_default();
                line.insert(slot.position, job.id.clone());
            }
            None if slot.is_ready() => {
                self.ready.insert(slot.position, job.id.clone());
            }
            None => {}
        }
    }

    fn unlist(&mut self, slot: &Slot) {
        let job = &slot.job;
        self.ids.remove(&slot.number);
        if let Some(key) = &job.key {
            self.keys.remove(key);
        }
        let ended = (job.ended_ms.unwrap_or_default(), slot.number);
        self.ended[usize::from(job.state == JobState::Dead)].remove(&ended);
        self.running.remove(&(lease_end(job), slot.number));
        self.ready.remove(&slot.position);
        if let Some(subject) = &job.subject
            && let Some(line) = self.lines.get_mut(subject)
        {
            line.remove(&slot.position);
            if line.is_empty() {
                self.lines.remove(subject);
            } else {
                self.let_first_forward(subject);
            }
        }
    }

    /// Makes the first of a subject's line ready if it is queued, and nobody else of it.
    fn let_first_forward(&mut self, subject: &str) {
        let Some(line) = self.lines.get(subject) else {
            return;
        };
        let mut places = line.iter();
        if let Some((position, id)) = places.next()
            && self.slots.get(id).is_some_and(|slot| slot.is_ready())
        {
            self.ready.insert(*position, id.clone());
        }
        // Only the one that was first before can be in the list.
        if let Some((position, _)) = places.next() {
            self.ready.remove(position);
        }
    }
}

fn lease_end(job: &Job) -> i64 {
    job.lease_until_ms.unwrap_or(i64::MAX)
}
