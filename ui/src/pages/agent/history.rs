use leptos::prelude::*;
use nasiko_contract::{AgentDetail, Build, Deployment};

use crate::{
    kit::{Age, Panel, StateBadge},
    model::{format, tone},
    words::{agent::history as words, common},
};

/// Rows of each history; older ones are the command line's.
const ROWS: usize = 10;

/// Deployments and builds, newest first.
#[component]
pub(crate) fn History(detail: AgentDetail) -> impl IntoView {
    let deployments = detail
        .deployments
        .into_iter()
        .take(ROWS)
        .map(|deployment| view! { <DeploymentRow deployment=deployment /> })
        .collect_view();
    let builds = detail
        .builds
        .into_iter()
        .take(ROWS)
        .map(|build| view! { <BuildRow record=build /> })
        .collect_view();
    view! {
        <div class="pair">
            <Panel title=words::DEPLOYMENTS>
                <table class="rows">
                    <thead>
                        <tr>
                            <th scope="col">{words::VERSION}</th>
                            <th scope="col">{common::STATE}</th>
                            <th scope="col">{words::INSTANCE}</th>
                            <th scope="col" class="figure">{words::STARTED}</th>
                            <th scope="col" class="figure">{words::RAN_FOR}</th>
                        </tr>
                    </thead>
                    <tbody>{deployments}</tbody>
                </table>
            </Panel>
            <Panel title=words::BUILDS>
                <table class="rows">
                    <thead>
                        <tr>
                            <th scope="col">{words::CONTENT}</th>
                            <th scope="col">{common::STATE}</th>
                            <th scope="col" class="figure">{words::STARTED}</th>
                            <th scope="col" class="figure">{common::TOOK}</th>
                        </tr>
                    </thead>
                    <tbody>{builds}</tbody>
                </table>
            </Panel>
        </div>
    }
}

#[component]
fn DeploymentRow(deployment: Deployment) -> impl IntoView {
    let (tone, word) = tone::deployment(deployment.state);
    let why = deployment.fault.map(|fault| fault.message);
    view! {
        <tr title=why>
            <th scope="row">{deployment.version}</th>
            <td>
                <StateBadge tone=tone word=word />
            </td>
            <td>
                <code class="dim">{deployment.instance.chars().take(12).collect::<String>()}</code>
            </td>
            <td class="figure dim">
                <Age at=deployment.started />
            </td>
            <td class="figure dim">{span(deployment.started, deployment.ended)}</td>
        </tr>
    }
}

#[component]
fn BuildRow(record: Build) -> impl IntoView {
    let (tone, word) = tone::build(record.state);
    let word = if record.reused { words::REUSED } else { word };
    let why = record.fault.map(|fault| fault.message);
    view! {
        <tr title=why>
            <th scope="row">
                <code>{record.content_hash.chars().take(12).collect::<String>()}</code>
            </th>
            <td>
                <StateBadge tone=tone word=word />
            </td>
            <td class="figure dim">
                <Age at=record.started />
            </td>
            <td class="figure dim">{span(record.started, record.ended)}</td>
        </tr>
    }
}

/// From a start to an end, if it has ended.
fn span(started: i64, ended: Option<i64>) -> String {
    ended
        .and_then(|ended| u64::try_from(ended - started).ok())
        .map_or("–".to_owned(), format::duration_ms)
}
