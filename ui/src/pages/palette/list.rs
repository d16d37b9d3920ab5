use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    actions::Actions,
    desk::Desk,
    kit::{Empty, Keys, Marked, StateBadge, VirtualList},
    model::{
        fuzzy::Pattern,
        palette::{Entry, Row, Section, Subject},
        tone,
    },
    pages::palette::State,
    words::palette as words,
};

/// A row's height in pixels; the styles say the same.
const ROW: f64 = 34.0;

/// What was found.
#[component]
pub(super) fn Results(state: State, run: Callback<Arc<Entry>>) -> impl IntoView {
    let State {
        typed,
        rows,
        active,
        ..
    } = state;
    let pattern = Memo::new(move |_| Pattern::new(&typed.get()));
    // Drawn anew with each letter: the same entries may be found by others.
    let numbered = Memo::new_with_compare(
        move |_| {
            pattern.track();
            rows.with(|rows| rows.iter().cloned().enumerate().collect::<Vec<_>>())
        },
        |_, _| true,
    );
    let nothing = Memo::new(move |_| rows.with(Vec::is_empty));
    let total = Memo::new(move |_| rows.with(Vec::len));
    let reveal = Memo::new(move |_| {
        let at = active.get();
        // With its heading, where it is the first.
        Some(if at == 1 { 0 } else { at })
    });
    let draw = move |(at, row): (usize, Row)| match row {
        Row::Head(section, all, shown) => {
            view! { <Head section=section all=all shown=shown /> }.into_any()
        }
        Row::Item(entry) => {
            let marked = pattern.with_untracked(|pattern| entry.marked(pattern));
            let meant = Arc::clone(&entry);
            view! {
                <div
                    id=format!("palette-{at}")
                    class="palette-row"
                    role="option"
                    aria-selected=move || if active.get() == at { "true" } else { "false" }
                    aria-setsize=total.get_untracked().to_string()
                    aria-posinset=(at + 1).to_string()
                    on:mousemove=move |_| {
                        if active.get_untracked() != at {
                            active.set(at);
                        }
                    }
                    on:click=move |_| run.run(Arc::clone(&meant))
                >
                    <Item entry=entry marked=marked />
                </div>
            }
            .into_any()
        }
    };
    let draw = StoredValue::new(draw);
    move || {
        if nothing.get() {
            return view! { <Empty title=words::NOTHING>{words::NOTHING_TEXT}</Empty> }.into_any();
        }
        view! {
            <VirtualList
                id="palette-list"
                rows=numbered
                row_height=ROW
                draw=move |row| draw.with_value(|draw| draw(row))
                reveal=reveal
                role="listbox"
                label=words::FOUND
                class="palette-list"
            />
        }
        .into_any()
    }
}

#[component]
fn Head(section: Section, all: usize, shown: usize) -> impl IntoView {
    let many = (all > shown).then(|| words::shown_of(shown, all));
    view! {
        <div class="palette-head" role="presentation">
            {section.words()}
            {many.map(|many| view! { <small>{many}</small> })}
        </div>
    }
}

/// Its words, what is said beside them, and at the end its state or shortcut.
#[component]
fn Item(entry: Arc<Entry>, marked: [Vec<(bool, String)>; 2]) -> impl IntoView {
    let (desk, actions) = (Desk::get(), Actions::get());
    let [words, aside] = marked;
    let last = match &entry.subject {
        Subject::Agent(name) => {
            let state = desk
                .world
                .with_untracked(|world| world.agent(name).map(tone::agent));
            state.map(|(tone, word)| view! { <StateBadge tone=tone word=word /> }.into_any())
        }
        Subject::Action(id) => {
            let id = id.clone();
            let shortcut = Signal::derive(move || actions.shortcut(&id));
            Some(view! { <Keys shortcut=shortcut /> }.into_any())
        }
        Subject::Deed(deed, _) if entry.words == deed.words() => {
            let id = deed.id();
            let shortcut = Signal::derive(move || actions.shortcut(id));
            Some(view! { <Keys shortcut=shortcut /> }.into_any())
        }
        _ => None,
    };
    view! {
        <span class="palette-words clip">
            <Marked pieces=words />
        </span>
        <span class="palette-aside clip">
            <Marked pieces=aside />
        </span>
        {last}
    }
}
