use leptos::prelude::*;
use nasiko_contract::{
    ErrorCode, Fault, FollowStackProgress, Job, JobId, ServiceProgress, Stack, StackProgress,
};

use crate::{
    desk::{Desk, Followed, follow},
    model::stack,
};

/// What the parts of the page look at.
#[derive(Clone, Copy)]
pub(super) struct StackView {
    pub(super) desk: Desk,
    /// The stack; none before it was told of.
    pub(super) stack: Memo<Option<Stack>>,
    /// No engine answers that could say how it is.
    pub(super) away: Memo<bool>,
    /// Why it could not be read at all.
    pub(super) fault: RwSignal<Option<Fault>>,
    /// The job that is at work on it.
    pub(super) job: Memo<Option<Job>>,
    /// The last one, if it did not come to its end.
    pub(super) failed: Memo<Option<Job>>,
    /// How far each service is in a job.
    pub(super) doing: RwSignal<Vec<ServiceProgress>>,
}

impl StackView {
    /// Reads the stack, and keeps it up to date from then on.
    pub(super) fn open() -> Self {
        let desk = Desk::get();
        let last = Memo::new(move |_| {
            desk.world
                .with(|world| stack::last_job(world.jobs.values()).cloned())
        });
        let stack = Memo::new(move |_| desk.world.with(|world| world.stack.clone()));
        let page = Self {
            desk,
            stack,
            away: Memo::new(move |_| stack.with(|stack| stack.as_ref().is_some_and(is_away))),
            fault: RwSignal::new(None),
            job: Memo::new(move |_| last.get().filter(|job| !job.state.is_final())),
            failed: Memo::new(move |_| last.get().filter(|job| stack::failure(job).is_some())),
            doing: RwSignal::new(Vec::new()),
        };
        let missed = Memo::new(move |_| desk.live.with(|live| live.missed));
        Effect::new(move || {
            missed.get();
            // Which engine it is, is told by the status alone.
            page.away.get();
            page.read_and(|| {});
        });
        page.follow_job();
        page
    }

    /// Asks how it is now; `then` is called once that was answered.
    pub(super) fn read_and(self, then: impl FnOnce() + 'static) {
        self.desk.read_stack(move |fault| {
            let _gone = self.fault.try_set(fault);
            then();
        });
    }

    /// While a job is at work it tells how far each service is.
    fn follow_job(self) {
        let at_work =
            Memo::new(move |_| self.job.with(|job| job.as_ref().map(|job| job.id.clone())));
        Effect::new(move || {
            let Some(job) = at_work.get() else {
                self.doing.set(Vec::new());
                return;
            };
            let learn = move |learnt| {
                if let Followed::Items(items) = learnt {
                    self.learn(&job, items);
                }
            };
            follow(self.desk, FollowStackProgress {}, learn);
        });
    }

    fn learn(self, job: &JobId, told: Vec<StackProgress>) {
        // What is left of an earlier job says nothing of this one.
        let newest = told
            .into_iter()
            .rfind(|told| told.job.as_ref() == Some(job));
        if let Some(newest) = newest {
            self.doing.set(newest.services);
        }
    }
}

fn is_away(stack: &Stack) -> bool {
    let code = stack.fault.as_ref().map(|fault| fault.code);
    matches!(
        code,
        Some(ErrorCode::EngineAbsent | ErrorCode::EngineStopped | ErrorCode::EngineRefused)
    )
}
