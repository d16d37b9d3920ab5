use leptos::prelude::*;
use nasiko_contract::AgentDetail;

use crate::{
    kit::{Panel, StateBadge},
    model::tone::Tone,
    words::{agent::environment as words, common},
};

/// The variables it reads, and its secrets by name.
#[component]
pub(crate) fn Variables(detail: AgentDetail) -> impl IntoView {
    let from_secret = |name: &String| detail.secrets.contains(name);
    let needs = detail.env.iter().map(|need| {
        let (tone, word) = match (need.satisfied || from_secret(&need.name), need.required) {
            (true, _) => (Tone::Ok, words::SET),
            (false, true) => (Tone::Bad, words::MISSING),
            (false, false) => (Tone::Idle, words::NOT_SET),
        };
        (need.name.clone(), tone, word, need.source.clone())
    });
    let unread = detail
        .secrets
        .iter()
        .filter(|name| detail.env.iter().all(|need| need.name != **name))
        .map(|name| (name.clone(), Tone::Ok, words::SET, words::SECRET.to_owned()));
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
        <Panel title=words::TITLE>
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">{words::VARIABLE}</th>
                        <th scope="col">{common::STATE}</th>
                        <th scope="col" class="rest">{words::READ_IN}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </Panel>
    }
}
