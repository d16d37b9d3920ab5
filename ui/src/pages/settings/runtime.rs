use leptos::prelude::*;
use nasiko_contract::{EnginePlace, EngineState};

use crate::{
    desk::Desk,
    kit::{CopyButton, Panel, StateBadge},
    model::{
        settings::{KONG, PARALLEL_JOBS, START_TIMEOUT, STOP_TIMEOUT},
        tone::Tone,
    },
    pages::settings::{
        field::{Form, Setting, WhenRead},
        store::StorePanel,
    },
    words::{engine, settings::runtime as words},
};

/// Where agents run, and what the control plane works with.
#[component]
pub(super) fn RuntimeSettings() -> impl IntoView {
    let form = Form::open();
    view! {
        <WhenRead form=form>
            <EnginePanel />
            <Panel title=words::STARTING_AND_STOPPING>
                <Setting form=form spec=START_TIMEOUT />
                <Setting form=form spec=STOP_TIMEOUT />
                <Setting form=form spec=PARALLEL_JOBS />
            </Panel>
            <Panel title=words::GATEWAY>
                <Setting form=form spec=KONG />
            </Panel>
        </WhenRead>
        <StorePanel />
    }
}

/// The engine that containers run in and why it is that one, and where else one may be.
#[component]
fn EnginePanel() -> impl IntoView {
    let desk = Desk::get();
    let engine = Memo::new(move |_| {
        desk.world
            .with(|world| world.status.as_ref()?.engine.clone())
    });
    let others = Memo::new(move |_| {
        desk.world.with(|world| {
            let places = world.status.iter().flat_map(|status| &status.engines);
            let others = places.filter(|place| place.state != EngineState::Used);
            others.cloned().collect::<Vec<_>>()
        })
    });
    let used = move || match engine.get() {
        Some(engine) => view! {
            <StateBadge tone=Tone::Ok word=format!("{} {}", engine.kind, engine.version) />
            <code class="clip" title=engine.endpoint.clone()>{engine.endpoint.clone()}</code>
            <CopyButton text=engine.endpoint what=engine::ADDRESS />
            <span class="dim">{engine::chosen(&engine.why)}</span>
        }
        .into_any(),
        None => view! {
            <StateBadge tone=Tone::Idle word=engine::NONE />
            <span class="dim">{engine::WITHOUT_ONE}</span>
        }
        .into_any(),
    };
    let row = |place: EnginePlace| {
        view! {
            <tr>
                <th scope="row"><code class="clip" title=place.endpoint.clone()>{place.endpoint.clone()}</code></th>
                <td>{place.why}</td>
                <td class="rest" title=place.found.clone()>{place.found.clone()}</td>
            </tr>
        }
    };
    let rows = move || others.get().into_iter().map(row).collect_view();
    view! {
        <Panel title=engine::TITLE>
            <div class="engine-used">{used}</div>
            <Show when=move || others.with(|others| !others.is_empty())>
                <div class="table-scroll">
                    <table class="rows engines" aria-label=engine::WHERE_ELSE>
                        <thead>
                            <tr>
                                <th scope="col">{engine::OTHER_PLACES}</th>
                                <th scope="col">{engine::NAMED_BY}</th>
                                <th scope="col">{engine::FOUND}</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </Show>
        </Panel>
    }
}
