//! How far each service is, for who looks while a job is at work. Kept in memory: what must not be lost is in the job.

use std::{collections::BTreeMap, sync::Arc};

use futures::StreamExt;
use nasiko_contract::{
    Fault, FollowStackProgress, JobId, ServicePhase, ServiceProgress, StackProgress,
};
use nasiko_stack::{
    ImageProgress, Phase,
    plan::{ImageAction, Plan},
};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::progress::words;
use crate::{
    api::{Caller, Items, Numbered, ServeStream},
    plane::ControlPlane,
};

/// How long changes are gathered before they are told.
const GATHER: std::time::Duration = std::time::Duration::from_millis(100);

/// What is told of one job.
pub(super) struct Told {
    job: JobId,
    tell: watch::Sender<StackProgress>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    services: BTreeMap<String, ServiceProgress>,
    /// The services that run an image, by its reference.
    images: BTreeMap<String, Vec<String>>,
}

impl Told {
    pub(super) fn new(job: JobId, tell: watch::Sender<StackProgress>) -> Self {
        tell.send_replace(StackProgress {
            job: Some(job.clone()),
            services: Vec::new(),
        });
        Self {
            job,
            tell,
            known: Mutex::default(),
        }
    }

    /// Plans come again when an image changes them.
    pub(super) fn planned(&self, plan: &Plan) {
        let mut known = self.known.lock();
        for step in &plan.images {
            if step.action != ImageAction::Keep {
                known
                    .images
                    .insert(step.reference.clone(), step.services.clone());
            }
        }
        for step in &plan.containers {
            known
                .services
                .entry(step.service.clone())
                .or_insert_with(|| progress(&step.service, ServicePhase::Waiting));
        }
        self.send(&known);
    }

    pub(super) fn image(&self, reference: &str, state: &ImageProgress) {
        let mut known = self.known.lock();
        for service in known.images.get(reference).cloned().unwrap_or_default() {
            let mut told = progress(&service, ServicePhase::Waiting);
            match state {
                ImageProgress::Pulling {
                    bytes_done, bytes, ..
                } => {
                    told.phase = ServicePhase::Pulling;
                    told.bytes = Some(*bytes_done);
                    told.total_bytes = Some(*bytes);
                }
                ImageProgress::Building { line } => {
                    told.phase = ServicePhase::Building;
                    told.note.clone_from(line);
                }
                ImageProgress::Done => {}
            }
            known.services.insert(service, told);
        }
        self.send(&known);
    }

    pub(super) fn service(&self, service: &str, phase: &Phase) {
        let mut told = progress(service, ServicePhase::Waiting);
        told.phase = match phase {
            Phase::Waiting { .. } => ServicePhase::Waiting,
            Phase::Creating | Phase::Recreating { .. } => ServicePhase::Creating,
            Phase::Stopping => ServicePhase::Stopping,
            Phase::Starting => ServicePhase::Starting,
            Phase::Checking => ServicePhase::Checking,
            Phase::Kept | Phase::Ready => ServicePhase::Ready,
            Phase::Removed => ServicePhase::Removed,
            Phase::Failed { .. } => ServicePhase::Failed,
        };
        match phase {
            Phase::Waiting { .. } => told.note = words(phase),
            Phase::Recreating { reason } | Phase::Failed { reason } => {
                told.note.clone_from(reason);
            }
            _ => {}
        }
        let mut known = self.known.lock();
        known.services.insert(service.to_owned(), told);
        self.send(&known);
    }

    fn send(&self, known: &Known) {
        self.tell.send_replace(StackProgress {
            job: Some(self.job.clone()),
            services: known.services.values().cloned().collect(),
        });
    }
}

fn progress(service: &str, phase: ServicePhase) -> ServiceProgress {
    ServiceProgress {
        service: service.to_owned(),
        phase,
        note: String::new(),
        bytes: None,
        total_bytes: None,
    }
}

impl ServeStream<FollowStackProgress> for ControlPlane {
    async fn serve_stream(
        &self,
        _: &Caller,
        _: FollowStackProgress,
    ) -> Result<Items<StackProgress>, Fault> {
        let mut told = self.shared.stack.progress.subscribe();
        // The sender outlives this call, but not the control plane.
        told.mark_changed();
        let shared = Arc::clone(&self.shared);
        let items = futures::stream::unfold(told, move |mut told| {
            let stop = shared.stop.clone();
            async move {
                tokio::select! {
                    changed = told.changed() => changed.ok()?,
                    () = stop.cancelled() => return None,
                }
                let item = told.borrow_and_update().clone();
                tokio::time::sleep(GATHER).await;
                Some((Ok(Numbered::from(item)), told))
            }
        });
        Ok(items.boxed())
    }
}
