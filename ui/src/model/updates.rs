//! What a save did, in the words and figures of one row.

use std::sync::Arc;

use nasiko_contract::{FileUpdate, Update, UpdateAction, UpdateState, WatchMode, WatchStatus};

use crate::{
    model::{format, tone::Tone},
    words::saves as words,
};

/// The file that decided what was done, and how many more changed.
pub(crate) fn headline(update: &Update) -> (String, u64) {
    match deciding(update) {
        Some(file) => (file.path.clone(), update.files_total.saturating_sub(1)),
        None => (words::files(update.files_total), 0),
    }
}

/// The rows that are wanted.
pub(crate) fn shown(all: &[Arc<Update>], failures_only: bool) -> Vec<Arc<Update>> {
    all.iter()
        .filter(|update| !failures_only || update.state == UpdateState::Failed)
        .cloned()
        .collect()
}

/// The row that a key leads to from the one at `at`: arrows, `Home` and `End`.
pub(crate) fn step_to(key: &str, at: Option<usize>, rows: usize) -> Option<usize> {
    let last = rows.checked_sub(1)?;
    let goal = match (key, at) {
        ("Home", _) | ("ArrowDown" | "ArrowUp", None) => 0,
        ("End", _) => last,
        ("ArrowDown", Some(at)) => at + 1,
        ("ArrowUp", Some(at)) => at.saturating_sub(1),
        _ => return None,
    };
    Some(goal.min(last))
}

/// The first of the files that ask for what was done.
fn deciding(update: &Update) -> Option<&FileUpdate> {
    let asks = |file: &&FileUpdate| file.action == update.action;
    update.files.iter().find(asks).or(update.files.first())
}

/// Files that ask for the most first, each kind by its path.
pub(crate) fn sorted_files(update: &Update) -> Vec<FileUpdate> {
    let mut files = update.files.clone();
    files.sort_by(|one, other| (other.action, &one.path).cmp(&(one.action, &other.path)));
    files
}

/// What is being done now, while an update is under way.
pub(crate) fn step(update: &Update) -> &'static str {
    let seconds = update.seconds;
    if seconds.applied > 0.0 {
        return words::WAITING_FOR_ANSWER;
    }
    if seconds.decided <= 0.0 {
        return words::DECIDING;
    }
    match update.action {
        UpdateAction::Nothing => words::FINISHING,
        UpdateAction::Card => words::READING_CARD,
        UpdateAction::Sync => words::PUTTING_IN_PLACE,
        UpdateAction::Restart => words::STARTING,
        UpdateAction::Environment => words::INSTALLING,
        UpdateAction::Rebuild => words::BUILDING,
    }
}

/// The one sentence of a row: why it failed, what is being done, or why it was done.
pub(crate) fn sentence(update: &Update) -> String {
    match (update.state, &update.fault) {
        (UpdateState::Failed, Some(fault)) => words::keeps_last_good(&fault.message),
        (UpdateState::Failed, None) => words::KEEPS_LAST_GOOD.to_owned(),
        (UpdateState::Applying, _) => step(update).to_owned(),
        _ => update.why.clone(),
    }
}

/// Seconds from the save to its answer, or to the last step that was reached.
pub(crate) fn took(update: &Update) -> Option<f64> {
    let seconds = update.seconds;
    let steps = [
        seconds.answered,
        seconds.applied,
        seconds.decided,
        seconds.seen,
    ];
    let reached = steps.into_iter().find(|step| *step > 0.0);
    match update.state {
        UpdateState::Live => Some(seconds.answered).filter(|answered| *answered > 0.0),
        UpdateState::Failed => reached,
        UpdateState::Applying | UpdateState::Unchanged | UpdateState::Superseded => None,
    }
}

/// One step of an update.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Phase {
    /// What was done by its end.
    pub(crate) word: &'static str,
    /// How long it took by itself, in seconds.
    pub(crate) seconds: f64,
    /// Its part of all steps, 0 to 1.
    pub(crate) share: f64,
}

/// The steps that were reached, in their order.
pub(crate) fn phases(update: &Update) -> Vec<Phase> {
    let seconds = update.seconds;
    let ends = [
        (words::SEEN, seconds.seen),
        (words::DECIDED, seconds.decided),
        (words::APPLIED, seconds.applied),
        (words::ANSWERED, seconds.answered),
    ];
    let mut begin = 0.0_f64;
    let mut phases = Vec::new();
    for (word, end) in ends {
        if end <= 0.0 {
            continue;
        }
        phases.push(Phase {
            word,
            seconds: (end - begin).max(0.0),
            share: 0.0,
        });
        begin = begin.max(end);
    }
    for phase in &mut phases {
        phase.share = phase.seconds / begin.max(f64::MIN_POSITIVE);
    }
    phases
}

/// What an ended update is told as to those who do not look at it.
pub(crate) fn told(update: &Update) -> Option<String> {
    let (file, others) = headline(update);
    let files = words::file_and_others(&file, others);
    match update.state {
        UpdateState::Live => {
            let took = took(update).map(format::duration_seconds);
            Some(words::live(&files, took.as_deref()))
        }
        UpdateState::Failed => Some(format!("{files}: {}", sentence(update))),
        UpdateState::Unchanged => Some(words::nothing_to_do(&files)),
        UpdateState::Applying | UpdateState::Superseded => None,
    }
}

/// How a watch stands: its tone, its words, and the reason where there is one.
pub(crate) fn watch(status: &WatchStatus) -> (Tone, String, Option<String>) {
    let why = Some(status.why.clone()).filter(|why| !why.is_empty());
    if let Some(fault) = &status.fault {
        return (Tone::Bad, fault.message.clone(), fault.hint.clone());
    }
    let told = match (status.mode, &why) {
        (WatchMode::Off, None) => return (Tone::Idle, words::NOT_WATCHED.to_owned(), None),
        (WatchMode::Off, Some(why)) => return (Tone::Bad, why.clone(), None),
        (mode, _) => words::watched(status.files, mode == WatchMode::Polling, status.warm),
    };
    (Tone::Ok, told, why)
}

/// Whether an agent is meant to be watched.
pub(crate) fn is_watched(status: Option<&WatchStatus>, summary: bool) -> bool {
    match status {
        Some(status) => {
            status.mode != WatchMode::Off || !status.why.is_empty() || status.fault.is_some()
        }
        None => summary,
    }
}

#[cfg(test)]
pub(crate) mod tests;
