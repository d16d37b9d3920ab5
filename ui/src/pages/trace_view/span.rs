use leptos::prelude::*;
use nasiko_contract::{Span, SpanStatus};
use serde_json::Value;

use crate::{
    model::{format, waterfall::Series},
    words::traces::{self as words, one},
};

/// All that is known of a span.
#[component]
pub(crate) fn SpanDetail(span: Span) -> impl IntoView {
    let series = Series::of(&span);
    let failed = (span.status == SpanStatus::Error).then(|| {
        let message = Some(span.status_message.clone()).filter(|message| !message.is_empty());
        view! { <p class="tag bad">{message.unwrap_or_else(|| words::FAILED.to_owned())}</p> }
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
        <div class="span-detail" role="region" aria-label=one::SPAN tabindex="0">
            <p>
                <strong>{span.name}</strong>
                " "
                <span class="dim">
                    {one::span_facts(&format::duration_ns(span.duration_ns), series.word(), &span.kind, &span.service)}
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
