use leptos::prelude::*;

use crate::words::kit as words;

/// Says that there is nothing, and what to do about it.
#[component]
pub(crate) fn Empty(
    /// What there is none of.
    #[prop(into)]
    title: String,
    /// What to do.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <p class="empty-title">{title}</p>
            {children.map(|children| view! { <div class="empty-text">{children()}</div> })}
        </div>
    }
}

/// Stands for something that is on its way; shown only when it takes long enough to be noticed.
#[component]
pub(crate) fn Waiting(
    /// For what.
    what: &'static str,
) -> impl IntoView {
    view! {
        <div class="waiting" role="status">
            <i class="shape busy" aria-hidden="true"></i>
            {words::reading(what)}
        </div>
    }
}
