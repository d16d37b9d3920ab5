use leptos::prelude::*;

use crate::model::format::code_spans;

/// A sentence of the control plane: what stands in backticks is code.
#[component]
pub(crate) fn Sentence(#[prop(into)] text: String) -> impl IntoView {
    code_spans(&text)
        .into_iter()
        .map(|(code, part)| {
            let part = part.to_owned();
            if code {
                view! { <code>{part}</code> }.into_any()
            } else {
                part.into_any()
            }
        })
        .collect_view()
}
