//! The workers: they claim jobs, keep their leases alive, and write down how they ended.

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use nasiko_contract::{AgentName, ErrorCode, Fault, JobId};
use nasiko_store::{Batch, Claim, ClaimedJob, Heartbeat, StoreError, Transition};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    jobs::Work,
    plane::{Shared, cancelled},
    report::Report,
};

/// How long a claim lasts without a heartbeat.
const LEASE: Duration = Duration::from_secs(30);
/// How often a worker shows that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// The first wait before another try of a fault that may pass; it doubles with every failure.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// What a job gets to do its work with.
pub(crate) struct Bench {
    pub(crate) shared: Arc<Shared>,
    pub(crate) job: JobId,
    pub(crate) report: Report,
    claim: Claim,
    /// Ends the work, for whatever reason.
    pub(crate) cancel: CancellationToken,
    /// Somebody asked for the job to be cancelled.
    asked: CancellationToken,
}

impl Bench {
    /// Whether the work ends although nobody asked for it: with the control plane, or because the lease was lost.
    fn is_interrupted(&self) -> bool {
        self.cancel.is_cancelled() && !self.asked.is_cancelled()
    }

    /// Lets a batch be refused if another control plane has the job by now: it was not heard of for longer than the lease.
    pub(crate) fn fence(&self, batch: &mut Batch) {
        if !self.shared.peers.is_alone() {
            let still_ours = Transition::Heartbeat {
                claim: self.claim.clone(),
                lease: LEASE,
            };
            batch.job(&self.claim, still_ours);
        }
    }

    /// The agent shows why the work on it failed; what served before goes on serving.
    pub(crate) async fn give_up(&self, agent: &AgentName, fault: &Fault) {
        self.shared.come_to_rest(agent, fault).await;
        self.shared.trim_history(agent).await;
    }
}

/// Takes back what a dead process held, then works until the control plane ends.
pub(crate) async fn start(shared: &Arc<Shared>) -> Result<(), Fault> {
    let taken_back = shared.store.jobs().release_all(&name(shared)).await?;
    if !taken_back.is_empty() {
        tracing::info!(jobs = taken_back.len(), "jobs of an earlier run go on");
    }
    let worker = Arc::clone(shared);
    shared.spawn(async move { work(&worker).await });
    Ok(())
}

/// The name under which this process claims. One process per data directory, so whatever is held under it at the start
/// is held by a dead one; what others hold who share the store is not.
pub(crate) fn name(shared: &Shared) -> String {
    if shared.peers.is_alone() {
        "resident".to_owned()
    } else {
        format!("resident-{}", shared.peers.me())
    }
}

async fn work(shared: &Arc<Shared>) {
    let jobs = shared.store.jobs();
    loop {
        // Asked anew each time, since the setting may change.
        let limit = shared.settings.load().parallel_jobs.max(1);
        if shared.running_jobs.lock().len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            shared.job_slot.notified().await;
            continue;
        }
        let claimed = match jobs.claim(&name(shared), LEASE).await {
            Ok(None) => jobs.wait_for_work().await.map(|()| None),
            claimed => claimed,
        };
        match claimed {
            Ok(Some(claimed)) => begin(shared, claimed),
            Ok(None) => {}
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::error!(%error, "no job could be claimed");
                tokio::time::sleep(FIRST_RETRY).await;
            }
        }
    }
}

fn begin(shared: &Arc<Shared>, claimed: ClaimedJob) {
    let id = JobId(claimed.job.id.clone());
    let asked = CancellationToken::new();
    shared.running_jobs.lock().insert(id.clone(), asked.clone());
    let of_job = Arc::clone(shared);
    // Not under `Shared::spawn`: a job is told to stop and then given the time to leave nothing half done.
    shared.tasks.spawn(async move {
        run(&of_job, claimed, asked).await;
        of_job.running_jobs.lock().remove(&id);
        of_job.job_slot.notify_one();
    });
}

/// Runs one job and writes down its end.
async fn run(shared: &Arc<Shared>, claimed: ClaimedJob, asked: CancellationToken) {
    let ClaimedJob { job, claim } = claimed;
    let id = JobId(job.id.clone());
    if job.cancel_requested {
        asked.cancel();
    }
    let report = Report::new(claim.clone(), shared.store.jobs());
    let bench = Bench {
        shared: Arc::clone(shared),
        job: id.clone(),
        report: report.clone(),
        claim: claim.clone(),
        cancel: asked.child_token(),
        asked,
    };
    let done = std::panic::AssertUnwindSafe(Box::pin(perform(&bench, job.payload))).catch_unwind();
    tokio::pin!(done);
    let mut heartbeat =
        tokio::time::interval_at(tokio::time::Instant::now() + HEARTBEAT, HEARTBEAT);
    let outcome = {
        let writing = report.run();
        tokio::pin!(writing);
        loop {
            tokio::select! {
                outcome = &mut done => break outcome,
                () = &mut writing => {}
                () = shared.stop.cancelled(), if !bench.cancel.is_cancelled() => bench.cancel.cancel(),
                _ = heartbeat.tick() => match shared.store.jobs().heartbeat(&claim, LEASE).await {
                    Ok(Heartbeat::Held) => {}
                    Ok(Heartbeat::CancelRequested) => bench.asked.cancel(),
                    Ok(Heartbeat::LeaseLost) => bench.cancel.cancel(),
                    Err(error) => tracing::warn!(%error, job = %id, "a heartbeat failed"),
                },
            }
        }
    };
    report.flush().await;
    let outcome = outcome.unwrap_or_else(|_| {
        Err(
            Fault::new(ErrorCode::Internal, "The job ran into a fault of ours")
                .hint("The control plane's log says more"),
        )
    });
    if bench.is_interrupted() && outcome.is_err() {
        // It stays claimed, and the next start takes it up again; or somebody else has it already.
        return;
    }
    let written = match outcome {
        Ok(result) => shared.store.jobs().succeed(&claim, result).await,
        Err(_) if bench.asked.is_cancelled() => shared.store.jobs().cancelled(&claim).await,
        Err(fault) => {
            tracing::info!(job = %id, code = fault.code.as_str(), message = fault.message, "job failed");
            let retry = fault
                .retryable
                .then(|| FIRST_RETRY.saturating_mul(1 << job.failures.min(6)));
            shared.store.jobs().fail(&claim, fault, retry).await
        }
    };
    if let Err(error) = written {
        tracing::error!(%error, job = %id, "the end of a job could not be written");
    }
}

/// Does the work of a job.
async fn perform(bench: &Bench, payload: Value) -> Result<Value, Fault> {
    let work: Work = serde_json::from_value(payload).map_err(|error| {
        Fault::new(
            ErrorCode::InvalidRequest,
            format!("The job is not understood: {error}"),
        )
        .hint("It may come from another version")
    })?;
    if bench.is_interrupted() {
        return Err(cancelled());
    }
    if bench.asked.is_cancelled() {
        bench.shared.clean_up(&bench.job, &work).await;
        return Err(cancelled());
    }
    let done = match &work {
        Work::Deploy {
            source,
            name,
            runtime,
            force,
            replace,
            watch,
            order,
        } => {
            let order = order.as_ref();
            let deploy = bench.deploy(source, name.as_ref(), *runtime, *force, *replace, order);
            let deployed = Box::pin(deploy).await;
            if let Ok(result) = &deployed {
                bench.shared.watch_as_asked(&result.agent, *watch).await;
            }
            deployed.map(|result| serde_json::to_value(result).unwrap_or_default())
        }
        Work::Rebuild { agent } => bench.rebuild(agent).await,
        Work::RollBack {
            agent,
            version,
            path,
        } => Box::pin(bench.roll_back(agent, version.as_deref(), path.as_deref())).await,
        Work::Start { agent, after } => bench.start(agent, after.as_ref()).await,
        Work::Restart { agent } => bench.restart(agent).await,
        Work::Stop { agent } => bench.stop(agent).await,
        Work::Delete { agent } => bench.delete(agent).await,
        Work::StackUp(work) => Box::pin(bench.stack_up(work)).await,
        Work::StackDown(work) => Box::pin(bench.stack_down(work)).await,
    };
    // What another try (after a wait, or of the next start) needs is kept.
    let another_try =
        |fault: &Fault| bench.is_interrupted() || (fault.retryable && !bench.asked.is_cancelled());
    if !done.as_ref().is_err_and(another_try) {
        bench.shared.clean_up(&bench.job, &work).await;
    }
    done
}
