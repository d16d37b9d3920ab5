mod check;
mod report;
mod view;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use nasiko_contract::{AgentName, Check, CheckGroup};

pub(crate) use view::Checkups;

use crate::{
    browser,
    desk::Desk,
    kit::{Button, Controls, ErrorCard, Look, Panel, Progress, Waiting},
    model::{
        doctor::{self, Examined, Key, Section},
        format,
    },
    pages::doctor::{
        check::{CheckRow, QuietRow},
        report::ReportDialog,
        view::DoctorView,
    },
    words::{common, doctor as words},
};

/// What may be wrong, why, and what to do about it: of all, or of one agent.
#[component]
pub(crate) fn DoctorPage() -> impl IntoView {
    browser::set_title(&common::window_title(words::TITLE));
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
    let groups = move || sections.with(|all| all.iter().map(|it| it.group).collect::<Vec<_>>());
    let waits = Memo::new(move |_| page.looking.get() && sections.with(Vec::is_empty));
    view! {
        <Head page=page agent=agent reporting=reporting />
        <div class="page-body doctor" aria-busy=move || page.looking.get().to_string()>
            <Controls follow=move || page.examined.track()>
                {move || page.fault.get().map(|fault| view! { <ErrorCard fault=fault /> })}
                <Show when=move || waits.get()>
                    <Waiting what=words::READING />
                </Show>
                <For each=groups key=|group| *group children=move |group| {
                    let section = Memo::new(move |_| {
                        sections.with(|all| all.iter().find(|it| it.group == group).cloned())
                    });
                    view! { <SectionPanel page=page group=group section=section /> }
                } />
            </Controls>
        </div>
        <ReportDialog open=reporting />
    }
}

#[component]
fn Head(page: DoctorView, agent: Option<AgentName>, reporting: RwSignal<bool>) -> impl IntoView {
    let desk = Desk::get();
    let said = move || {
        if page.looking.get() {
            return Some(words::LOOKING.to_owned());
        }
        page.examined.with(Examined::summary)
    };
    let at = Memo::new(move |_| page.examined.with(|examined| examined.at));
    let of_agent = agent.clone().map(|agent| {
        let href = format!("/agents/{agent}");
        view! {
            <span class="sub">
                {words::OF_AGENT} " " <a class="link" href=href>{agent.to_string()}</a> " · "
                <a class="link" href="/doctor">{words::CHECK_EVERYTHING}</a>
            </span>
        }
    });
    let report = agent.is_none().then(|| {
        view! {
            <Button press=move |()| reporting.set(true)>
                {words::report::TITLE}
            </Button>
        }
    });
    let press = move |()| {
        if page.looking.get_untracked() {
            page.stop();
        } else {
            page.look();
        }
    };
    view! {
        <header class="page-head">
            <h1>{words::TITLE}</h1>
            {of_agent}
            <span class="sub" role="status">{said}</span>
            <Course page=page />
            <span class="grow"></span>
            <span class="dim figure">{move || at.get().map(|at| format::age(desk.now.get(), at))}</span>
            {report}
            <Button look=Look::Primary press=press>
                {move || if page.looking.get() { words::STOP } else { words::CHECK_AGAIN }}
            </Button>
        </header>
    }
}

/// How far a look is, and what is still looked at.
#[component]
fn Course(page: DoctorView) -> impl IntoView {
    let progress = Memo::new(move |_| page.examined.with(|examined| examined.progress.clone()));
    let share = Signal::derive(move || {
        progress.with(|progress| {
            progress.as_ref().map_or(0.0, |progress| {
                f64::from(progress.done) / f64::from(progress.total.max(1))
            })
        })
    });
    let said = move || {
        progress.with(|progress| {
            let progress = progress.as_ref()?;
            Some(words::progress(
                progress.done,
                progress.total,
                &progress.looking,
            ))
        })
    };
    view! {
        <Show when=move || page.looking.get()>
            <div class="doctor-course">
                <Progress value=share label=words::PROGRESS />
                <span class="dim clip">{said}</span>
            </div>
        </Show>
    }
}

/// The checks of a group: what needs somebody in full, what is well behind a line.
#[component]
fn SectionPanel(
    page: DoctorView,
    group: CheckGroup,
    /// None once the group has no checks any more.
    section: Memo<Option<Section>>,
) -> impl IntoView {
    let of = move |pick: fn(&Section) -> &Vec<Check>| {
        section.with(|section| section.as_ref().map(pick).cloned().unwrap_or_default())
    };
    let wrong = move || of(|section| &section.wrong);
    let rest = Memo::new(move |_| of(|section| &section.rest));
    let words = move || {
        let alone = section.with(|section| section.as_ref().is_some_and(|it| it.wrong.is_empty()));
        rest.with(|rest| doctor::of_the_rest(rest, alone))
    };
    // Each as it is now: what did not change keeps the keyboard and what is marked in it.
    let find = move |key: Key| {
        Memo::new(move |_| {
            section.with(|section| {
                let all = section
                    .iter()
                    .flat_map(|it| it.wrong.iter().chain(&it.rest));
                all.into_iter()
                    .find(|check| doctor::key(check) == key)
                    .cloned()
            })
        })
    };
    view! {
        <Panel title=group.title() class="checks">
            <For each=wrong key=doctor::key children=move |check| {
                let now = find(doctor::key(&check));
                move || now.get().map(|check| view! { <CheckRow page=page check=check /> })
            } />
            <Show when=move || rest.with(|rest| !rest.is_empty())>
                <details class="quiet">
                    <summary>{words}</summary>
                    <ul>
                        <For each=move || rest.get() key=doctor::key children=move |check| {
                            let now = find(doctor::key(&check));
                            move || now.get().map(|check| view! { <QuietRow check=check /> })
                        } />
                    </ul>
                </details>
            </Show>
        </Panel>
    }
}
