use leptos::prelude::*;
use nasiko_contract::AgentDetail;

use crate::{
    desk::Loaded,
    kit::{ErrorCard, FindingRow, Panel, Waiting},
    pages::{
        agent::{Summary, figures::Figures, history::History, variables::Variables},
        agents::WaysOut,
    },
    words::agent::overview as words,
};

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
        let check = format!("/doctor/{name}");
        Some(view! {
            <ErrorCard fault=fault.clone()>
                <WaysOut agent=name fault=fault />
                <a class="button" href=check>
                    {words::CHECK}
                </a>
            </ErrorCard>
        })
    };
    let rest = move || match detail.get() {
        Loaded::Loading => view! { <Waiting what=words::READING /> }.into_any(),
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
fn Rest(detail: AgentDetail) -> impl IntoView {
    let findings = (!detail.findings.is_empty()).then(|| {
        let rows = detail
            .findings
            .clone()
            .into_iter()
            .map(|finding| view! { <FindingRow finding=finding /> })
            .collect_view();
        view! {
            <Panel title=words::FINDINGS>
                <ul class="findings">{rows}</ul>
            </Panel>
        }
    });
    let needs = (!detail.env.is_empty() || !detail.secrets.is_empty())
        .then(|| view! { <Variables detail=detail.clone() /> });
    let about = [
        (words::ABOUT, detail.summary.description.clone()),
        (words::SOURCE, detail.summary.source.clone()),
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
