use leptos::prelude::*;
use nasiko_contract::{AgentName, AgentState, AgentSummary};

use crate::{
    actions::{Actions, do_deed},
    desk::Desk,
    kit::{Button, Controls, CopyButton, Look, StateBadge},
    model::{
        deeds::Deed,
        tone::{self, Tone},
    },
    pages::agent::Summary,
    words::agent as words,
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
                <CopyButton text=of(|agent| agent.url.clone()) what=words::ADDRESS />
            </span>
            <span class="grow"></span>
            <Deeds summary=summary />
        </header>
    }
}

/// One deed as a button; disabled while a job is at work, which can be cancelled in its own line.
fn deed_button(name: AgentName, deed: Deed, look: Look, busy: Signal<bool>) -> AnyView {
    let (desk, actions) = (Desk::get(), Actions::get());
    // Of the two that take each other's place one has the keyboard after the other.
    let id = match deed {
        Deed::Start | Deed::Stop => "agent.switch",
        other => other.id(),
    };
    view! {
        <Button
            look=look
            id=id
            disabled=busy
            action=deed.id()
            press=move |()| do_deed(desk, actions, deed, &name)
        >
            {deed.words()}
        </Button>
    }
    .into_any()
}

#[component]
fn Deeds(summary: Summary) -> impl IntoView {
    let desk = Desk::get();
    let name = summary
        .with_untracked(|agent| agent.as_ref().map(|agent| agent.name.clone()))
        .unwrap_or_default();
    let state = Memo::new(move |_| {
        summary.with(|agent| agent.as_ref().map(|agent| agent.state).unwrap_or_default())
    });
    let busy = {
        let name = name.clone();
        Signal::derive(move || desk.world.with(|world| world.job_of(&name).is_some()))
    };
    let button = move |deed: Deed, look: Look| deed_button(name.clone(), deed, look, busy);
    let lifecycle = {
        let button = button.clone();
        move || match state.get() {
            AgentState::Active => [Deed::Restart, Deed::Stop]
                .map(|deed| button(deed, Look::Plain))
                .into_any(),
            // Of a failed agent the way out of its failure is the first one.
            AgentState::Failed => button(Deed::Start, Look::Plain),
            AgentState::Stopped => button(Deed::Start, Look::Primary),
            AgentState::SettingUp => button(Deed::Stop, Look::Plain),
        }
    };
    view! {
        <Controls class="actions" follow=move || state.track()>
            {lifecycle}
            {button(Deed::Rebuild, Look::Plain)}
            {button(Deed::Delete, Look::Flat)}
        </Controls>
    }
}
