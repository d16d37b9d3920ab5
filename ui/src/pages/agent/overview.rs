use leptos::prelude::*;
use nasiko_contract::{AgentDetail, AgentState, AgentSummary, FollowAgentStats, InstanceStats};

use crate::{
    desk::{Desk, Followed, Loaded, follow},
    kit::{ErrorCard, Figure, FindingRow, Panel, StateBadge, Waiting},
    model::{
        format,
        tone::{self, Tone},
    },
    pages::agent::{Summary, history::History},
};

/// Seconds of the course that the figures show.
const COURSE: usize = 60;

/// How it is, what it uses, and what it has been through.
#[component]
pub(crate) fn OverviewTab(
    summary: Summary,
    detail: RwSignal<Loaded<AgentDetail>>,
) -> impl IntoView {
    let fault = Memo::new(move |_| summary.with(|agent| agent.as_ref()?.fault.clone()));
    let failure = move || {
        let fault = fault.get()?;
        let name =
            summary.with_untracked(|agent| agent.as_ref().map(|agent| agent.name.clone()))?;
        Some(view! {
            <ErrorCard fault=fault>
                <a class="button primary" href=format!("/agents/{name}/logs")>
                    "Open log"
                </a>
            </ErrorCard>
        })
    };
    let rest = move || match detail.get() {
        Loaded::Loading => view! { <Waiting what="its history" /> }.into_any(),
        Loaded::Failed(fault) => view! { <ErrorCard fault=fault /> }.into_any(),
        Loaded::Ready(detail) => view! { <Rest detail=detail /> }.into_any(),
    };
    view! {
        <div class="page-body">
            <Figures summary=summary />
            {failure}
            {rest}
        </div>
    }
}

#[component]
fn Figures(summary: Summary) -> impl IntoView {
    let desk = Desk::get();
    let course = RwSignal::new(Vec::<InstanceStats>::new());
    let active = Memo::new(move |_| {
        summary.with(|agent| {
            let agent = agent.as_ref()?;
            (agent.state == AgentState::Active).then(|| agent.name.clone())
        })
    });
    Effect::new(move || {
        course.set(Vec::new());
        let Some(agent) = active.get() else {
            return;
        };
        follow(desk, FollowAgentStats { agent }, move |learnt| {
            if let Followed::Items(items) = learnt {
                course.update(|course| {
                    course.extend(items);
                    let surplus = course.len().saturating_sub(COURSE);
                    course.drain(..surplus);
                });
            }
        });
    });
    let last = move |read: fn(&InstanceStats) -> String| {
        Signal::derive(move || course.with(|course| course.last().map_or("–".to_owned(), read)))
    };
    let line = move |read: fn(&InstanceStats) -> f64| {
        Signal::derive(move || course.with(|course| course.iter().map(read).collect::<Vec<f64>>()))
    };
    let of = move |read: fn(&AgentSummary) -> String| {
        Signal::derive(move || {
            summary
                .with(|agent| agent.as_ref().map(read))
                .unwrap_or_default()
        })
    };
    let since = Signal::derive(move || {
        let since = summary.with(|agent| agent.as_ref().map(|agent| agent.since));
        let passed = since.map_or(0, |since| desk.now.get() - since);
        format::elapsed(passed)
    });
    let limit = Signal::derive(move || {
        let limit = course.with(|course| course.last()?.memory_limit_bytes);
        limit.map_or(String::new(), |limit| {
            format!("of {}", format::bytes(limit))
        })
    });
    view! {
        <dl class="figures">
            <Figure
                label="CPU"
                value=last(|stats| format!("{:.1} %", stats.cpu_percent))
                course=line(|stats| stats.cpu_percent)
            />
            <Figure
                label="Memory"
                value=last(|stats| format::bytes(stats.memory_bytes))
                note=limit
                course=line(|stats| stats.memory_bytes as f64)
            />
            <Figure label="In this state for" value=since />
            <Figure label="Restarts" value=of(|agent| format::count(agent.restarts.into())) />
            <Figure label="Speaks" value=of(|agent| tone::protocol(agent.protocol).to_owned()) />
        </dl>
    }
}

#[component]
fn Rest(detail: AgentDetail) -> impl IntoView {
    let findings = (!detail.findings.is_empty()).then(|| {
        let rows = detail
            .findings
            .clone()
            .into_iter()
            .map(|finding| view! { <FindingRow finding=finding /> })
            .collect_view();
        view! {
            <Panel title="Findings">
                <ul class="findings">{rows}</ul>
            </Panel>
        }
    });
    let needs = (!detail.env.is_empty() || !detail.secrets.is_empty())
        .then(|| view! { <Variables detail=detail.clone() /> });
    let about = [
        ("About", detail.summary.description.clone()),
        ("Came from", detail.summary.source.clone()),
    ]
    .into_iter()
    .filter(|(_, text)| !text.is_empty())
    .map(|(label, text)| {
        view! {
            <div>
                <dt>{label}</dt>
                <dd>{text}</dd>
            </div>
        }
    })
    .collect_view();
    view! {
        <dl class="facts plain">{about}</dl>
        {findings}
        <History detail=detail.clone() />
        {needs}
    }
}

/// The variables it reads, and its secrets by name.
#[component]
fn Variables(detail: AgentDetail) -> impl IntoView {
    let from_secret = |name: &String| detail.secrets.contains(name);
    let needs = detail.env.iter().map(|need| {
        let (tone, word) = match (need.satisfied || from_secret(&need.name), need.required) {
            (true, _) => (Tone::Ok, "Set"),
            (false, true) => (Tone::Bad, "Missing"),
            (false, false) => (Tone::Idle, "Not set"),
        };
        (need.name.clone(), tone, word, need.source.clone())
    });
    let unread = detail
        .secrets
        .iter()
        .filter(|name| detail.env.iter().all(|need| need.name != **name))
        .map(|name| (name.clone(), Tone::Ok, "Set", "secret".to_owned()));
    let rows = needs
        .chain(unread)
        .map(|(name, tone, word, source)| {
            view! {
                <tr>
                    <th scope="row">
                        <code>{name}</code>
                    </th>
                    <td>
                        <StateBadge tone=tone word=word />
                    </td>
                    <td class="rest">
                        <code class="dim">{source}</code>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Panel title="Environment">
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">"Variable"</th>
                        <th scope="col">"State"</th>
                        <th scope="col" class="rest">"Read in"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </Panel>
    }
}
