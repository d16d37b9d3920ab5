//! One notice a minute per cause; what is held back is counted and told in the next.

use std::collections::HashMap;

use super::Told;

/// Milliseconds between two notices of one cause.
pub(super) const APART: i64 = 60_000;
/// Causes that are remembered at most; beyond, the one told longest ago is forgotten.
const MOST_CAUSES: usize = 1_000;

/// When each cause was told last, and what waits to be.
#[derive(Default)]
pub(super) struct Pace {
    causes: HashMap<String, Cause>,
}

struct Cause {
    told_at: i64,
    /// What came since, and how often.
    held: Option<(Told, u32)>,
}

impl Pace {
    /// Goes on from when causes were told last, in Unix milliseconds.
    pub(super) fn resume(told: impl IntoIterator<Item = (String, i64)>) -> Self {
        let mut pace = Self::default();
        for (cause, told_at) in told {
            pace.note(cause, told_at);
        }
        pace
    }

    /// Gives `told` back if it may be told now, else holds it.
    pub(super) fn admit(&mut self, told: Told) -> Option<Told> {
        match self.causes.get_mut(&told.cause) {
            Some(cause) if told.at < cause.told_at + APART => {
                let times = cause.held.as_ref().map_or(0, |(_, times)| *times);
                cause.held = Some((told, times.saturating_add(1)));
                None
            }
            known => {
                let held = known.and_then(|cause| cause.held.take());
                self.note(told.cause.clone(), told.at);
                let times = held.map_or(1, |(_, times)| times.saturating_add(1));
                Some(counted(told, times))
            }
        }
    }

    /// What was held back long enough by `now`.
    pub(super) fn due(&mut self, now: i64) -> Vec<Told> {
        let mut due = Vec::new();
        for cause in self.causes.values_mut() {
            if cause.told_at + APART <= now
                && let Some((told, times)) = cause.held.take()
            {
                cause.told_at = now;
                due.push(counted(told, times));
            }
        }
        due.sort_by_key(|told| told.seq);
        due
    }

    /// When something that is held back may be told.
    pub(super) fn next_due(&self) -> Option<i64> {
        let held = self.causes.values().filter(|cause| cause.held.is_some());
        held.map(|cause| cause.told_at + APART).min()
    }

    fn note(&mut self, name: String, told_at: i64) {
        if self.causes.len() >= MOST_CAUSES && !self.causes.contains_key(&name) {
            let oldest = self.causes.iter().min_by_key(|(_, cause)| cause.told_at);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                self.causes.remove(&oldest);
            }
        }
        let cause = self.causes.entry(name).or_insert(Cause {
            told_at,
            held: None,
        });
        cause.told_at = cause.told_at.max(told_at);
    }
}

fn counted(mut told: Told, times: u32) -> Told {
    if times > 1 {
        told.title = format!("{} {times} times", told.title);
    }
    told
}
