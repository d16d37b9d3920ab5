use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use nasiko_contract::{AgentDescription, Inspect};

use crate::{
    desk::{Desk, Loaded, spawn_for_the_owner},
    kit::{Button, ErrorCard, FindingRow},
    model::preview::{clean_path, facts, is_absolute, missing},
    pages::deploy::Found,
    words::deploy as words,
};

/// Milliseconds without a keystroke before a path is looked at.
const TYPING_PAUSE: u32 = 250;

/// What was found at the path that is being typed.
#[component]
pub(crate) fn Preview(
    found: Found,
    path: RwSignal<String>,
    /// The person chose another path: one of several agents in the folder.
    #[prop(into)]
    choose: Callback<String>,
) -> impl IntoView {
    let below = move |folder: &str| {
        let base = clean_path(&path.get_untracked());
        format!("{}/{folder}", base.trim_end_matches(['/', '\\']))
    };
    move || {
        Some(match found.get()? {
            Loaded::Loading => {
                view! { <p class="preview dim" role="status">{words::LOOKING}</p> }.into_any()
            }
            Loaded::Failed(fault) => view! { <ErrorCard fault=fault /> }.into_any(),
            Loaded::Ready(description) if !description.agents.is_empty() => {
                let folders = description
                    .agents
                    .into_iter()
                    .map(|folder| {
                        let goal = below(&folder);
                        view! { <Button press=move |()| choose.run(goal.clone())>{folder}</Button> }
                    })
                    .collect_view();
                view! {
                    <div class="preview" role="status">
                        <p>{words::SEVERAL_AGENTS}</p>
                        <div class="actions">{folders}</div>
                    </div>
                }
                .into_any()
            }
            Loaded::Ready(description) => {
                view! { <Description description=description /> }.into_any()
            }
        })
    }
}

/// What a folder or archive was understood to be.
#[component]
pub(crate) fn Description(description: AgentDescription) -> impl IntoView {
    let rows = facts(&description)
        .into_iter()
        .map(|(label, value)| {
            view! {
                <div>
                    <dt>{label}</dt>
                    <dd>{value}</dd>
                </div>
            }
        })
        .collect_view();
    let needs = missing(&description);
    let needs = (!needs.is_empty()).then(|| {
        view! {
            <p>
                <span class="tag busy">{words::NEEDS}</span>
                " "
                <code>{needs.join(", ")}</code>
                " "
                <span class="dim">{words::SET_WITH}</span>
            </p>
        }
    });
    let findings = description
        .findings
        .into_iter()
        .map(|finding| view! { <FindingRow finding=finding /> })
        .collect_view();
    view! {
        <div class="preview" role="status">
            <p>
                <strong>{description.name.to_string()}</strong>
                " "
                <span class="tag">{format!("v{}", description.version)}</span>
                " "
                <span class="dim">{description.description}</span>
            </p>
            <dl class="facts">{rows}</dl>
            {needs}
            <ul class="findings">{findings}</ul>
        </div>
    }
}

/// Looks at the path once the person has paused typing, and gives up a look that is no longer wanted.
pub(crate) fn inspect_while_typing(desk: Desk, path: RwSignal<String>, found: Found) {
    Effect::new(move || {
        let directory_path = clean_path(&path.get());
        if !is_absolute(&directory_path) {
            found.set(None);
            return;
        }
        spawn_for_the_owner(async move {
            TimeoutFuture::new(TYPING_PAUSE).await;
            let _closed = found.try_set(Some(Loaded::Loading));
            let request = Inspect {
                directory_path,
                preview: true,
            };
            let outcome = desk.client().call(request).await;
            let _closed = found.try_set(Some(match outcome {
                Ok(description) => Loaded::Ready(description),
                Err(fault) => Loaded::Failed(fault),
            }));
        });
    });
}
