use std::collections::HashSet;

use leptos::{ev::KeyboardEvent, prelude::*};
use nasiko_contract::{SpanId, Trace};

use crate::{
    kit::VirtualList,
    model::{
        format,
        waterfall::{Bar, Waterfall},
    },
};

/// A row's height in pixels; the styles say the same.
const ROW: f64 = 26.0;
/// Pixels a row is set in per level; what lies deeper than the limit stands no further right.
const INDENT: usize = 14;
const INDENT_LIMIT: usize = 10;

/// A trace as a waterfall. Up and down choose a span, left and right fold and unfold it.
#[component]
pub(crate) fn WaterfallView(
    #[prop(into)] trace: Signal<Trace>,
    /// The chosen span.
    chosen: RwSignal<Option<SpanId>>,
) -> impl IntoView {
    let folded = RwSignal::new(HashSet::<SpanId>::new());
    let waterfall =
        Memo::new(move |_| trace.with(|trace| folded.with(|folded| Waterfall::new(trace, folded))));
    let rows = Signal::derive(move || waterfall.with(|waterfall| waterfall.bars.clone()));
    let fold = move |id: &SpanId, fold: bool| {
        folded.update(|folded| {
            if fold {
                folded.insert(id.clone());
            } else {
                folded.remove(id);
            }
        });
    };
    let key = move |event: KeyboardEvent| {
        let bars = rows.get_untracked();
        let at = chosen
            .get_untracked()
            .and_then(|id| bars.iter().position(|bar| bar.id == id));
        let goal = match (event.key().as_str(), at) {
            ("ArrowDown", None) => 0,
            ("ArrowDown", Some(at)) => at + 1,
            ("ArrowUp", Some(at)) => at.saturating_sub(1),
            ("ArrowLeft", Some(at)) => return fold(&bars[at].id, true),
            ("ArrowRight", Some(at)) => return fold(&bars[at].id, false),
            _ => return,
        };
        event.prevent_default();
        if let Some(bar) = bars.get(goal) {
            chosen.set(Some(bar.id.clone()));
        }
    };
    let marks = move || {
        waterfall.with(|waterfall| {
            waterfall
                .marks()
                .map(|(left, at)| {
                    view! {
                        <span class="mark" style:left=format!("{left}%")>
                            {if at == 0 { "0".to_owned() } else { format::duration_ns(at) }}
                        </span>
                    }
                })
                .collect_view()
        })
    };
    view! {
        <div class="waterfall" on:keydown=key>
            <div class="span-row marks" aria-hidden="true">
                <span></span>
                <span class="bar-field">{marks}</span>
                <span></span>
            </div>
            <VirtualList
                rows=rows
                row_height=ROW
                label="Spans: arrow keys choose, left and right fold"
                draw=move |bar| view! { <SpanRow bar=bar chosen=chosen fold=Callback::new(move |(id, on)| fold(&id, on)) /> }
            />
        </div>
    }
}

#[component]
fn SpanRow(
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
    let chosen_id = id.clone();
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
    let label = format!(
        "{name}, {}, {duration}{}",
        series.word(),
        if failed { ", failed" } else { "" }
    );
    view! {
        <button
            type="button"
            class="span-row"
            class:chosen=is_chosen
            class:failed=failed
            tabindex="-1"
            aria-label=label
            aria-pressed=move || if is_chosen.get() { "true" } else { "false" }
            on:click=choose
        >
            <span class="span-name" style:padding-left=format!("{}px", depth.min(INDENT_LIMIT) * INDENT)>
                {fold_mark}
                {failed.then(|| view! { <i class="shape bad" aria-hidden="true"></i> })}
                <span class="clip" title=name.clone()>
                    {name.clone()}
                </span>
            </span>
            <span class="bar-field">
                <i class=format!("bar {}", series.class()) style:left=format!("{left}%") style:width=format!("{width}%")></i>
            </span>
            <span class="figure">{duration}</span>
        </button>
    }
}
