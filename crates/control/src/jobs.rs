//! Jobs as the API shows them, and how they come into being.

use std::time::Duration;

use futures::StreamExt;
use nasiko_contract::{
    AgentName, CancelJob, DeploymentId, ErrorCode, Fault, FollowJobLog, GetJob, Job, JobId,
    JobKind, JobLogItem, JobState, ListDeadLetters, ListJobs, Page, RequeueDeadLetter, RuntimeKind,
};
use nasiko_store::{CancelOutcome, Cursor, Enqueued, JobQuery, NewJob};
use serde::{Deserialize, Serialize};

use crate::{
    api::{Caller, Items, Serve, ServeStream},
    plane::{ControlPlane, Shared, cancelled},
    platform::Order,
    records::Source,
    stack::{DownWork, UpWork},
};

/// What a job is to do: its payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Work {
    /// From a source to a running agent. Values given for its environment wait in the vault under the job's id.
    Deploy {
        source: Source,
        name: Option<AgentName>,
        runtime: Option<RuntimeKind>,
        force: bool,
        /// Whether it takes the place of an agent of its name that came from elsewhere.
        #[serde(default)]
        replace: bool,
        /// Whether its folder is watched from then on; else as before.
        #[serde(default)]
        watch: Option<bool>,
        /// Set where a platform ordered it.
        #[serde(default)]
        order: Option<Order>,
    },
    /// Start the last good version. With `after` it is a start of our own, in answer to the end of that deployment: void
    /// once a person wanted something else.
    Start {
        agent: AgentName,
        #[serde(default)]
        after: Option<DeploymentId>,
    },
    /// Stop it.
    Stop { agent: AgentName },
    /// A new instance of the last good version beside the old one, then the switch.
    Restart { agent: AgentName },
    /// Read the source again and make everything anew.
    Rebuild { agent: AgentName },
    /// Back to an earlier version, see [`Bench::roll_back`](crate::worker::Bench::roll_back).
    RollBack {
        agent: AgentName,
        version: Option<String>,
        path: Option<String>,
    },
    /// Stop it and forget it.
    Delete { agent: AgentName },
    /// Bring the local stack up.
    StackUp(UpWork),
    /// Take the local stack down.
    StackDown(DownWork),
}

impl Work {
    fn kind(&self) -> JobKind {
        match self {
            Self::Deploy { .. } | Self::RollBack { .. } => JobKind::Deploy,
            Self::Start { .. } => JobKind::Start,
            Self::Stop { .. } => JobKind::Stop,
            Self::Restart { .. } => JobKind::Restart,
            Self::Rebuild { .. } => JobKind::Rebuild,
            Self::Delete { .. } => JobKind::Delete,
            Self::StackUp(_) => JobKind::StackUp,
            Self::StackDown(_) => JobKind::StackDown,
        }
    }

    /// Jobs of one subject run one after the other, in order.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Deploy {
                name: None, source, ..
            } => source.shown(),
            // A start that waits for its time holds nothing up that a person asks for meanwhile.
            Self::Start {
                after: Some(ended), ..
            } => format!("after:{ended}"),
            Self::Deploy {
                name: Some(agent), ..
            }
            | Self::Start { agent, after: None }
            | Self::Stop { agent }
            | Self::Restart { agent }
            | Self::Rebuild { agent }
            | Self::RollBack { agent, .. }
            | Self::Delete { agent } => subject_of(agent),
            Self::StackUp(_) | Self::StackDown(_) => "stack:".to_owned(),
        }
    }

    fn agent(&self) -> Option<&AgentName> {
        match self {
            Self::Deploy { name, .. } => name.as_ref(),
            Self::Start { agent, .. }
            | Self::Stop { agent }
            | Self::Restart { agent }
            | Self::Rebuild { agent }
            | Self::RollBack { agent, .. }
            | Self::Delete { agent } => Some(agent),
            Self::StackUp(_) | Self::StackDown(_) => None,
        }
    }
}

fn subject_of(agent: &AgentName) -> String {
    format!("agent:{agent}")
}

impl Shared {
    /// Accepts a job. The same idempotency key gives the same job.
    pub(crate) async fn accept(&self, caller: &Caller, work: &Work) -> Result<Job, Fault> {
        let job = new_job(work, caller.idempotency_key())?;
        self.enqueue(job).await
    }

    /// Starts an agent again, `delay` after its deployment `ended` did so by itself; nothing to do while such a start
    /// waits already.
    pub(crate) async fn start_again(
        &self,
        agent: &AgentName,
        ended: &DeploymentId,
        delay: Duration,
    ) -> Result<(), Fault> {
        let work = Work::Start {
            agent: agent.clone(),
            after: Some(ended.clone()),
        };
        let waiting = JobQuery {
            states: vec![nasiko_store::JobState::Queued],
            subject: Some(work.subject()),
            limit: Some(1),
            ..JobQuery::default()
        };
        if !self.store.jobs().list(&waiting).await?.items.is_empty() {
            return Ok(());
        }
        let mut job = new_job(&work, None)?;
        job.not_before_ms = crate::time::now_ms()
            .saturating_add(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX));
        self.enqueue(job).await.map(drop)
    }

    pub(crate) async fn enqueue(&self, job: NewJob) -> Result<Job, Fault> {
        let enqueued = self.store.jobs().enqueue(job).await?;
        if let Enqueued::Existing(id) = &enqueued {
            tracing::debug!(job = id, "accepted earlier under the same key");
        }
        self.job(&JobId(enqueued.id().to_owned())).await
    }

    /// Asks a job to end, and gives it as it is then; one that ended stays as it is.
    pub(crate) async fn cancel_job(&self, id: &JobId) -> Result<Job, Fault> {
        let job = self.job(id).await?;
        if job.state.is_final() {
            return Ok(job);
        }
        let outcome = self.store.jobs().request_cancel(id.as_str()).await?;
        if outcome == CancelOutcome::Cancelled {
            self.never_began(id).await?;
        }
        // A worker of this process is told at once; one elsewhere learns of it with its next heartbeat.
        if let Some(cancel) = self.running_jobs.lock().get(id) {
            cancel.cancel();
        }
        self.job(id).await
    }

    /// No worker will get a job that was cancelled before it began: what waited for it goes here.
    async fn never_began(&self, id: &JobId) -> Result<(), Fault> {
        let Some(job) = self.store.jobs().get(id.as_str()).await? else {
            return Ok(());
        };
        let Ok(work) = serde_json::from_value::<Work>(job.payload) else {
            return Ok(());
        };
        self.clean_up(id, &work).await;
        // Whoever holds the agent is another job, and what the agent shows is that one's.
        if let Some(agent) = work.agent()
            && let Some(_nobody_else_is_at_it) = self.try_lock_agent(agent)
        {
            self.come_to_rest(agent, &cancelled()).await;
        }
        Ok(())
    }

    /// A job.
    pub(crate) async fn job(&self, id: &JobId) -> Result<Job, Fault> {
        self.store
            .jobs()
            .get(id.as_str())
            .await?
            .map(shown)
            .ok_or_else(|| job_not_found(id))
    }
}

/// A job of this work.
pub(crate) fn new_job(work: &Work, key: Option<&str>) -> Result<NewJob, Fault> {
    let kind = serde_json::to_value(work.kind()).unwrap_or_default();
    let payload = serde_json::to_value(work).map_err(|error| {
        Fault::new(
            ErrorCode::InvalidRequest,
            format!("The job cannot be written down: {error}"),
        )
    })?;
    let mut job = NewJob::new(kind.as_str().unwrap_or_default(), payload).subject(work.subject());
    job.key = key.map(str::to_owned);
    Ok(job)
}

fn job_not_found(id: &JobId) -> Fault {
    Fault::new(ErrorCode::JobNotFound, format!("There is no job `{id}`"))
        .hint("`nasiko jobs` lists the jobs there are")
}

/// A job as everybody sees it.
pub(crate) fn shown(job: nasiko_store::Job) -> Job {
    let work: Option<Work> = serde_json::from_value(job.payload).ok();
    let result = job.result.unwrap_or_default();
    let agent = match result.get("agent").and_then(serde_json::Value::as_str) {
        Some(agent) => agent.into(),
        None => work
            .as_ref()
            .and_then(Work::agent)
            .cloned()
            .unwrap_or_default(),
    };
    Job {
        id: job.id.into(),
        kind: work.as_ref().map_or(JobKind::Deploy, Work::kind),
        agent,
        source: match &work {
            Some(Work::Deploy { source, .. }) => source.shown(),
            _ => String::new(),
        },
        state: match job.state {
            nasiko_store::JobState::Queued => JobState::Queued,
            nasiko_store::JobState::Running => JobState::Running,
            nasiko_store::JobState::Succeeded => JobState::Succeeded,
            nasiko_store::JobState::Failed => JobState::Failed,
            nasiko_store::JobState::Cancelled => JobState::Cancelled,
            nasiko_store::JobState::Dead => JobState::Dead,
        },
        progress: job.fraction,
        step: if job.state.is_ended() {
            String::new()
        } else {
            job.step
        },
        attempt: job.attempts,
        created: job.created_ms,
        started: job.started_ms,
        ended: job.ended_ms,
        fault: job.fault,
        result,
        cancelling: job.cancel_requested && !job.state.is_ended(),
    }
}

fn queue_state(state: JobState) -> nasiko_store::JobState {
    match state {
        JobState::Queued => nasiko_store::JobState::Queued,
        JobState::Running => nasiko_store::JobState::Running,
        JobState::Succeeded => nasiko_store::JobState::Succeeded,
        JobState::Failed => nasiko_store::JobState::Failed,
        JobState::Cancelled => nasiko_store::JobState::Cancelled,
        JobState::Dead => nasiko_store::JobState::Dead,
    }
}

async fn list(shared: &Shared, query: JobQuery) -> Result<Page<Job>, Fault> {
    let page = shared.store.jobs().list(&query).await?;
    Ok(Page {
        items: page.items.into_iter().map(shown).collect(),
        next_cursor: page.next.map(|cursor| cursor.0),
    })
}

fn page_size(limit: Option<u32>) -> Option<usize> {
    limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

impl Serve<ListJobs> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ListJobs) -> Result<Page<Job>, Fault> {
        let mut query = JobQuery {
            states: request.state.map(queue_state).into_iter().collect(),
            subject: None,
            after: request.cursor.map(Cursor),
            limit: page_size(request.limit),
        };
        let Some(agent) = request.agent else {
            return list(&self.shared, query).await;
        };
        // Whose job a deploy is turns out while it runs, so the queue cannot be asked for it.
        let wanted = page_size(request.limit).unwrap_or(100);
        let mut found = Page::default();
        query.limit = Some(500);
        loop {
            let page = list(&self.shared, query.clone()).await?;
            found
                .items
                .extend(page.items.into_iter().filter(|job| job.agent == agent));
            query.after = page.next_cursor.map(Cursor);
            if query.after.is_none() || found.items.len() >= wanted {
                found.items.truncate(wanted);
                return Ok(found);
            }
        }
    }
}

impl Serve<GetJob> for ControlPlane {
    async fn serve(&self, _: &Caller, request: GetJob) -> Result<Job, Fault> {
        self.shared.job(&request.job).await
    }
}

impl Serve<CancelJob> for ControlPlane {
    async fn serve(&self, _: &Caller, request: CancelJob) -> Result<Job, Fault> {
        self.shared.cancel_job(&request.job).await
    }
}

impl Serve<ListDeadLetters> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ListDeadLetters) -> Result<Page<Job>, Fault> {
        let query = JobQuery {
            states: vec![nasiko_store::JobState::Dead],
            subject: None,
            after: request.cursor.map(Cursor),
            limit: page_size(request.limit),
        };
        list(&self.shared, query).await
    }
}

impl Serve<RequeueDeadLetter> for ControlPlane {
    async fn serve(&self, _: &Caller, request: RequeueDeadLetter) -> Result<Job, Fault> {
        self.shared.job(&request.job).await?;
        self.shared
            .store
            .jobs()
            .requeue(request.job.as_str())
            .await?;
        self.shared.job(&request.job).await
    }
}

/// Where a follower of a job's log stands.
struct Follower {
    shared: std::sync::Arc<Shared>,
    job: JobId,
    next_line: u64,
    feed: nasiko_store::EventFeed,
    waiting: std::collections::VecDeque<JobLogItem>,
    ended: bool,
}

impl Follower {
    /// The next row; none after the job's last one.
    async fn next(&mut self) -> Result<Option<JobLogItem>, Fault> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                return Ok(Some(item));
            }
            if self.ended {
                return Ok(None);
            }
            self.read().await?;
            if self.waiting.is_empty() {
                self.wait().await?;
            }
        }
    }

    /// Reads the job before its log: lines that came before its end are then never missed.
    async fn read(&mut self) -> Result<(), Fault> {
        let job = self.shared.job(&self.job).await?;
        loop {
            let page = self
                .shared
                .store
                .jobs()
                .read_log(self.job.as_str(), self.next_line)
                .await?;
            if page.lines.is_empty() {
                break;
            }
            self.next_line = page.next;
            self.waiting
                .extend(page.lines.into_iter().map(|line| JobLogItem {
                    line: Some(line.text),
                    job: None,
                }));
        }
        if job.state.is_final() {
            self.ended = true;
            self.waiting.push_back(JobLogItem {
                line: None,
                job: Some(job),
            });
        }
        Ok(())
    }

    /// Waits for a new line or a change of the job.
    async fn wait(&mut self) -> Result<(), Fault> {
        let jobs = self.shared.store.jobs();
        let changed = async {
            loop {
                match self.feed.next().await? {
                    nasiko_store::FeedItem::Event(event) if event.subject == self.job.as_str() => {
                        return Ok(true);
                    }
                    nasiko_store::FeedItem::Event(_) => {}
                    nasiko_store::FeedItem::Gap { .. } => return Ok(true),
                }
            }
        };
        let told: Result<bool, nasiko_store::StoreError> = tokio::select! {
            told = changed => told,
            lines = jobs.wait_for_log(self.job.as_str(), self.next_line) => lines.map(|_| false),
        };
        if told? {
            let job = self.shared.job(&self.job).await?;
            if !job.state.is_final() {
                self.waiting.push_back(JobLogItem {
                    line: None,
                    job: Some(job),
                });
            }
        }
        Ok(())
    }
}

impl ServeStream<FollowJobLog> for ControlPlane {
    async fn serve_stream(
        &self,
        _: &Caller,
        request: FollowJobLog,
    ) -> Result<Items<JobLogItem>, Fault> {
        let shared = std::sync::Arc::clone(&self.shared);
        let feed = shared.store.subscribe(None);
        let job = shared.job(&request.job).await?;
        let first = JobLogItem {
            line: None,
            job: Some(job),
        };
        let follower = Follower {
            shared,
            job: request.job,
            next_line: 0,
            feed,
            waiting: [first].into(),
            ended: false,
        };
        Ok(
            futures::stream::try_unfold(follower, |mut follower| async move {
                Ok(follower.next().await?.map(|item| (item.into(), follower)))
            })
            .boxed(),
        )
    }
}

#[cfg(test)]
mod tests;
