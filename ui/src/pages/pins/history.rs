use leptos::prelude::*;
use nasiko_contract::{AgentName, Page, PinAnswer};

use crate::{
    desk::Loaded,
    kit::{Clock, ErrorCard, StateBadge, Waiting},
    model::{format, pins::verdict},
    words::{
        common,
        pins::{self, history as words},
    },
};

/// All answers, newest first; each can be put beside the accepted one.
#[component]
pub(crate) fn AnswerHistory(
    agent: AgentName,
    history: RwSignal<Loaded<Page<PinAnswer>>>,
    accepted: Memo<Option<PinAnswer>>,
    latest: Memo<Option<PinAnswer>>,
    /// The answer that is compared, by its time; else the latest.
    chosen: RwSignal<Option<i64>>,
) -> impl IntoView {
    let agent = StoredValue::new(agent);
    let row = move |answer: PinAnswer| {
        let at = answer.at;
        let is_latest = latest.with(|latest| latest.as_ref().is_some_and(|it| it.at == at));
        let (tone, word) = accepted.with(|accepted| verdict(accepted.as_ref(), &answer));
        let shown = Memo::new(move |_| chosen.get().map_or(is_latest, |chosen| chosen == at));
        let after = match answer.update {
            Some(update) => view! {
                <a class="link" href=format!("/agents/{}/updates/{update}", agent.get_value())>
                    {words::AFTER_A_SAVE}
                </a>
            }
            .into_any(),
            None => view! { <span class="dim">{words::BY_HAND}</span> }.into_any(),
        };
        let trace = answer.trace.map(|trace| {
            view! {
                <a class="link" href=format!("/agents/{}/traces/{trace}", agent.get_value())>
                    {pins::trace(&format::short_id(trace.as_str()))}
                </a>
            }
        });
        view! {
            <tr class:chosen=shown>
                <th scope="row">
                    <button
                        type="button"
                        class="link"
                        aria-pressed=move || if shown.get() { "true" } else { "false" }
                        title=words::COMPARE
                        on:click=move |_| chosen.set((!is_latest).then_some(at))
                    >
                        <Clock at=at />
                    </button>
                </th>
                <td class="rest">{after}</td>
                <td>
                    <StateBadge tone=tone word=word />
                </td>
                <td class="figure dim">{format::duration_ms(answer.duration_ms)}</td>
                <td class="figure">{trace}</td>
            </tr>
        }
    };
    move || match history.get() {
        Loaded::Loading => view! { <Waiting what=words::READING /> }.into_any(),
        Loaded::Failed(fault) => view! { <ErrorCard fault=fault /> }.into_any(),
        Loaded::Ready(page) if page.items.is_empty() => ().into_any(),
        Loaded::Ready(page) => {
            let rows = page.items.into_iter().map(row).collect_view();
            view! {
                <div class="pin-history">
                    <table class="rows">
                        <thead>
                            <tr>
                                <th scope="col">{words::ASKED}</th>
                                <th scope="col" class="rest">
                                    {words::WHY}
                                </th>
                                <th scope="col">{words::COMPARED}</th>
                                <th scope="col" class="figure">{common::TOOK}</th>
                                <th scope="col" class="figure">{words::TRACE}</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            }
            .into_any()
        }
    }
}
