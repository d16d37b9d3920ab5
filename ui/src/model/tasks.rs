//! The task tray: jobs under way and those that have just ended, how far each is, and how long it still takes.

use std::collections::{BTreeMap, VecDeque};

use nasiko_contract::{Job, JobId, JobKind, JobState};

use crate::{model::world::World, words::time as words};

/// Milliseconds for which a job that has ended stays in the tray.
const KEPT_FOR: i64 = 10 * 60 * 1_000;
/// Jobs that have ended which are shown.
const MOST_ENDED: usize = 5;
/// Steps forward that must have been seen before a time is said.
const LEAST_STEPS: usize = 3;
/// Steps forward that are looked back at.
const LOOKED_AT: usize = 12;
/// Milliseconds that must have passed over them.
const LEAST_SEEN: i64 = 2_000;
/// A time beyond this (milliseconds) says nothing.
const LONGEST: i64 = 6 * 60 * 60 * 1_000;

/// The jobs to show: those under way, the newest first, then those that ended lately.
pub(crate) fn shown(world: &World, now: i64) -> Vec<Job> {
    let mut ended = 0;
    world
        .recent_jobs()
        .into_iter()
        .filter(|job| {
            if !job.state.is_final() {
                return true;
            }
            let lately = job.ended.is_some_and(|at| now - at < KEPT_FOR);
            ended += usize::from(lately);
            lately && ended <= MOST_ENDED
        })
        .collect()
}

/// Where a job belongs.
pub(crate) fn page_of(job: &Job) -> String {
    match (job.kind, job.agent.as_str()) {
        (JobKind::StackUp | JobKind::StackDown, _) => "/stack".to_owned(),
        (JobKind::Delete, _) | (_, "") => "/activity".to_owned(),
        (_, agent) => format!("/agents/{agent}"),
    }
}

/// What a job is about.
pub(crate) fn subject(job: &Job) -> String {
    match (job.kind, job.agent.as_str()) {
        (JobKind::StackUp | JobKind::StackDown, _) => String::new(),
        (_, "") => job.source.rsplit('/').next().unwrap_or_default().to_owned(),
        (_, agent) => agent.to_owned(),
    }
}

/// What the tray says in one line, and how far all is together.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Sum {
    /// Jobs under way.
    pub(crate) under_way: usize,
    /// Those shown that failed.
    pub(crate) failed: usize,
    /// The mean of what is under way, 0 to 1.
    pub(crate) progress: f64,
}

impl Sum {
    /// Of these jobs.
    pub(crate) fn of(jobs: &[Job]) -> Self {
        let open = || jobs.iter().filter(|job| !job.state.is_final());
        let under_way = open().count();
        Self {
            under_way,
            failed: jobs
                .iter()
                .filter(|job| job.state == JobState::Failed)
                .count(),
            progress: open().map(|job| job.progress).sum::<f64>() / under_way.max(1) as f64,
        }
    }
}

/// How fast jobs go forward, by what was seen of them here. Nothing is guessed: who has seen too little says no time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paces(BTreeMap<JobId, Pace>);

#[derive(Debug, Clone, Default)]
struct Pace {
    attempt: u32,
    /// When it came how far.
    seen: VecDeque<(i64, f64)>,
}

impl Paces {
    /// Looks at the jobs at `now` (Unix milliseconds); those that have ended are forgotten.
    pub(crate) fn look<'a>(&mut self, jobs: impl IntoIterator<Item = &'a Job>, now: i64) {
        let mut kept = BTreeMap::new();
        for job in jobs
            .into_iter()
            .filter(|job| job.state == JobState::Running)
        {
            let mut pace = self.0.remove(&job.id).unwrap_or_default();
            if pace.attempt != job.attempt {
                pace = Pace {
                    attempt: job.attempt,
                    ..Pace::default()
                };
            }
            if pace
                .seen
                .back()
                .is_none_or(|(_, before)| job.progress > *before)
            {
                pace.seen.push_back((now, job.progress));
            }
            if pace.seen.len() > LOOKED_AT {
                pace.seen.pop_front();
            }
            kept.insert(job.id.clone(), pace);
        }
        self.0 = kept;
    }

    /// Milliseconds that a job still takes if it goes on as it did. Nothing before enough was seen, and nothing while a
    /// step takes longer than what is left would at that pace.
    pub(crate) fn left(&self, job: &JobId, now: i64) -> Option<i64> {
        let pace = self.0.get(job)?;
        let ((began, from), (at, to)) = (pace.seen.front()?, pace.seen.back()?);
        if pace.seen.len() <= LEAST_STEPS || at - began < LEAST_SEEN {
            return None;
        }
        let per_part = (at - began) as f64 / (to - from);
        let left = (1.0 - to) * per_part - (now - at) as f64;
        let known = left > 0.0 && left < LONGEST as f64;
        #[expect(clippy::cast_possible_truncation, reason = "it is below the longest")]
        known.then_some(left as i64)
    }
}

/// Milliseconds in words that do not pretend: `about 40 s left`, `about 3 min left`.
pub(crate) fn left_words(milliseconds: i64) -> String {
    let seconds = milliseconds / 1_000;
    match seconds {
        ..5 => words::A_FEW_SECONDS_LEFT.to_owned(),
        5..55 => words::seconds_left((seconds + 4) / 5 * 5),
        55..3_300 => words::minutes_left((seconds + 30) / 60),
        _ => words::hours_left((seconds + 1_800) / 3_600),
    }
}

#[cfg(test)]
mod tests;
