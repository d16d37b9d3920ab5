//! A command in hand: its lease is kept, its job followed by the event log, and its status written as the job gets on.

use std::{sync::Arc, time::Duration};

use nasiko_contract::{Build, Deployment, DeploymentState, Fault, Job, JobId, JobState};
use nasiko_store::{
    Event, EventFeed, FeedItem, StoreError,
    streams::{
        platform::{Delivery, Holder, LEASE, PlatformQueue},
        status::{StatusReport, StatusWord},
    },
};
use tokio::time::MissedTickBehavior;

use super::{Backoff, InHand, translate};
use crate::plane::Shared;

/// How often a command is kept.
const KEEP: Duration = Duration::from_secs(LEASE.as_secs() / 3);
/// Lines of a fault's evidence that a status tells.
const EVIDENCE_LINES: usize = 10;
/// The most that a job which has not ended has done of the whole, in percent.
const NEARLY: u8 = 95;

/// A command in hand.
pub(super) struct Follower {
    shared: Arc<Shared>,
    queue: PlatformQueue,
    delivery: Delivery,
    feed: EventFeed,
    /// How far its job is, as its events tell.
    stage: StatusWord,
    /// The agent that it turned out to be about.
    agent: String,
    /// What was said last.
    told: Option<StatusReport>,
    _in_hand: InHand,
}

/// The job as it was found.
struct Look {
    report: StatusReport,
    ended: bool,
}

impl Follower {
    pub(super) fn new(
        shared: &Arc<Shared>,
        queue: PlatformQueue,
        delivery: Delivery,
        in_hand: InHand,
    ) -> Self {
        Self {
            // Before the job is accepted: nothing that it does is missed.
            feed: shared.store.subscribe(None),
            shared: Arc::clone(shared),
            queue,
            delivery,
            stage: StatusWord::Processing,
            agent: String::new(),
            told: None,
            _in_hand: in_hand,
        }
    }

    /// Makes it a job, as often as that fails for a reason that passes.
    pub(super) async fn accept(&self) -> Result<JobId, Fault> {
        let mut backoff = Backoff::new();
        loop {
            match translate::accept(&self.shared, &self.delivery).await {
                Err(fault) if fault.retryable => {
                    tracing::warn!(%fault, entry = self.delivery.entry, "a command is not accepted yet");
                    backoff.wait().await;
                    // If that fails, Redis is away too, and the command is delivered again later.
                    drop(self.queue.keep(&self.delivery.entry).await);
                }
                accepted => return accepted,
            }
        }
    }

    /// Follows what it became to the end.
    pub(super) async fn see_through(self, accepted: Result<JobId, Fault>) {
        match accepted {
            Ok(job) => self.follow(job).await,
            Err(fault) => self.refuse(fault).await,
        }
    }

    /// Follows its job to the end, which is then told and acknowledged. Ends at once where another control plane has
    /// taken the command over.
    async fn follow(mut self, job: JobId) {
        let mut keep = tokio::time::interval(KEEP);
        keep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut backoff = Backoff::new();
        loop {
            let look = self.look(&job).await;
            let ended = look.as_ref().is_ok_and(|look| look.ended);
            let told = match &look {
                Ok(look) => self.tell(look).await,
                Err(fault) => Err(fault.message.clone()),
            };
            match &told {
                Ok(()) if ended => return,
                Ok(()) => backoff.reset(),
                Err(reason) => {
                    tracing::debug!(reason, %job, "how far a command is could not be told yet");
                }
            }
            tokio::select! {
                _ = keep.tick() => if self.is_taken(&job).await { return },
                more = self.changed(&job), if !ended => if more.is_err() { return },
                () = backoff.wait(), if told.is_err() => {}
            }
        }
    }

    /// Says that it cannot be carried out, ever, and makes it a dead letter.
    async fn refuse(self, fault: Fault) {
        let reason = sentence(&fault);
        let report = StatusReport {
            word: StatusWord::Failed,
            percent: 0,
            message: fault.message.clone(),
            last_error: Some(reason.clone()),
            url: None,
        };
        let Delivery { entry, fields, .. } = &self.delivery;
        let mut backoff = Backoff::new();
        loop {
            let refused = async {
                if self.queue.keep(entry).await? == Holder::Us {
                    self.report(&report).await?;
                    self.queue.reject(entry, fields, &reason).await?;
                }
                Ok::<_, StoreError>(())
            };
            match refused.await {
                Ok(()) => return,
                Err(error) => {
                    tracing::debug!(%error, entry, "a command could not be refused yet");
                    backoff.wait().await;
                }
            }
        }
    }

    /// Whether another control plane has it. Ours then ends what it does for it, unless both work on the same jobs.
    async fn is_taken(&self, job: &JobId) -> bool {
        let holder = self.queue.keep(&self.delivery.entry).await;
        if !matches!(holder, Ok(Holder::Another)) {
            return false;
        }
        tracing::warn!(entry = self.delivery.entry, %job, "another control plane has taken a command over");
        if !self.shared.house.is_shared()
            && let Err(fault) = self.shared.cancel_job(job).await
        {
            tracing::warn!(%fault, %job, "the job of a command that was taken over goes on");
        }
        true
    }

    /// Waits for a change of the job.
    async fn changed(&mut self, job: &JobId) -> Result<(), StoreError> {
        loop {
            match self.feed.next().await? {
                FeedItem::Event(event) if self.is_of_interest(&event, job) => return Ok(()),
                FeedItem::Event(_) => {}
                FeedItem::Gap { .. } => return Ok(()),
            }
        }
    }

    /// Takes down what an event says of the job.
    fn is_of_interest(&mut self, event: &Event, job: &JobId) -> bool {
        match event.topic.as_str() {
            nasiko_store::Job::CHANGED | nasiko_store::Job::PROGRESS => {
                event.subject == job.as_str()
            }
            "build.changed" => {
                let build: Option<Build> = serde_json::from_value(event.data.clone()).ok();
                let is_ours = build.is_some_and(|build| build.job == *job);
                if is_ours {
                    self.agent.clone_from(&event.subject);
                    self.advance(StatusWord::Building);
                }
                is_ours
            }
            // Whoever makes something for an agent is the only one at work on it: what starts now is its.
            "deployment.changed" if !self.agent.is_empty() && event.subject == self.agent => {
                let deployment: Option<Deployment> =
                    serde_json::from_value(event.data.clone()).ok();
                match deployment.map(|deployment| deployment.state) {
                    Some(DeploymentState::Starting) => self.advance(StatusWord::Deploying),
                    Some(DeploymentState::Running) => self.advance(StatusWord::Registering),
                    _ => {}
                }
                true
            }
            _ => false,
        }
    }

    fn advance(&mut self, stage: StatusWord) {
        self.stage = self.stage.max(stage);
    }

    async fn look(&self, id: &JobId) -> Result<Look, Fault> {
        let job = self.shared.job(id).await?;
        Ok(Look {
            ended: job.state.is_final(),
            report: report(&job, self.stage),
        })
    }

    /// Says how it is, unless that was said already; at the end the command is acknowledged.
    async fn tell(&mut self, look: &Look) -> Result<(), String> {
        let entry = self.delivery.entry.clone();
        let telling = async {
            if look.ended && self.queue.keep(&entry).await? == Holder::Another {
                return Ok(());
            }
            if self.told.as_ref() != Some(&look.report) {
                self.report(&look.report).await?;
                self.told = Some(look.report.clone());
            }
            if look.ended {
                self.queue.done(&entry).await?;
            }
            Ok::<_, StoreError>(())
        };
        telling.await.map_err(|error| error.to_string())
    }

    async fn report(&self, report: &StatusReport) -> Result<(), StoreError> {
        let Delivery { entry, fields, .. } = &self.delivery;
        let at = crate::time::written(crate::time::now_ms());
        let status = self.queue.status();
        status.report(fields, entry, report, &at).await
    }
}

/// A job in the platform's words.
fn report(job: &Job, stage: StatusWord) -> StatusReport {
    let text = |name: &str| job.result.get(name).and_then(serde_json::Value::as_str);
    let last_error = job.fault.as_ref().map(sentence);
    let (word, percent, message) = match job.state {
        JobState::Succeeded => {
            let message = match text("url") {
                Some(url) => format!("It answers at {url}"),
                None => "Done".to_owned(),
            };
            (StatusWord::Completed, 100, message)
        }
        JobState::Failed | JobState::Dead => {
            let message = job.fault.as_ref().map(|fault| fault.message.clone());
            (StatusWord::Failed, 0, message.unwrap_or_default())
        }
        JobState::Cancelled => (StatusWord::Failed, 0, "Cancelled".to_owned()),
        JobState::Queued => {
            let message = match &job.fault {
                Some(fault) => format!("Tried again soon: {}", fault.message),
                None => "Waiting for its turn".to_owned(),
            };
            (stage, percent(job.progress, stage), message)
        }
        JobState::Running => (stage, percent(job.progress, stage), job.step.clone()),
    };
    StatusReport {
        word,
        percent,
        message,
        url: text("url").map(str::to_owned),
        last_error,
    }
}

/// How far a job is, at least what its stage says.
fn percent(progress: f64, stage: StatusWord) -> u8 {
    let least = match stage {
        StatusWord::Processing => 5,
        StatusWord::Building => 25,
        StatusWord::Deploying => 50,
        StatusWord::Registering => 90,
        StatusWord::Completed | StatusWord::Failed => 100,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to a percentage"
    )]
    let done = (progress * 100.0).clamp(0.0, 100.0) as u8;
    done.clamp(least, NEARLY)
}

/// A fault as one text: what, what to do, and what was seen.
fn sentence(fault: &Fault) -> String {
    let mut text = fault.message.clone();
    if let Some(hint) = &fault.hint {
        text.push_str(". ");
        text.push_str(hint);
    }
    for line in fault.evidence.iter().take(EVIDENCE_LINES) {
        text.push('\n');
        text.push_str(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_has_not_ended_is_never_quite_done() {
        for (progress, stage, shown) in [
            (0.0, StatusWord::Processing, 5),
            (0.3, StatusWord::Building, 30),
            (0.1, StatusWord::Building, 25),
            (0.75, StatusWord::Deploying, 75),
            (0.1, StatusWord::Registering, 90),
            (1.0, StatusWord::Deploying, NEARLY),
            (f64::NAN, StatusWord::Processing, 5),
        ] {
            assert_eq!(percent(progress, stage), shown, "{progress} {stage:?}");
        }
    }
}
