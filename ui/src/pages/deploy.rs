mod outcome;
mod path;
mod preview;

use leptos::{ev::SubmitEvent, prelude::*};
use nasiko_contract::{
    AgentDescription, DeployDirectory, DeployOptions, JobId, JobState, RuntimeKind,
};

use crate::{
    browser,
    desk::{Desk, Loaded},
    kit::{Button, Look, Panel, Sentence},
    model::preview::{RUNTIMES, clean_path, is_archive, is_refused},
    pages::deploy::preview::{Preview, inspect_while_typing},
    words::{common, deploy as words, states},
};

pub(crate) use outcome::Course;
pub(crate) use path::{PathButtons, PathField};
pub(crate) use preview::Description;

/// What was found at a path; nothing while no path is given.
type Found = RwSignal<Option<Loaded<AgentDescription>>>;

/// Deploys a folder by its path: what is in it is shown as it is typed, Enter deploys.
#[component]
pub(crate) fn DeployPanel(
    /// There is no agent yet: say what this is about.
    first: Memo<bool>,
    /// The person is done with it.
    #[prop(into)]
    close: Callback<()>,
) -> impl IntoView {
    let desk = Desk::get();
    let path = RwSignal::new(String::new());
    let runtime = RwSignal::new(None::<RuntimeKind>);
    let keep_live = RwSignal::new(true);
    let folder = Memo::new(move |_| path.with(|path| !is_archive(&clean_path(path))));
    let found: Found = RwSignal::new(None);
    let job_id = RwSignal::new(None::<JobId>);
    let job = Memo::new(move |_| {
        let id = job_id.get()?;
        desk.world.with(|world| world.jobs.get(&id).cloned())
    });
    let busy =
        Memo::new(move |_| job.with(|job| job.as_ref().is_some_and(|job| !job.state.is_final())));
    // The way on is then to the agent.
    let done = Memo::new(move |_| {
        job.with(|job| {
            job.as_ref()
                .is_some_and(|job| job.state == JobState::Succeeded)
        })
    });
    let refused = Memo::new(move |_| {
        found.with(|found| {
            let description = found.as_ref().and_then(Loaded::ready);
            description.is_some_and(is_refused)
        })
    });
    let closed = Memo::new(move |_| busy.get() || refused.get());
    inspect_while_typing(desk, path, found);
    Effect::new(|| browser::focus("deploy-path"));
    let deploy = move |()| {
        let directory_path = clean_path(&path.get_untracked());
        if directory_path.is_empty() || closed.get_untracked() {
            return;
        }
        let options = DeployOptions {
            runtime: runtime.get_untracked(),
            watch: folder.get_untracked().then(|| keep_live.get_untracked()),
            ..DeployOptions::default()
        };
        let operation = DeployDirectory {
            directory_path,
            options,
        };
        desk.start_and(operation, move |outcome| {
            if let Ok(job) = outcome {
                let _closed_meanwhile = job_id.try_set(Some(job.id));
            }
        });
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        deploy(());
    };
    let type_path = move |typed: String| {
        job_id.set(None);
        path.set(typed);
    };
    let title = Signal::derive(move || {
        let title = if first.get() {
            words::ADD_FIRST_AGENT
        } else {
            common::ADD_AGENT
        };
        title.to_owned()
    });
    let show_preview = move || job_id.with(Option::is_none);
    view! {
        <Panel title=title class="deploy">
            <form class="deploy-form" on:submit=submit>
                <Show when=move || first.get()>{introduction()}</Show>
                <PathField id="deploy-path" path=path typed=type_path />
                <label class="field">
                    <span>{words::RUNS_AS}</span>
                    <select on:change:target=move |event| runtime.set(runtime_of(&event.target().value()))>
                        <option value="auto">{words::AS_THE_FOLDER_SAYS}</option>
                        <option value="process">{states::runtime::PROCESS}</option>
                        <option value="docker">{states::runtime::DOCKER}</option>
                    </select>
                </label>
                <div class="actions">
                    <button type="submit" class="button" class:primary=move || !done.get() id="deploy" disabled=closed>
                        {words::DEPLOY}
                    </button>
                    <PathButtons />
                    <Show when=move || !first.get()>
                        <Button look=Look::Flat press=close>
                            {common::CLOSE}
                        </Button>
                    </Show>
                </div>
                <label class="check keep-live">
                    <input
                        type="checkbox"
                        id="keep-live"
                        prop:checked=move || keep_live.get() && folder.get()
                        disabled=move || !folder.get()
                        on:change:target=move |event| keep_live.set(event.target().checked())
                    />
                    <span>{words::KEEP_LIVE}</span>
                </label>
            </form>
            <Show when=show_preview>
                <Preview found=found choose=type_path path=path />
            </Show>
            <Course job=job again=deploy />
        </Panel>
    }
}

fn introduction() -> impl IntoView {
    view! {
        <p class="dim introduction">
            <Sentence text=words::INTRODUCTION />
        </p>
    }
}

fn runtime_of(word: &str) -> Option<RuntimeKind> {
    let known = RUNTIMES.iter().find(|(known, _)| *known == word);
    known.and_then(|(_, runtime)| *runtime)
}
