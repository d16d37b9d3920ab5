mod down;
mod engine;
mod files;
mod group;
mod head;
mod logs;
mod notes;
mod ports;
mod row;
mod services;
mod usage;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use nasiko_contract::{
    ErrorCode, Fault, FollowStackProgress, Job, JobId, ServiceProgress, Stack, StackProgress,
};

use crate::{
    browser,
    desk::{Desk, Followed, follow},
    kit::{Empty, ErrorCard, JobStrip, Tab, Tabs, Waiting},
    model::stack,
    pages::stack::{
        down::DownDialog,
        engine::EngineLine,
        head::Head,
        logs::StackLogs,
        notes::{Introduction, Notes},
        services::ServiceTable,
    },
};

/// The local stack: what there is of it, how it is, and what its services write.
#[component]
pub(crate) fn StackPage() -> impl IntoView {
    browser::set_title("Stack · Nasiko");
    let parameters = use_params_map();
    let of = move |name: &str| parameters.with(|map| map.get(name)).unwrap_or_default();
    let tab = Memo::new(move |_| of("tab"));
    let service = Memo::new(move |_| Some(of("service")).filter(|service| !service.is_empty()));
    let page = StackView::open();
    let asking = RwSignal::new(false);
    let body = move || match tab.get().as_str() {
        "" => view! { <Overview page=page /> }.into_any(),
        "logs" => view! { <StackLogs page=page service=service /> }.into_any(),
        _ => view! { <div class="page-body"><Empty title="There is no such page" /></div> }
            .into_any(),
    };
    let tabs = || {
        [("Services", "/stack", true), ("Logs", "/stack/logs", false)]
            .map(|(word, href, exact)| Tab {
                word,
                href: href.to_owned(),
                exact,
            })
            .into()
    };
    view! {
        <Head page=page asking=asking />
        <JobStrip job=page.job />
        <div class="tab-row">
            <Tabs label="Pages of the stack" tabs=tabs() />
        </div>
        {body}
        <DownDialog page=page open=asking />
    }
}

/// What the parts of the page look at.
#[derive(Clone, Copy)]
struct StackView {
    desk: Desk,
    /// The stack; none before it was told of.
    stack: Memo<Option<Stack>>,
    /// Why it could not be read at all.
    fault: RwSignal<Option<Fault>>,
    /// The job that is at work on it.
    job: Memo<Option<Job>>,
    /// The last one, if it did not come to its end.
    failed: Memo<Option<Job>>,
    /// How far each service is in a job.
    doing: RwSignal<Vec<ServiceProgress>>,
}

impl StackView {
    /// Reads the stack, and keeps it up to date from then on.
    fn open() -> Self {
        let desk = Desk::get();
        let last = Memo::new(move |_| {
            desk.world
                .with(|world| stack::last_job(world.jobs.values()).cloned())
        });
        let page = Self {
            desk,
            stack: Memo::new(move |_| desk.world.with(|world| world.stack.clone())),
            fault: RwSignal::new(None),
            job: Memo::new(move |_| last.get().filter(|job| !job.state.is_final())),
            failed: Memo::new(move |_| last.get().filter(|job| stack::failure(job).is_some())),
            doing: RwSignal::new(Vec::new()),
        };
        let missed = Memo::new(move |_| desk.live.with(|live| live.missed));
        Effect::new(move || {
            missed.track();
            page.read_and(|| {});
        });
        page.follow_job();
        page
    }

    /// Asks how it is now; `then` is called once that was answered.
    fn read_and(self, then: impl FnOnce() + 'static) {
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

#[component]
fn Overview(page: StackView) -> impl IntoView {
    let known = Memo::new(move |_| page.stack.with(Option::is_some));
    let body = move || match (known.get(), page.fault.get()) {
        (true, _) => view! {
            <EngineLine page=page />
            <Notes page=page />
            <Introduction page=page />
            <ServiceTable page=page />
        }
        .into_any(),
        (false, Some(fault)) => view! { <ErrorCard fault=fault /> }.into_any(),
        (false, None) => view! { <Waiting what="the stack" /> }.into_any(),
    };
    view! { <div class="page-body">{body}</div> }
}

/// Whether no engine answers that could say how the stack is.
fn is_away(stack: &Stack) -> bool {
    let code = stack.fault.as_ref().map(|fault| fault.code);
    matches!(
        code,
        Some(ErrorCode::EngineAbsent | ErrorCode::EngineStopped | ErrorCode::EngineRefused)
    )
}
