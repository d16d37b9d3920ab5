use std::sync::Arc;

use leptos::{ev::KeyboardEvent, prelude::*};
use nasiko_contract::{AgentName, Update};

use crate::{
    desk::Desk,
    kit::{Button, Empty, Look, VirtualList},
    model::{format, updates::step_to},
    pages::updates::{
        Chosen, Open,
        row::{UpdateRow, row_id},
    },
    words::updates::list as words,
};

/// A row's height in pixels; the styles say the same.
const ROW: f64 = 48.0;

/// The saves, newest first. Up and down choose one, Escape goes back to the newest.
#[component]
pub(crate) fn UpdateList(
    agent: AgentName,
    rows: Memo<Vec<Arc<Update>>>,
    chosen: Chosen,
    /// The chosen one is kept; else it is always the newest.
    held: Memo<bool>,
    open: Open,
    failures_only: RwSignal<bool>,
) -> impl IntoView {
    let desk = Desk::get();
    // Only the keyboard brings a row into sight: what arrives above moves nothing.
    let reveal = RwSignal::new(None::<usize>);
    let follow = move |()| {
        reveal.set(Some(0));
        open.run(None);
    };
    let key = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            return follow(());
        }
        let id = chosen.with_untracked(|chosen| chosen.as_ref().map(|chosen| chosen.id.clone()));
        let goal = rows.with_untracked(|rows| {
            let at = rows.iter().position(|row| Some(&row.id) == id.as_ref());
            let goal = step_to(&event.key(), at, rows.len())?;
            Some((goal, rows.get(goal)?.id.clone()))
        });
        if let Some((at, id)) = goal {
            event.prevent_default();
            reveal.set(Some(at));
            open.run(Some(id));
        }
    };
    let active =
        Signal::derive(move || chosen.with(|chosen| chosen.as_ref().map(|it| row_id(&it.id))));
    let is_empty = Memo::new(move |_| rows.with(Vec::is_empty));
    let told = move || format::count(rows.with(Vec::len) as u64);
    let older = {
        let agent = agent.clone();
        Memo::new(move |_| {
            desk.live.with(|live| {
                live.agent(&agent)
                    .is_some_and(|known| known.older.is_some())
            })
        })
    };
    let label = words::label(agent.as_str());
    let is_same: fn(&Arc<Update>, &Arc<Update>) -> bool = |one, other| one.id == other.id;
    let list = move || {
        view! {
            <VirtualList
                rows=rows
                row_height=ROW
                role="listbox"
                label=label.clone()
                class="updates"
                reveal=reveal
                active=active
                same=is_same
                draw=move |update| view! { <UpdateRow update=update chosen=chosen open=open /> }
            />
        }
    };
    let agent = StoredValue::new(agent);
    view! {
        <section class="panel list" aria-label=words::TITLE on:keydown=key>
            <header class="panel-head filter">
                <h2>{words::TITLE}</h2>
                <em class="figure">{told}</em>
                <span class="grow"></span>
                <Show when=move || held.get()>
                    <Button look=Look::Flat press=follow>
                        {words::SHOW_NEWEST}
                    </Button>
                </Show>
                <label class="check">
                    <input
                        type="checkbox"
                        on:change:target=move |event| failures_only.set(event.target().checked())
                    />
                    {words::FAILURES_ONLY}
                </label>
            </header>
            <Show
                when=move || !is_empty.get()
                fallback=|| view! { <Empty title=words::NONE_FAILED /> }
            >
                {list.clone()()}
            </Show>
            <Show when=move || older.get()>
                <footer class="list-foot">
                    <Button press=move |()| desk.read_older_updates(agent.get_value())>{words::OLDER}</Button>
                </footer>
            </Show>
        </section>
    }
}
