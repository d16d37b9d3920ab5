use leptos::prelude::*;
use nasiko_contract::SpanId;

use crate::{
    kit::waterfall::element_id,
    model::{format, waterfall::Bar},
    words::kit as words,
};

/// Pixels a row is set in per level; what lies deeper than the limit stands no further right.
const INDENT: usize = 14;
const INDENT_LIMIT: usize = 10;

/// One span: its name in the tree, its place in time.
#[component]
pub(crate) fn SpanRow(
    bar: Bar,
    chosen: RwSignal<Option<SpanId>>,
    fold: Callback<(SpanId, bool)>,
) -> impl IntoView {
    let Bar {
        id,
        name,
        depth,
        left,
        width,
        duration_ns,
        series,
        failed,
        parent,
        folded,
    } = bar;
    let is_chosen = {
        let id = id.clone();
        Memo::new(move |_| chosen.with(|chosen| chosen.as_ref() == Some(&id)))
    };
    let (element, chosen_id) = (element_id(&id), id.clone());
    let choose = move |_| chosen.set(Some(chosen_id.clone()));
    let fold_mark = parent.then(|| {
        view! {
            <span
                class="fold"
                class:folded=folded
                aria-hidden="true"
                on:click=move |event| {
                    event.stop_propagation();
                    fold.run((id.clone(), !folded));
                }
            ></span>
        }
    });
    let duration = format::duration_ns(duration_ns);
    // What colours tell, in words.
    let told = words::span_told(series.word(), failed);
    view! {
        <div
            id=element
            class="span-row"
            role="option"
            class:chosen=is_chosen
            class:failed=failed
            aria-selected=move || if is_chosen.get() { "true" } else { "false" }
            on:click=choose
        >
            <span class="span-name" style:padding-left=format!("{}px", depth.min(INDENT_LIMIT) * INDENT)>
                {fold_mark}
                {failed.then(|| view! { <i class="shape bad" aria-hidden="true"></i> })}
                <span class="clip" title=name.clone()>
                    {name.clone()}
                </span>
                <span class="unseen">{told}</span>
            </span>
            <span class="bar-field">
                <i class=format!("bar {}", series.class()) style:left=format!("{left}%") style:width=format!("{width}%")></i>
            </span>
            <span class="figure">{duration}</span>
        </div>
    }
}
