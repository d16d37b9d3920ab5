use leptos::{html, prelude::*};
use nasiko_contract::LogStream;

use crate::{
    kit::Clock,
    model::{log_text::marked, logs::Row},
    words::kit::log,
};

/// Lines that are drawn while they are wrapped, since then each has a height of its own.
const WRAPPED: usize = 500;
/// Pixels from the end that still count as being there.
const NEAR_END: i32 = 8;

/// The last lines, each as high as it needs.
#[component]
pub(crate) fn Wrapped(
    rows: Signal<Vec<Row>>,
    /// Draws a line.
    draw: Callback<Row, AnyView>,
    /// The person scrolled to the end, or away from it.
    ended: Callback<bool>,
) -> impl IntoView {
    let element = NodeRef::<html::Div>::new();
    let last = move || {
        rows.with(|rows| {
            let first = rows.len().saturating_sub(WRAPPED);
            rows[first..].to_vec()
        })
    };
    // The end is at zero, and what is before it below zero.
    let scrolled = move |_| {
        // Told of by a frame that comes when the lines may be gone.
        if let Some(element) = element.try_get_untracked().flatten() {
            ended.run(element.scroll_top() > -NEAR_END);
        }
    };
    view! {
        <div
            class="log wrapped"
            node_ref=element
            tabindex="0"
            role="group"
            aria-label=log::WRAPPED
            on:scroll=scrolled
        >
            <div>
                <For each=last key=|row| row.number children=move |row| draw.run(row) />
            </div>
        </div>
    }
}

/// When, whose, from where, what; with what was looked for marked.
#[component]
pub(crate) fn Line(
    row: Row,
    /// Whose it is and the class of that one's colour, in a log of several.
    from: Option<(String, &'static str)>,
    /// Words that are marked.
    words: String,
) -> impl IntoView {
    let (class, word) = match row.line.stream {
        LogStream::Stdout => ("log-line", log::STDOUT),
        LogStream::Stderr => ("log-line error", log::STDERR),
        LogStream::System => ("log-line system", log::SYSTEM),
    };
    let text = row.line.text.as_str();
    let text = if words.is_empty() {
        text.to_owned().into_any()
    } else {
        let piece = |(is_sought, piece): (bool, &str)| {
            if is_sought {
                view! { <mark>{piece.to_owned()}</mark> }.into_any()
            } else {
                piece.to_owned().into_any()
            }
        };
        marked(text, &words)
            .into_iter()
            .map(piece)
            .collect_view()
            .into_any()
    };
    view! {
        <div class=class>
            <Clock at=row.line.at exact=true />
            {from.map(|(name, series)| view! { <span class=format!("log-from clip {series}") title=name.clone()>{name.clone()}</span> })}
            <span class="log-stream">{word}</span>
            <span class="log-text">{text}</span>
        </div>
    }
}
