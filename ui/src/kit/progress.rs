use leptos::prelude::*;

use crate::model::format;

/// How far something is, 0 to 1.
#[component]
pub(crate) fn Progress(
    /// How far.
    value: Signal<f64>,
    /// Of what.
    label: &'static str,
) -> impl IntoView {
    let text = move || format::percent(value.get());
    view! {
        <span class="progress">
            <span
                class="progress-track"
                role="progressbar"
                aria-label=label
                aria-valuemin="0"
                aria-valuemax="100"
                aria-valuenow=move || format!("{:.0}", value.get() * 100.0)
            >
                <span class="progress-bar" style:transform=move || format!("scaleX({})", value.get().clamp(0.0, 1.0))></span>
            </span>
            <span class="figure">{text}</span>
        </span>
    }
}
