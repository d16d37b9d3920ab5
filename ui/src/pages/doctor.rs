mod check;
mod report;
mod view;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use nasiko_contract::AgentName;

pub(crate) use view::Checkups;

use crate::{
    browser,
    desk::Desk,
    kit::{Button, ErrorCard, Look, Panel, Waiting},
    model::{
        doctor::{self, Examined, Section},
        format,
    },
    pages::doctor::{
        check::{CheckRow, QuietRow},
        report::ReportDialog,
        view::DoctorView,
    },
};

/// What may be wrong, why, and what to do about it: of all, or of one agent.
#[component]
pub(crate) fn DoctorPage() -> impl IntoView {
    browser::set_title("Doctor · Nasiko");
    let parameters = use_params_map();
    let agent = Memo::new(move |_| {
        let named = parameters.with(|map| map.get("agent")).unwrap_or_default();
        Some(AgentName(named)).filter(|agent| !agent.as_str().is_empty())
    });
    move || view! { <Examination agent=agent.get() /> }
}

#[component]
fn Examination(agent: Option<AgentName>) -> impl IntoView {
    let page = DoctorView::open(agent.clone());
    let reporting = RwSignal::new(false);
    let sections = Memo::new(move |_| page.examined.with(Examined::sections));
    let body = move || match (page.fault.get(), sections.with(Vec::is_empty)) {
        (Some(fault), _) => view! { <ErrorCard fault=fault /> }.into_any(),
        (None, true) => {
            view! { <Waiting what="engine, machine, network, files and agents" /> }.into_any()
        }
        (None, false) => sections
            .get()
            .into_iter()
            .map(|section| view! { <SectionPanel page=page section=section /> })
            .collect_view()
            .into_any(),
    };
    view! {
        <Head page=page agent=agent reporting=reporting />
        <div class="page-body doctor" aria-busy=move || page.looking.get().to_string()>
            {body}
        </div>
        <ReportDialog open=reporting />
    }
}

#[component]
fn Head(page: DoctorView, agent: Option<AgentName>, reporting: RwSignal<bool>) -> impl IntoView {
    let desk = Desk::get();
    let said = move || {
        if page.looking.get() {
            return Some("Looking…".to_owned());
        }
        page.examined.with(Examined::summary)
    };
    let at = Memo::new(move |_| {
        page.examined
            .with(|examined| examined.checkup.as_ref().map(|checkup| checkup.at))
    });
    let of_agent = agent.clone().map(|agent| {
        let href = format!("/agents/{agent}");
        view! {
            <span class="sub">
                "of " <a class="link" href=href>{agent.to_string()}</a> " · "
                <a class="link" href="/doctor">"Check everything"</a>
            </span>
        }
    });
    let report = agent.is_none().then(|| {
        view! {
            <Button press=move |()| reporting.set(true)>
                "Report"
            </Button>
        }
    });
    view! {
        <header class="page-head">
            <h1>"Doctor"</h1>
            {of_agent}
            <span class="sub" role="status">{said}</span>
            <span class="grow"></span>
            <span class="dim figure">{move || at.get().map(|at| format::age(desk.now.get(), at))}</span>
            {report}
            <Button look=Look::Primary disabled=page.looking press=move |()| page.look()>
                "Check again"
            </Button>
        </header>
    }
}

/// The checks of a group: what needs somebody in full, what is well behind a line.
#[component]
fn SectionPanel(page: DoctorView, section: Section) -> impl IntoView {
    let Section { group, wrong, rest } = section;
    let words = doctor::of_the_rest(&rest, wrong.is_empty());
    let quiet = (!rest.is_empty()).then(|| {
        view! {
            <details class="quiet">
                <summary>{words}</summary>
                <ul>{rest.into_iter().map(|check| view! { <QuietRow check=check /> }).collect_view()}</ul>
            </details>
        }
    });
    view! {
        <Panel title=group.title() class="checks">
            {wrong.into_iter().map(|check| view! { <CheckRow page=page check=check /> }).collect_view()}
            {quiet}
        </Panel>
    }
}
