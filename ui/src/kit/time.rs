use std::time::Duration;

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

/// After which a running time is written anew.
const STEP: Duration = Duration::from_millis(100);

/// The time that has run since a moment, while something is under way.
#[component]
pub(crate) fn Running(
    /// Unix milliseconds.
    since: i64,
) -> impl IntoView {
    let passed = move || browser::now().saturating_sub(since).max(0) as f64 / 1e3;
    let seconds = RwSignal::new(passed());
    // Redrawn here alone; what is under way is told by events.
    if let Ok(clock) = set_interval_with_handle(move || seconds.set(passed()), STEP) {
        on_cleanup(move || clock.clear());
    }
    view! { <span class="running">{move || format!("{:.1} s", seconds.get())}</span> }
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
