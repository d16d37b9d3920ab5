use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use nasiko_contract::{
    AgentState, AgentSummary, DeleteAgent, RebuildAgent, RestartAgent, StartAgent, StopAgent,
};

use crate::{
    desk::Desk,
    kit::{Button, ConfirmDialog, CopyButton, Look, StateBadge},
    model::tone::{self, Tone},
    pages::agent::Summary,
};

/// Who it is, how it is, and what can be done with it.
#[component]
pub(crate) fn Head(summary: Summary) -> impl IntoView {
    let of = move |read: fn(&AgentSummary) -> String| {
        Signal::derive(move || {
            summary
                .with(|agent| agent.as_ref().map(read))
                .unwrap_or_default()
        })
    };
    let state = Memo::new(move |_| {
        summary.with(|agent| {
            agent
                .as_ref()
                .map_or((Tone::Idle, String::new()), tone::agent)
        })
    });
    view! {
        <header class="page-head">
            <h1>{of(|agent| agent.name.to_string())}</h1>
            <StateBadge
                tone=Signal::derive(move || state.with(|state| state.0))
                word=Signal::derive(move || state.with(|state| state.1.clone()))
            />
            <span class="tag">{of(|agent| tone::runtime(agent.runtime).to_owned())}</span>
            <span class="tag">{of(|agent| format!("v{}", agent.version))}</span>
            <span class="address">
                <code class="dim clip">{of(|agent| agent.url.clone())}</code>
                <CopyButton text=of(|agent| agent.url.clone()) what="address" />
            </span>
            <span class="grow"></span>
            <Actions summary=summary />
        </header>
    }
}

#[component]
fn Actions(summary: Summary) -> impl IntoView {
    let desk = Desk::get();
    let navigate = use_navigate();
    let asking = RwSignal::new(false);
    let name = summary
        .with_untracked(|agent| agent.as_ref().map(|agent| agent.name.clone()))
        .unwrap_or_default();
    let state = Memo::new(move |_| {
        summary.with(|agent| agent.as_ref().map(|agent| agent.state).unwrap_or_default())
    });
    // One job at a time: what is under way can be cancelled in its own line.
    let busy = {
        let name = name.clone();
        Signal::derive(move || desk.world.with(|world| world.job_of(&name).is_some()))
    };
    let [start, stop, restart, rebuild, delete] = std::array::from_fn(|_| name.clone());
    let lifecycle = move || match state.get() {
        AgentState::Active => {
            let (stop, restart) = (stop.clone(), restart.clone());
            view! {
                <Button disabled=busy press=move |()| desk.start(RestartAgent { agent: restart.clone() })>
                    "Restart"
                </Button>
                <Button disabled=busy press=move |()| desk.start(StopAgent { agent: stop.clone() })>
                    "Stop"
                </Button>
            }
            .into_any()
        }
        state @ (AgentState::Stopped | AgentState::Failed) => {
            let stopped = state == AgentState::Stopped;
            let start = start.clone();
            // Of a failed agent the way out of its failure is the first one.
            let look = if stopped { Look::Primary } else { Look::Plain };
            view! {
                <Button
                    look=look
                    disabled=busy
                    press=move |()| desk.start(StartAgent { agent: start.clone() })
                >
                    "Start"
                </Button>
            }
            .into_any()
        }
        AgentState::SettingUp => ().into_any(),
    };
    let forget = move |()| {
        let navigate = navigate.clone();
        desk.start_and(
            DeleteAgent {
                agent: delete.clone(),
            },
            move |outcome| {
                if outcome.is_ok() {
                    navigate("/agents", NavigateOptions::default());
                }
            },
        );
    };
    view! {
        <div class="actions">
            {lifecycle}
            <Button disabled=busy press=move |()| desk.start(RebuildAgent { agent: rebuild.clone() })>
                "Rebuild"
            </Button>
            <Button look=Look::Flat disabled=busy press=move |()| asking.set(true)>
                "Delete"
            </Button>
        </div>
        <ConfirmDialog open=asking title=format!("Delete {name}?") action="Delete" confirm=forget>
            "It stops, and its versions, conversations and secrets are forgotten. The folder it came from stays as it is."
        </ConfirmDialog>
    }
}
