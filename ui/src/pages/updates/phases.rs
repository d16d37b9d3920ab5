use std::sync::Arc;

use leptos::prelude::*;
use nasiko_contract::Update;

use crate::model::{format, updates};

/// How long each step took by itself.
#[component]
pub(crate) fn Phases(update: Arc<Update>) -> impl IntoView {
    let phases = updates::phases(&update);
    if phases.is_empty() {
        return ().into_any();
    }
    let bars = phases
        .iter()
        .enumerate()
        .map(|(at, phase)| {
            view! { <span class=format!("bar s{}", at + 1) style:flex-grow=format!("{:.4}", phase.share)></span> }
        })
        .collect_view();
    let rows = phases
        .iter()
        .enumerate()
        .map(|(at, phase)| {
            view! {
                <div>
                    <dt>
                        <i class=format!("swatch bar s{}", at + 1) aria-hidden="true"></i>
                        {phase.word}
                    </dt>
                    <dd class="figure">{format::duration_seconds(phase.seconds)}</dd>
                </div>
            }
        })
        .collect_view();
    view! {
        <div class="phases">
            <div class="phase-bars" aria-hidden="true">
                {bars}
            </div>
            <dl>{rows}</dl>
        </div>
    }
    .into_any()
}
