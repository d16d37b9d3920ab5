//! What a job on the stack says: a step per service and image, lines of its log, and how far it is.

use std::collections::HashSet;

use nasiko_stack::{
    ImageProgress, Phase, Progress, ProgressSink,
    compose::Condition,
    plan::{Action, Plan},
};
use parking_lot::Mutex;

use super::told::Told;
use crate::report::Report;

/// The share of a job that its images take, where any are fetched.
const IMAGES: f64 = 0.4;

/// Tells a job's report. What services write and what they are given is not among it.
pub(super) struct Telling {
    report: Report,
    told: Told,
    state: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    services: usize,
    settled: HashSet<String>,
    images: usize,
    fetched: HashSet<String>,
    /// Images of which it was said that they are fetched.
    begun: HashSet<String>,
    /// Plans come again when an image changes them; their warnings are told once.
    plan_told: bool,
}

impl Telling {
    /// `services`: how many there are, where no plan will say so.
    pub(super) fn new(report: Report, told: Told, services: usize) -> Self {
        let state = Counted {
            services,
            ..Counted::default()
        };
        Self {
            report,
            told,
            state: Mutex::new(state),
        }
    }

    fn planned(&self, plan: &Plan) {
        self.told.planned(plan);
        let mut state = self.state.lock();
        state.services = plan.containers.len();
        state.images = plan
            .images
            .iter()
            .filter(|step| step.action != nasiko_stack::plan::ImageAction::Keep)
            .count()
            .max(state.images);
        let first = !std::mem::replace(&mut state.plan_told, true);
        drop(state);
        for step in &plan.containers {
            if let Action::Recreate { reason, .. } = &step.action {
                self.report
                    .line(format!("{}: to be made anew, since {reason}", step.service));
            }
        }
        if first {
            for warning in &plan.warnings {
                self.report.line(warning.as_str());
            }
        }
    }

    fn step(&self, text: String) {
        let state = self.state.lock();
        let share = |done: usize, all: usize| done as f64 / all.max(1) as f64;
        let services = share(state.settled.len(), state.services);
        let done = if state.images == 0 {
            services
        } else {
            IMAGES * share(state.fetched.len(), state.images) + (1.0 - IMAGES) * services
        };
        drop(state);
        self.report.step(done.clamp(0.0, 1.0), text);
    }

    fn image(&self, reference: &str, progress: ImageProgress) {
        self.told.image(reference, &progress);
        match progress {
            ImageProgress::Pulling {
                layers_done,
                layers,
                bytes_done,
                bytes,
            } => {
                if self.state.lock().begun.insert(reference.to_owned()) {
                    self.report.line(format!("{reference}: pulling"));
                }
                self.step(format!(
                    "Pulling {reference}: {layers_done}/{layers} layers, {:.1} of {:.1} MB",
                    bytes_done as f64 / 1e6,
                    bytes as f64 / 1e6
                ));
            }
            ImageProgress::Building { line } => {
                if self.state.lock().begun.insert(reference.to_owned()) {
                    self.step(format!("Building {reference}"));
                }
                self.report.line(format!("{reference}: {line}"));
            }
            ImageProgress::Done => {
                self.state.lock().fetched.insert(reference.to_owned());
                self.report.line(format!("{reference}: here"));
                self.step(format!("{reference} is here"));
            }
        }
    }

    fn service(&self, service: &str, phase: &Phase) {
        self.told.service(service, phase);
        let words = words(phase);
        self.report.line(format!("{service}: {words}"));
        if matches!(phase, Phase::Kept | Phase::Ready | Phase::Removed) {
            self.state.lock().settled.insert(service.to_owned());
        }
        self.step(format!("{service}: {words}"));
    }
}

impl ProgressSink for Telling {
    fn report(&self, progress: Progress) {
        let made = |made: bool| if made { "made" } else { "removed" };
        match progress {
            Progress::Planned(plan) => self.planned(&plan),
            Progress::Image { reference, state } => self.image(&reference, state),
            Progress::Network { name, made: is } => {
                self.report.line(format!("network {name}: {}", made(is)));
            }
            Progress::Volume { name, made: is } => {
                self.report.line(format!("volume {name}: {}", made(is)));
            }
            Progress::Service { service, phase } => self.service(&service, &phase),
        }
    }
}

pub(super) fn words(phase: &Phase) -> String {
    match phase {
        Phase::Kept => "as it should be".to_owned(),
        Phase::Waiting { service, condition } => {
            let until = match condition {
                Condition::Started => "runs",
                Condition::Healthy => "is healthy",
                Condition::Completed => "has ended well",
            };
            format!("waits until {service} {until}")
        }
        Phase::Creating => "being made".to_owned(),
        Phase::Recreating { reason } => format!("being made anew, since {reason}"),
        Phase::Stopping => "stopping".to_owned(),
        Phase::Starting => "starting".to_owned(),
        Phase::Checking => "runs, its health check has not passed yet".to_owned(),
        Phase::Ready => "ready".to_owned(),
        Phase::Removed => "removed".to_owned(),
        Phase::Failed { reason } => format!("failed: {reason}"),
    }
}
