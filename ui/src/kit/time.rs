use leptos::prelude::*;

use crate::{browser, desk::Desk, model::format};

/// How long ago a moment was, growing.
#[component]
pub(crate) fn Age(
    /// Unix milliseconds.
    #[prop(into)]
    at: Signal<i64>,
) -> impl IntoView {
    let desk = Desk::get();
    view! {
        <time class="age" title=move || browser::date_and_time(at.get())>
            {move || format::age(desk.now.get(), at.get())}
        </time>
    }
}

/// A moment as a clock.
#[component]
pub(crate) fn Clock(
    /// Unix milliseconds.
    at: i64,
    /// With milliseconds.
    #[prop(optional)]
    exact: bool,
) -> impl IntoView {
    view! {
        <time class="clock" title=browser::date_and_time(at)>
            {browser::clock(at, exact)}
        </time>
    }
}
