use leptos::prelude::*;

use crate::model::tone::Tone;

/// A state: its shape and its word.
#[component]
pub(crate) fn StateBadge(
    /// What it means.
    #[prop(into)]
    tone: Signal<Tone>,
    /// Its word.
    #[prop(into)]
    word: Signal<String>,
) -> impl IntoView {
    view! {
        <span class="state">
            <i class=move || format!("shape {}", tone.get().class()) aria-hidden="true"></i>
            <span class="clip">{word}</span>
        </span>
    }
}
