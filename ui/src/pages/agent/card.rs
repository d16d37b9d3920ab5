use leptos::prelude::*;
use nasiko_contract::AgentDetail;
use serde_json::Value;

use crate::{
    desk::Loaded,
    kit::{CopyButton, Empty, ErrorCard, Panel, Waiting},
    words::agent::card as words,
};

/// Its card as others read it: the skills first, the document below.
#[component]
pub(crate) fn CardTab(detail: RwSignal<Loaded<AgentDetail>>) -> impl IntoView {
    let body = move || match detail.get() {
        Loaded::Loading => view! { <Waiting what=words::READING /> }.into_any(),
        Loaded::Failed(fault) => view! { <ErrorCard fault=fault /> }.into_any(),
        Loaded::Ready(detail) if detail.card.is_null() => view! {
            <Empty title=words::NONE>{words::NONE_TEXT}</Empty>
        }
        .into_any(),
        Loaded::Ready(detail) => view! { <Card detail=detail /> }.into_any(),
    };
    view! { <div class="page-body">{body}</div> }
}

#[component]
fn Card(detail: AgentDetail) -> impl IntoView {
    let card = detail.card;
    let document = serde_json::to_string_pretty(&card).unwrap_or_default();
    let skills = card["skills"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|skill| view! { <Skill skill=skill.clone() /> })
        .collect_view();
    let generated = detail.card_generated.then(|| {
        view! { <span class="tag busy">{words::GENERATED}</span> }
    });
    let copied = document.clone();
    view! {
        <Panel title=words::SKILLS aside=Box::new(|| generated.into_any())>
            <ul class="skills">{skills}</ul>
        </Panel>
        <Panel title=words::DOCUMENT aside=Box::new(|| view! { <span class="grow"></span><CopyButton text=copied what=words::COPIED /> }.into_any())>
            <pre class="document" tabindex="0" aria-label=words::JSON>
                {document}
            </pre>
        </Panel>
    }
}

#[component]
fn Skill(skill: Value) -> impl IntoView {
    let text = |field: &str| skill[field].as_str().unwrap_or_default().to_owned();
    let tags = skill["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|tag| view! { <span class="tag">{tag.to_owned()}</span> })
        .collect_view();
    view! {
        <li>
            <p>
                <strong>{text("name")}</strong>
                " "
                <code class="dim">{text("id")}</code>
                " "
                {tags}
            </p>
            <p class="dim">{text("description")}</p>
        </li>
    }
}
