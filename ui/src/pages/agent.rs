mod card;
mod figures;
mod gone;
mod head;
mod history;
mod live;
mod overview;
mod variables;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use nasiko_contract::{AgentDetail, AgentName, AgentSummary, GetAgent};

use crate::{
    actions::offer_agent,
    browser,
    desk::{Desk, Loaded, fetch},
    kit::{Empty, JobStrip, Tab, Tabs, Waiting},
    pages::{
        agent::{card::CardTab, gone::Gone, head::Head, live::LiveSwitch, overview::OverviewTab},
        chat::ChatTab,
        logs::LogsTab,
        traces::AgentTraces,
        updates::UpdatesTab,
    },
    words::{agent as words, common},
};

/// One agent, by its name in the address.
#[component]
pub(crate) fn AgentPage() -> impl IntoView {
    let parameters = use_params_map();
    let of = move |name: &str| parameters.with(|map| map.get(name)).unwrap_or_default();
    let name = Memo::new(move |_| AgentName(of("name")));
    let tab = Memo::new(move |_| of("tab"));
    let item = Memo::new(move |_| Some(of("item")).filter(|item| !item.is_empty()));
    Effect::new(move || browser::set_title(&common::window_title(name.get().as_str())));
    // Everything below belongs to one agent: another name makes it anew.
    move || view! { <OneAgent name=name.get() tab=tab item=item /> }
}

#[component]
fn OneAgent(name: AgentName, tab: Memo<String>, item: Memo<Option<String>>) -> impl IntoView {
    let desk = Desk::get();
    let summary = {
        let name = name.clone();
        Memo::new(move |_| desk.world.with(|world| world.agent(&name).cloned()))
    };
    let detail = RwSignal::new(Loaded::<AgentDetail>::Loading);
    {
        let agent = name.clone();
        let touched = {
            let name = name.clone();
            Memo::new(move |_| desk.world.with(|world| world.touched.get(&name).copied()))
        };
        let known = Memo::new(move |_| summary.with(Option::is_some));
        // Its history is read again whenever an event tells that it went on.
        Effect::new(move || {
            touched.get();
            if known.get() {
                fetch(
                    desk,
                    GetAgent {
                        agent: agent.clone(),
                    },
                    detail,
                );
            }
        });
    }
    keep_live(desk, name.clone(), summary);
    offer_agent(desk, &name, summary);
    let job = {
        let name = name.clone();
        Memo::new(move |_| desk.world.with(|world| world.job_of(&name).cloned()))
    };
    let listed = Memo::new(move |_| desk.world.with(|world| world.agents.is_some()));
    let exists = Memo::new(move |_| summary.with(Option::is_some));
    let at = {
        let name = name.clone();
        move |tab: &str| format!("/agents/{name}{tab}")
    };
    let tabs = StoredValue::new(
        [
            (words::tab::OVERVIEW, ""),
            (words::tab::CHAT, "/chat"),
            (words::tab::TRACES, "/traces"),
            (words::tab::UPDATES, "/updates"),
            (words::tab::LOGS, "/logs"),
            (words::tab::CARD, "/card"),
        ]
        .map(|(word, tab)| (word, at(tab), tab.is_empty())),
    );
    let name = StoredValue::new(name);
    let body = move || {
        let name = name.get_value();
        match tab.get().as_str() {
            "chat" => view! { <ChatTab agent=name session=item /> }.into_any(),
            "traces" => view! { <AgentTraces agent=name trace=item /> }.into_any(),
            "updates" => view! { <UpdatesTab agent=name summary=summary update=item /> }.into_any(),
            "logs" => view! { <LogsTab agent=name /> }.into_any(),
            "card" => view! { <CardTab detail=detail /> }.into_any(),
            "" => view! { <OverviewTab summary=summary detail=detail /> }.into_any(),
            _ => view! { <div class="page-body"><Empty title=common::NO_SUCH_PAGE /></div> }
                .into_any(),
        }
    };
    let page = move || {
        let tabs = tabs
            .get_value()
            .into_iter()
            .map(|(word, href, exact)| Tab { word, href, exact })
            .collect::<Vec<_>>();
        view! {
            <Head summary=summary />
            <JobStrip job=job />
            <div class="tab-row">
                <Tabs label=words::tab::all_of(name.get_value().as_str()) tabs=tabs />
                <LiveSwitch agent=name.get_value() summary=summary />
            </div>
            {body}
        }
    };
    move || {
        if exists.get() {
            page().into_any()
        } else if listed.get() {
            view! { <Gone name=name.get_value() /> }.into_any()
        } else {
            view! { <div class="page-body"><Waiting what=words::READING /></div> }.into_any()
        }
    }
}

/// Reads the agent's live matters once it is known, and again whenever events were missed.
fn keep_live(desk: Desk, name: AgentName, summary: Summary) {
    let known = Memo::new(move |_| summary.with(Option::is_some));
    let missed = Memo::new(move |_| desk.live.with(|live| live.missed));
    Effect::new(move || {
        missed.get();
        if known.get() {
            desk.read_live(name.clone());
        }
    });
}

/// The summary of an agent whose page is shown.
pub(crate) type Summary = Memo<Option<AgentSummary>>;
