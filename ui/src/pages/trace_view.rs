mod reading;
mod span;

use leptos::prelude::*;
use nasiko_contract::{ErrorCode, SpanId, Trace, TraceId};

use crate::{
    desk::Loaded,
    kit::{CopyButton, Empty, ErrorCard, WaterfallView},
    model::format,
    pages::trace_view::{reading::use_trace, span::SpanDetail},
    words::traces::one as words,
};

/// One trace: its waterfall, and below it the chosen span.
#[component]
pub(crate) fn TraceView(
    /// Which.
    trace: Memo<Option<TraceId>>,
    /// Changes whenever spans of it arrived.
    arrived: Memo<Option<u64>>,
) -> impl IntoView {
    let loaded = use_trace(trace, arrived);
    let chosen = RwSignal::new(None::<SpanId>);
    Effect::new(move || {
        trace.track();
        chosen.set(None);
    });
    let document = Memo::new(move |_| loaded.with(|loaded| loaded.as_ref()?.ready().cloned()));
    let there = Memo::new(move |_| {
        document.with(|trace| trace.as_ref().is_some_and(|trace| !trace.spans.is_empty()))
    });
    let fault = Memo::new(move |_| {
        loaded.with(|loaded| match loaded {
            // Its first span is on its way.
            Some(Loaded::Failed(fault)) if fault.code != ErrorCode::TraceNotFound => {
                Some(fault.clone())
            }
            _ => None,
        })
    });
    let aside = move || {
        let id = trace.get()?;
        let shown = format::short_id(id.as_str());
        let told = document.with(|document| {
            let document = document.as_ref()?;
            let first = document.spans.iter().map(|span| span.start_ns).min()?;
            let last = document
                .spans
                .iter()
                .map(|span| span.start_ns + span.duration_ns)
                .max()?;
            let took = format::duration_ns(last - first);
            Some(words::extent(&shown, &took, document.spans.len()))
        });
        Some(view! {
            <em>{told.unwrap_or(shown)}</em>
            <span class="grow"></span>
            <CopyButton text=id.to_string() what=words::COPIED />
        })
    };
    let rest = move || match (fault.get(), trace.with(Option::is_some)) {
        (Some(fault), _) => view! { <ErrorCard fault=fault /> }.into_any(),
        (None, true) => {
            view! { <Empty title=words::NO_SPAN>{words::NO_SPAN_TEXT}</Empty> }.into_any()
        }
        (None, false) => view! { <Empty title=words::NONE>{words::NONE_TEXT}</Empty> }.into_any(),
    };
    let span = Memo::new(move |_| {
        let id = chosen.get();
        document.with(|trace| {
            let spans = &trace.as_ref()?.spans;
            spans
                .iter()
                .find(|span| Some(&span.span_id) == id.as_ref())
                .cloned()
        })
    });
    let drawn = Signal::derive(move || {
        document.get().unwrap_or_else(|| Trace {
            trace_id: TraceId::default(),
            spans: Vec::new(),
        })
    });
    view! {
        <section class="panel trace" aria-label=words::TITLE>
            <header class="panel-head">
                <h2>{words::TITLE}</h2>
                {aside}
            </header>
            <Show when=move || there.get() fallback=rest>
                <WaterfallView trace=drawn chosen=chosen />
                {move || span.get().map(|span| view! { <SpanDetail span=span /> })}
            </Show>
        </section>
    }
}
