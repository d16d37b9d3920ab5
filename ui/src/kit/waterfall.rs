mod row;

use std::collections::HashSet;

use leptos::{ev::KeyboardEvent, prelude::*};
use nasiko_contract::{SpanId, Trace};

use crate::{
    kit::{VirtualList, waterfall::row::SpanRow},
    model::{format, waterfall::Waterfall},
    words::kit as words,
};

/// A row's height in pixels; the styles say the same.
const ROW: f64 = 26.0;

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
    let rows = Memo::new(move |_| waterfall.with(|waterfall| waterfall.bars.clone()));
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
    let place = Memo::new(move |_| {
        let id = chosen.get()?;
        waterfall.with(|waterfall| waterfall.bars.iter().position(|bar| bar.id == id))
    });
    let active = Signal::derive(move || chosen.get().map(|id| element_id(&id)));
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
                role="listbox"
                label=words::SPANS
                reveal=place
                active=active
                draw=move |bar| {
                    view! { <SpanRow bar=bar chosen=chosen fold=Callback::new(move |(id, on)| fold(&id, on)) /> }
                }
            />
        </div>
    }
}

fn element_id(span: &SpanId) -> String {
    format!("span-{span}")
}
