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

#[cfg(test)]
mod tests {
    use nasiko_stack::plan::{Action, ContainerStep, ImageStep};

    use super::*;

    fn plan() -> Plan {
        let container = |service: &str| ContainerStep {
            service: service.to_owned(),
            name: service.to_owned(),
            action: Action::Create,
            waits: Vec::new(),
            surplus: Vec::new(),
        };
        let image = ImageStep {
            reference: "redis:7".to_owned(),
            services: vec!["queue".to_owned(), "cache".to_owned()],
            action: ImageAction::Pull { platform: None },
        };
        Plan {
            project: "test".to_owned(),
            networks: Vec::new(),
            volumes: Vec::new(),
            images: vec![image],
            containers: ["queue", "cache", "web"].map(container).into(),
            orphans: Vec::new(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn an_image_counts_for_each_service_that_runs_it() {
        let (tell, now) = watch::channel(StackProgress::default());
        let told = Told::new("job".to_owned().into(), tell);
        let phases = || -> Vec<(String, ServicePhase, Option<u64>)> {
            let services = now.borrow().services.clone();
            let row = |row: ServiceProgress| (row.service, row.phase, row.bytes);
            services.into_iter().map(row).collect()
        };
        told.planned(&plan());
        let pulling = ImageProgress::Pulling {
            layers_done: 1,
            layers: 3,
            bytes_done: 5,
            bytes: 9,
        };
        told.image("redis:7", &pulling);
        told.image("unknown", &pulling);
        let row = |service: &str, phase, bytes| (service.to_owned(), phase, bytes);
        assert_eq!(
            phases(),
            [
                row("cache", ServicePhase::Pulling, Some(5)),
                row("queue", ServicePhase::Pulling, Some(5)),
                row("web", ServicePhase::Waiting, None),
            ]
        );
        told.image("redis:7", &ImageProgress::Done);
        told.service("queue", &Phase::Ready);
        let reason = "it ended".to_owned();
        told.service("web", &Phase::Failed { reason });
        // A plan that comes again takes back nothing.
        told.planned(&plan());
        assert_eq!(
            phases(),
            [
                row("cache", ServicePhase::Waiting, None),
                row("queue", ServicePhase::Ready, None),
                row("web", ServicePhase::Failed, None),
            ]
        );
        assert_eq!(now.borrow().job, Some("job".to_owned().into()));
    }
}
