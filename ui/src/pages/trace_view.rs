use futures::{StreamExt, channel::mpsc};
use leptos::prelude::*;
use nasiko_contract::{ErrorCode, GetTrace, Span, SpanId, SpanStatus, Trace, TraceId};
use serde_json::Value;

use crate::{
    desk::{Desk, Loaded, spawn_for_the_owner},
    kit::{CopyButton, Empty, ErrorCard, WaterfallView},
    model::{format, waterfall::Series},
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
        let told = document.with(|document| {
            let document = document.as_ref()?;
            let first = document.spans.iter().map(|span| span.start_ns).min()?;
            let last = document
                .spans
                .iter()
                .map(|span| span.start_ns + span.duration_ns)
                .max()?;
            Some(format!(
                " · {} · {}",
                format::duration_ns(last - first),
                format::counted(document.spans.len() as u64, "span")
            ))
        });
        Some(view! {
            <em>{format::short_id(id.as_str())} {told}</em>
            <span class="grow"></span>
            <CopyButton text=id.to_string() what="trace id" />
        })
    };
    let rest = move || {
        match (fault.get(), trace.with(Option::is_some)) {
        (Some(fault), _) => view! { <ErrorCard fault=fault /> }.into_any(),
        (None, true) => view! { <Empty title="No span of it has arrived yet">"It is drawn as they come."</Empty> }.into_any(),
        (None, false) => view! {
            <Empty title="No trace to show">"Each answer has one: how long it took, and where the time went."</Empty>
        }
        .into_any(),
    }
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
        <section class="panel trace" aria-label="Trace">
            <header class="panel-head">
                <h2>"Trace"</h2>
                {aside}
            </header>
            <Show when=move || there.get() fallback=rest>
                <WaterfallView trace=drawn chosen=chosen />
                {move || span.get().map(|span| view! { <SpanDetail span=span /> })}
            </Show>
        </section>
    }
}

/// Reads a trace, and again when spans of it arrived; never twice at a time, and never one span behind.
fn use_trace(
    trace: Memo<Option<TraceId>>,
    arrived: Memo<Option<u64>>,
) -> RwSignal<Option<Loaded<Trace>>> {
    let desk = Desk::get();
    let loaded = RwSignal::new(None::<Loaded<Trace>>);
    // A bell rung twice while somebody is on the way is heard once.
    let (bell, mut rung) = mpsc::channel::<()>(0);
    let bell = StoredValue::new(bell);
    Effect::new(move |before: Option<Option<TraceId>>| {
        arrived.track();
        let wanted = trace.get();
        if before.is_some_and(|before| before != wanted) {
            loaded.set(None);
        }
        bell.update_value(|bell| {
            let _already_ringing = bell.try_send(());
        });
        wanted
    });
    spawn_for_the_owner(async move {
        while rung.next().await.is_some() {
            let Some(Some(wanted)) = trace.try_get_untracked() else {
                continue;
            };
            let outcome = desk
                .client()
                .call(GetTrace {
                    trace: wanted.clone(),
                })
                .await;
            if trace.try_get_untracked().flatten() == Some(wanted) {
                let _gone = loaded.try_set(Some(match outcome {
                    Ok(document) => Loaded::Ready(document),
                    Err(fault) => Loaded::Failed(fault),
                }));
            }
        }
    });
    loaded
}

#[component]
fn SpanDetail(span: Span) -> impl IntoView {
    let series = Series::of(&span);
    let failed = (span.status == SpanStatus::Error).then(|| {
        let words = Some(span.status_message.clone()).filter(|words| !words.is_empty());
        view! { <p class="tag bad">{words.unwrap_or_else(|| "failed".to_owned())}</p> }
    });
    let start = span.start_ns;
    let events = span
        .events
        .into_iter()
        .map(|event| {
            let after = format::duration_ns(event.at_ns.saturating_sub(start));
            let facts = event
                .attributes
                .iter()
                .map(|(key, value)| format!("{key}={}", plain(value)));
            let facts = facts.collect::<Vec<_>>().join(" ");
            view! {
                <tr>
                    <th scope="row">{event.name}</th>
                    <td class="rest">
                        <code>{facts}</code>
                    </td>
                    <td class="figure dim">{format!("+{after}")}</td>
                </tr>
            }
        })
        .collect_view();
    let attributes = span
        .attributes
        .iter()
        .map(|(key, value)| {
            view! {
                <tr>
                    <th scope="row">
                        <code>{key.clone()}</code>
                    </th>
                    <td class="rest" colspan="2">
                        <code>{plain(value)}</code>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="span-detail" role="region" aria-label="Chosen span" tabindex="0">
            <p>
                <strong>{span.name}</strong>
                " "
                <span class="dim">
                    {format!("{} · {} · {} of {}", format::duration_ns(span.duration_ns), series.word(), span.kind, span.service)}
                </span>
            </p>
            {failed}
            <table class="attributes">
                <tbody>{attributes} {events}</tbody>
            </table>
        </div>
    }
}

/// A value as text, without quotes around words.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
