//! The last thing that happened to an agent, in a few words.

use nasiko_contract::{AgentState, AgentSummary, Job, JobKind, JobState, Update, UpdateState};

use crate::{
    model::{format, tone, updates},
    words::{change as words, saves},
};

/// What happened last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// In a few words.
    pub(crate) words: String,
    /// It was a failure.
    pub(crate) failed: bool,
}

/// What happened last to `agent`, whose newest job is `job` and whose last save did `update`.
pub(crate) fn last(
    agent: &AgentSummary,
    job: Option<&Job>,
    update: Option<&Update>,
    now: i64,
) -> Change {
    let job_at = job.map(|job| job.ended.unwrap_or(i64::MAX));
    let newer = |update: &&Update| job_at.is_none_or(|job_at| update.at > job_at);
    match update.filter(newer).and_then(|update| saved(update, now)) {
        Some(change) if agent.state == AgentState::Active => change,
        _ => of_job(agent, job, now),
    }
}

/// What a save did, where that is of interest.
fn saved(update: &Update, now: i64) -> Option<Change> {
    let (file, age) = (updates::headline(update).0, format::age(now, update.at));
    let took = updates::took(update).map(format::duration_seconds);
    let (words, failed) = match update.state {
        UpdateState::Live => (saves::live_since(&file, took.as_deref(), &age), false),
        UpdateState::Failed => (format!("{file}: {}", updates::sentence(update)), true),
        UpdateState::Applying => (format!("{file}: {}", updates::step(update)), false),
        UpdateState::Unchanged | UpdateState::Superseded => return None,
    };
    Some(Change { words, failed })
}

fn of_job(agent: &AgentSummary, job: Option<&Job>, now: i64) -> Change {
    let told = |words: String| Change {
        words,
        failed: false,
    };
    let failed = |words: String| Change {
        words,
        failed: true,
    };
    let serves = agent.state == AgentState::Active;
    match job {
        Some(job) if !job.state.is_final() => {
            let step = tone::job_step(job);
            if serves && job.kind != JobKind::Stop {
                told(words::keeps_answering(&step, &agent.version))
            } else {
                told(step)
            }
        }
        // A failed update leaves what was good.
        Some(job) if serves && matches!(job.state, JobState::Failed | JobState::Dead) => {
            let why = job
                .fault
                .as_ref()
                .map_or(words::IT_FAILED, |fault| fault.message.as_str());
            failed(words::kept(&agent.version, why))
        }
        _ if agent.fault.is_some() => failed(
            agent
                .fault
                .as_ref()
                .map(|fault| fault.message.clone())
                .unwrap_or_default(),
        ),
        Some(job) if job.state == JobState::Succeeded => {
            let age = format::age(now, job.ended.unwrap_or(job.created));
            told(words::done(
                done(job.kind),
                &age,
                took(job).as_deref(),
                agent.restarts,
            ))
        }
        _ => told(words::since(&format::age(now, agent.since), agent.restarts)),
    }
}

fn done(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Deploy => words::DEPLOYED,
        JobKind::Start => words::STARTED,
        JobKind::Stop => words::STOPPED,
        JobKind::Restart => words::RESTARTED,
        JobKind::Rebuild => words::REBUILT,
        JobKind::Delete => words::DELETED,
        JobKind::StackUp => words::BROUGHT_UP,
        JobKind::StackDown => words::TAKEN_DOWN,
    }
}

/// How long it took, where that is of interest.
fn took(job: &Job) -> Option<String> {
    let took = job
        .started
        .zip(job.ended)
        .and_then(|(started, ended)| u64::try_from(ended - started).ok());
    match (job.kind, took) {
        (JobKind::Stop | JobKind::Delete, _) | (_, None) => None,
        (_, Some(took)) => Some(format::duration_ms(took)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_000_000;

    fn agent(changes: Value) -> AgentSummary {
        let mut agent = json!({
            "name": "a", "description": "", "state": "active", "runtime": "process", "version": "1.3.0", "url": "",
            "restarts": 0, "since": NOW - 7_200_000, "created": 0,
        });
        merge(&mut agent, changes);
        serde_json::from_value(agent).unwrap()
    }

    fn job(changes: Value) -> Job {
        let mut job = json!({
            "id": "1", "kind": "deploy", "agent": "a", "state": "succeeded", "progress": 1.0, "attempt": 1,
            "created": NOW - 20_000, "started": NOW - 18_900, "ended": NOW - 12_000,
        });
        merge(&mut job, changes);
        serde_json::from_value(job).unwrap()
    }

    fn merge(record: &mut Value, changes: Value) {
        for (key, value) in changes.as_object().unwrap() {
            record[key] = value.clone();
        }
    }

    fn words(agent: &AgentSummary, job: Option<&Job>) -> String {
        last(agent, job, None, NOW).words
    }

    #[test]
    fn a_finished_job_says_when_and_how_long() {
        let calm = agent(json!({}));
        assert_eq!(
            words(&calm, Some(&job(json!({})))),
            "deployed 12 s ago in 6.90 s"
        );
        let stopped = job(json!({"kind": "stop"}));
        assert_eq!(words(&calm, Some(&stopped)), "stopped 12 s ago");
        assert_eq!(words(&calm, None), "2 h ago");
        let restarted = agent(json!({"restarts": 2}));
        assert_eq!(words(&restarted, None), "2 h ago, 2 restarts");
    }

    #[test]
    fn an_update_under_way_says_what_keeps_answering() {
        let running = job(json!({"state": "running", "step": "Step 4/6"}));
        assert_eq!(
            words(&agent(json!({})), Some(&running)),
            "Step 4/6; v1.3.0 keeps answering"
        );
        let first = agent(json!({"state": "setting-up"}));
        assert_eq!(words(&first, Some(&running)), "Step 4/6");
    }

    #[test]
    fn a_failed_update_names_what_is_kept_and_why() {
        let fault = json!({"code": "agent.start.import_error", "message": "No module"});
        let failed = job(json!({"state": "failed", "fault": fault}));
        let change = last(&agent(json!({})), Some(&failed), None, NOW);
        assert_eq!(change.words, "keeps v1.3.0: No module");
        assert!(change.failed);
        let down = agent(json!({"state": "failed", "fault": fault}));
        let change = last(&down, Some(&failed), None, NOW);
        assert_eq!((change.words.as_str(), change.failed), ("No module", true));
    }

    #[test]
    fn the_last_save_is_told_when_nothing_newer_happened() {
        let saved =
            |state: &str, at: i64| updates::tests::update(json!({"state": state, "at": at}));
        let told =
            |update: &Update| last(&agent(json!({})), Some(&job(json!({}))), Some(update), NOW);
        let live = told(&saved("live", NOW - 6_000));
        assert_eq!(live.words, "src/prompts.py live in 84 ms, 6 s ago");
        let failed = told(&saved("failed", NOW - 6_000));
        assert_eq!(
            (failed.words.as_str(), failed.failed),
            ("src/prompts.py: keeps the last good version", true)
        );
        let older = told(&saved("live", NOW - 60_000));
        assert_eq!(older.words, "deployed 12 s ago in 6.90 s");
        let nothing = told(&saved("unchanged", NOW - 6_000));
        assert_eq!(nothing.words, "deployed 12 s ago in 6.90 s");
    }
}
