use leptos::prelude::*;

/// Something that is on or off, and changes at once.
#[component]
pub(crate) fn Switch(
    /// Its word.
    word: &'static str,
    /// What it means, for a pointer that rests on it.
    #[prop(into)]
    title: String,
    /// Whether it is on.
    #[prop(into)]
    on: Signal<bool>,
    /// It cannot be changed now.
    #[prop(into)]
    disabled: Signal<bool>,
    /// The id of what says more about its state.
    #[prop(into, optional)]
    described_by: Option<String>,
    /// The person wants it on, or off.
    #[prop(into)]
    change: Callback<bool>,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class="switch"
            role="switch"
            title=title
            aria-checked=move || if on.get() { "true" } else { "false" }
            aria-describedby=described_by
            aria-disabled=move || disabled.get().then_some("true")
            on:click=move |_| {
                if !disabled.get_untracked() {
                    change.run(!on.get_untracked());
                }
            }
        >
            {word}
            <i class="switch-track" aria-hidden="true"></i>
        </button>
    }
}
