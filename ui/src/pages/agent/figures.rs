use leptos::prelude::*;
use nasiko_contract::{AgentState, AgentSummary, FollowAgentStats, InstanceStats};

use crate::{
    desk::{Desk, Followed, follow},
    kit::Figure,
    model::{format, tone},
    pages::agent::Summary,
    words::{agent::overview as words, common},
};

/// Seconds of the course that the figures show.
const COURSE: usize = 60;

/// What it uses now, and for how long it has been as it is.
#[component]
pub(crate) fn Figures(summary: Summary) -> impl IntoView {
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
            words::of_limit(&format::bytes(limit))
        })
    });
    view! {
        <dl class="figures">
            <Figure
                label=common::CPU
                value=last(|stats| format!("{:.1} %", stats.cpu_percent))
                course=line(|stats| stats.cpu_percent)
            />
            <Figure
                label=common::MEMORY
                value=last(|stats| format::bytes(stats.memory_bytes))
                note=limit
                course=line(|stats| stats.memory_bytes as f64)
            />
            <Figure label=words::SINCE value=since />
            <Figure label=words::RESTARTS value=of(|agent| format::count(agent.restarts.into())) />
            <Figure label=words::PROTOCOL value=of(|agent| tone::protocol(agent.protocol).to_owned()) />
        </dl>
    }
}
