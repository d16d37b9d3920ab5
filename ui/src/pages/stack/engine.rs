use leptos::prelude::*;
use nasiko_contract::{EnginePlace, EngineState, EngineStatus};

use crate::{
    kit::{CopyButton, Menu, StateBadge},
    model::tone::Tone,
    pages::stack::view::StackView,
    words::engine as words,
};

/// The engine that the stack runs in, and why it is that one. Nothing while there is none: then a failure says so.
#[component]
pub(super) fn EngineLine(page: StackView) -> impl IntoView {
    let engine = Memo::new(move |_| {
        page.desk
            .world
            .with(|world| world.status.as_ref()?.engine.clone())
    });
    let others = Memo::new(move |_| {
        let is_other =
            |place: &&EnginePlace| !matches!(place.state, EngineState::Used | EngineState::Absent);
        page.stack.with(|stack| {
            let places = stack.iter().flat_map(|stack| &stack.engines);
            places.filter(is_other).cloned().collect::<Vec<_>>()
        })
    });
    let line = move |engine: EngineStatus| {
        let why = Some(engine.why).filter(|why| !why.is_empty());
        let other = move |place: EnginePlace| {
            view! {
                <li>
                    <code class="clip" title=place.endpoint.clone()>{place.endpoint.clone()}</code>
                    <span class="dim clip" title=place.found.clone()>{words::place(&place.why, &place.found)}</span>
                </li>
            }
        };
        let list = move || others.get().into_iter().map(other).collect_view();
        view! {
            <section class="panel engine" aria-label=words::ENGINE>
                <StateBadge tone=Tone::Ok word=format!("{} {}", named(&engine.kind), engine.version) />
                <code class="dim clip" title=engine.endpoint.clone()>{engine.endpoint.clone()}</code>
                <CopyButton text=engine.endpoint what=words::ADDRESS />
                {why.map(|why| view! { <span class="dim clip" title=why.clone()>{words::chosen(&why)}</span> })}
                <Show when=move || others.with(|others| !others.is_empty())>
                    <Menu
                        title=Signal::derive(move || words::other_places(others.with(Vec::len)))
                        label=words::WHERE_ELSE
                        list=move || view! { <ul>{list()}</ul> }
                    />
                </Show>
            </section>
        }
    };
    move || engine.get().filter(|_| !page.away.get()).map(line)
}

/// An engine's kind as its makers write it.
fn named(kind: &str) -> &str {
    match kind {
        "docker" => words::DOCKER,
        "podman" => words::PODMAN,
        other => other,
    }
}
