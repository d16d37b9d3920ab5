//! The workers: they claim jobs, keep their leases alive, and write down how they ended.

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use nasiko_contract::{ErrorCode, Fault, JobId};
use nasiko_store::{ClaimedJob, Heartbeat, StoreError};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    jobs::Work,
    plane::{Shared, cancelled},
    report::Report,
};

/// The name under which this process claims. One process per data directory, so whatever is held under it at the start
/// is held by a dead one.
const WORKER: &str = "resident";
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
    pub(crate) cancel: CancellationToken,
}

/// Takes back what a dead process held, then works until the control plane ends.
pub(crate) async fn start(shared: &Arc<Shared>) -> Result<(), Fault> {
    let taken_back = shared.store.jobs().release_all(WORKER).await?;
    if !taken_back.is_empty() {
        tracing::info!(jobs = taken_back.len(), "jobs of an earlier run go on");
    }
    let worker = Arc::clone(shared);
    shared.spawn(async move {
        if let Err(error) = work(&worker).await {
            tracing::error!(%error, "job workers ended");
        }
    });
    Ok(())
}

async fn work(shared: &Arc<Shared>) -> Result<(), StoreError> {
    let jobs = shared.store.jobs();
    let slots = shared.job_slots();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return Ok(());
        };
        let claimed = loop {
            match jobs.claim(WORKER, LEASE).await {
                Ok(Some(claimed)) => break claimed,
                Ok(None) => jobs.wait_for_work().await?,
                Err(StoreError::Closed) => return Ok(()),
                Err(error) => {
                    tracing::error!(%error, "no job could be claimed");
                    tokio::time::sleep(FIRST_RETRY).await;
                }
            }
        };
        let shared_for_job = Arc::clone(shared);
        // Not under `Shared::spawn`: a job is told to stop and then given the time to leave nothing half done.
        shared.tasks.spawn(async move {
            run(&shared_for_job, claimed).await;
            drop(slot);
        });
    }
}

/// Runs one job and writes down its end.
async fn run(shared: &Arc<Shared>, claimed: ClaimedJob) {
    let ClaimedJob { job, claim } = claimed;
    let id = JobId(job.id.clone());
    let cancel = CancellationToken::new();
    shared
        .running_jobs
        .lock()
        .insert(id.clone(), cancel.clone());
    if job.cancel_requested {
        cancel.cancel();
    }
    let report = Report::new(claim.clone(), shared.store.jobs());
    let bench = Bench {
        shared: Arc::clone(shared),
        job: id.clone(),
        report: report.clone(),
        cancel: cancel.child_token(),
    };
    let done = std::panic::AssertUnwindSafe(perform(&bench, job.payload)).catch_unwind();
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
                    Ok(Heartbeat::CancelRequested) => cancel.cancel(),
                    Ok(Heartbeat::LeaseLost) => bench.cancel.cancel(),
                    Err(error) => tracing::warn!(%error, job = %id, "a heartbeat failed"),
                },
            }
        }
    };
    report.flush().await;
    shared.running_jobs.lock().remove(&id);
    let outcome = outcome.unwrap_or_else(|_| {
        Err(
            Fault::new(ErrorCode::Internal, "The job ran into a fault of ours")
                .hint("The control plane's log says more"),
        )
    });
    if shared.stop.is_cancelled() && !cancel.is_cancelled() && outcome.is_err() {
        // Interrupted by our own end: it stays claimed, and the next start takes it up again.
        return;
    }
    let written = match outcome {
        Ok(result) => shared.store.jobs().succeed(&claim, result).await,
        Err(_) if cancel.is_cancelled() => shared.store.jobs().cancelled(&claim).await,
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
    if bench.cancel.is_cancelled() {
        bench.clean_up(&work).await;
        return Err(cancelled());
    }
    let done = match &work {
        Work::Deploy {
            source,
            name,
            runtime,
            force,
        } => bench.deploy(source, name.as_ref(), *runtime, *force).await,
        Work::Rebuild { agent } => bench.rebuild(agent).await,
        Work::Start { agent } => bench.start(agent).await,
        Work::Restart { agent } => bench.restart(agent).await,
        Work::Stop { agent } => bench.stop(agent).await,
        Work::Delete { agent } => bench.delete(agent).await,
    };
    // What another try (after a wait, or of the next start) needs is kept.
    let another_try =
        done.as_ref().is_err_and(|fault| fault.retryable) || bench.shared.stop.is_cancelled();
    if done.is_ok() || !another_try {
        bench.clean_up(&work).await;
    }
    done
}
