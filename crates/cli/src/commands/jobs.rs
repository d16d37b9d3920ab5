//! Jobs and dead letters.

use futures::StreamExt;
use nasiko_contract::{
    CancelJob, FollowJobLog, GetJob, Job, JobId, JobState, ListDeadLetters, ListJobs,
    RequeueDeadLetter,
};

use crate::{
    arguments::{DeadLettersArguments, JobsArguments, JobsCommand, RequeueCommand},
    documents::JobDocument,
    failure::Failure,
    session::Session,
    table::{Table, ago},
};

pub(crate) async fn jobs(session: &Session, words: JobsArguments) -> Result<(), Failure> {
    let client = session.attach().await?;
    match words.command {
        None => {
            let request = ListJobs {
                agent: words.agent,
                state: words.state.as_deref().map(state),
                limit: Some(words.limit),
                cursor: None,
            };
            let jobs = client.call(request).await?.items;
            list(session, jobs, "No jobs")
        }
        Some(JobsCommand::Get { job }) => show(session, client.call(GetJob { job }).await?),
        Some(JobsCommand::Cancel { job }) => show(session, client.call(CancelJob { job }).await?),
        Some(JobsCommand::Log { job }) => log(session, job).await,
    }
}

pub(crate) async fn dead_letters(
    session: &Session,
    words: DeadLettersArguments,
) -> Result<(), Failure> {
    let client = session.attach().await?;
    match words.command {
        None => {
            let jobs = client.call(ListDeadLetters::default()).await?.items;
            list(session, jobs, "No dead letters")
        }
        Some(RequeueCommand::Requeue { job }) => {
            show(session, client.call(RequeueDeadLetter { job }).await?)
        }
    }
}

async fn log(session: &Session, job: JobId) -> Result<(), Failure> {
    let output = session.output;
    let mut items = session.attach().await?.stream(FollowJobLog { job }).await?;
    while let Some(item) = items.next().await {
        let item = item?.item;
        if output.json {
            let job = item.job.map(JobDocument::from);
            output.item(&serde_json::json!({ "line": item.line, "job": job }))?;
        } else if let Some(line) = item.line {
            output.line(line)?;
        }
    }
    Ok(())
}

fn list(session: &Session, jobs: Vec<Job>, nothing: &str) -> Result<(), Failure> {
    if session.output.json {
        let rows: Vec<JobDocument> = jobs.into_iter().map(Into::into).collect();
        return session.output.document(&rows);
    }
    let mut table = Table::new(&["job", "kind", "agent", "state", "done", "ago", "step"]);
    for job in jobs {
        table.row([
            job.id.0.clone(),
            kind(&job).to_owned(),
            job.agent.0.clone(),
            word(job.state).to_owned(),
            format!("{:.0} %", job.progress * 100.0),
            ago(job.created),
            why(job),
        ]);
    }
    table.print(session.output, nothing)
}

fn show(session: &Session, job: Job) -> Result<(), Failure> {
    let output = session.output;
    if output.json {
        return output.document(&JobDocument::from(job));
    }
    output.line(format!(
        "{}  {} {} {}",
        job.id,
        kind(&job),
        job.agent,
        word(job.state)
    ))?;
    let why = why(job);
    if !why.is_empty() {
        output.line(format!("  {why}"))?;
    }
    Ok(())
}

/// Why it failed, else what it is doing.
fn why(job: Job) -> String {
    job.fault.map_or(job.step, |fault| fault.message)
}

fn kind(job: &Job) -> &'static str {
    use nasiko_contract::JobKind;
    match job.kind {
        JobKind::Deploy => "deploy",
        JobKind::Start => "start",
        JobKind::Stop => "stop",
        JobKind::Restart => "restart",
        JobKind::Rebuild => "rebuild",
        JobKind::Delete => "delete",
        JobKind::StackUp => "stack-up",
        JobKind::StackDown => "stack-down",
    }
}

const STATES: [(JobState, &str); 6] = [
    (JobState::Queued, "queued"),
    (JobState::Running, "running"),
    (JobState::Succeeded, "succeeded"),
    (JobState::Failed, "failed"),
    (JobState::Cancelled, "cancelled"),
    (JobState::Dead, "dead"),
];

fn word(state: JobState) -> &'static str {
    STATES
        .iter()
        .find(|(known, _)| *known == state)
        .map_or("", |(_, word)| word)
}

/// The words are those that the grammar lets through.
fn state(word: &str) -> JobState {
    STATES
        .iter()
        .find(|(_, known)| *known == word)
        .map_or(JobState::Queued, |(state, _)| *state)
}
