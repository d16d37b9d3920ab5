use leptos::prelude::*;
use nasiko_contract::LogStream;

use crate::{kit::Clock, model::logs::Row};

/// Lines that are drawn while they are wrapped, since then each has a height of its own.
const WRAPPED: usize = 500;

/// The last lines, each as high as it needs.
#[component]
pub(crate) fn Wrapped(rows: Signal<Vec<Row>>) -> impl IntoView {
    let last = move || {
        rows.with(|rows| {
            let first = rows.len().saturating_sub(WRAPPED);
            rows[first..].to_vec()
        })
    };
    view! {
        <div class="log wrapped" tabindex="0" role="group" aria-label="Log, wrapped">
            <div>
                <For each=last key=|row| row.number children=|row| view! { <Line row=row /> } />
            </div>
        </div>
    }
}

/// When, from where, what.
#[component]
pub(crate) fn Line(row: Row) -> impl IntoView {
    let class = match row.line.stream {
        LogStream::Stdout => "log-line",
        LogStream::Stderr => "log-line error",
        LogStream::System => "log-line system",
    };
    let word = match row.line.stream {
        LogStream::Stdout => "out",
        LogStream::Stderr => "err",
        LogStream::System => "sys",
    };
    view! {
        <div class=class>
            <Clock at=row.line.at exact=true />
            <span class="log-stream">{word}</span>
            <span class="log-text">{row.line.text.clone()}</span>
        </div>
    }
}
