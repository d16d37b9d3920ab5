//! The command palette: finds actions, agents, conversations, traces and services, and does what is chosen.

mod list;
mod more;
mod sources;

use std::sync::Arc;

use leptos::{ev::KeyboardEvent, prelude::*};

use crate::{
    actions::{Actions, do_deed, do_with_service},
    browser,
    desk::Desk,
    kit::{Keys, Modal},
    model::{
        keys::Shortcut,
        palette::{Entry, Index, Row, Subject},
    },
    pages::palette::{list::Results, more::more_of, sources::Sources},
    words::palette as words,
};

/// The palette, wherever one is. Nothing of it is kept while it is closed.
#[component]
pub(crate) fn Palette() -> impl IntoView {
    let actions = Actions::get();
    let close = move |()| actions.palette.set(false);
    view! {
        <Modal open=actions.palette close=close label=words::TITLE class="palette">
            <Show when=move || actions.palette.get()>
                <Opened />
            </Show>
        </Modal>
    }
}

/// What the palette holds while it is open.
#[derive(Clone, Copy)]
struct State {
    typed: RwSignal<String>,
    /// What more is asked about, instead of everything.
    of: RwSignal<Option<Arc<Entry>>>,
    rows: Memo<Vec<Row>>,
    /// The row that Enter means.
    active: RwSignal<usize>,
}

impl State {
    fn chosen(self) -> Option<Arc<Entry>> {
        self.rows
            .with_untracked(|rows| match rows.get(self.active.get_untracked()) {
                Some(Row::Item(entry)) => Some(Arc::clone(entry)),
                _ => None,
            })
    }

    /// Goes on by `step` entries, over headings, round the ends.
    fn step(self, step: isize) {
        self.rows.with_untracked(|rows| {
            let items: Vec<usize> = (0..rows.len())
                .filter(|at| matches!(rows[*at], Row::Item(_)))
                .collect();
            let at = items
                .iter()
                .position(|at| *at == self.active.get_untracked());
            let many = isize::try_from(items.len()).unwrap_or(isize::MAX);
            if many == 0 {
                return;
            }
            let at = at.and_then(|at| isize::try_from(at).ok()).unwrap_or(-1);
            let next = if step.abs() == 1 {
                (at + step).rem_euclid(many)
            } else {
                (at + step).clamp(0, many - 1)
            };
            if let Some(row) = usize::try_from(next).ok().and_then(|next| items.get(next)) {
                self.active.set(*row);
            }
        });
    }
}

/// Entries that one page of keys goes over.
const PAGE: isize = 8;

#[component]
fn Opened() -> impl IntoView {
    let (desk, actions) = (Desk::get(), Actions::get());
    let sources = Sources::read(desk, actions);
    let typed = RwSignal::new(String::new());
    let of = RwSignal::new(None::<Arc<Entry>>);
    let rows = Memo::new(move |_| {
        let recent = actions.recent.get_untracked();
        browser::mark("palette.find");
        let rows = of.with(|of| match of {
            Some(entry) => Index::new(Vec::new(), more_of(desk, entry)).find(&typed.get(), &recent),
            None => sources
                .index
                .with(|index| index.find(&typed.get(), &recent)),
        });
        browser::measure("palette.find", "palette.find");
        rows
    });
    let active = RwSignal::new(1);
    // The first entry is meant, whatever is found.
    Effect::new(move || {
        rows.track();
        active.set(1);
    });
    let state = State {
        typed,
        of,
        rows,
        active,
    };
    let run = Callback::new(move |entry: Arc<Entry>| {
        actions.palette.set(false);
        do_chosen(desk, actions, &entry.subject);
    });
    let key = move |event: KeyboardEvent| {
        if handle(actions, state, run, &event) {
            event.prevent_default();
        }
    };
    let chip = move || {
        of.get()
            .map(|entry| view! { <span class="palette-of clip">{entry.words.clone()}</span> })
    };
    let invitation = move || {
        if of.with(Option::is_some) {
            words::INVITATION_OF_ONE
        } else {
            words::INVITATION
        }
    };
    let many = move || {
        rows.with(|rows| {
            rows.iter()
                .filter(|row| matches!(row, Row::Item(_)))
                .count()
        })
    };
    view! {
        <div class="palette-body" on:keydown=key>
            <div class="palette-field">
                {chip}
                <input
                    id="palette-input"
                    type="text"
                    role="combobox"
                    autofocus
                    autocomplete="off"
                    spellcheck="false"
                    aria-label=words::TITLE
                    aria-autocomplete="list"
                    aria-expanded="true"
                    aria-controls="palette-list"
                    aria-activedescendant=move || format!("palette-{}", active.get())
                    placeholder=invitation
                    prop:value=typed
                    on:input:target=move |event| typed.set(event.target().value())
                />
            </div>
            <Results state=state run=run />
            <p class="unseen" role="status">
                {move || words::found(many())}
            </p>
            <Foot />
        </div>
    }
}

/// What a key does in the palette; whether it was meant for it.
fn handle(
    actions: Actions,
    state: State,
    run: Callback<Arc<Entry>>,
    event: &KeyboardEvent,
) -> bool {
    if event.is_composing() {
        return false;
    }
    let opens = actions
        .keymap
        .with_untracked(|keymap| keymap.of("palette.open"));
    let pressed = browser::keys::chord(event, actions.mac)
        .filter(|chord| !chord.writes())
        .and_then(|chord| Shortcut::new(vec![chord]));
    if pressed.is_some() && pressed == opens {
        actions.palette.set(false);
        return true;
    }
    match event.key().as_str() {
        "ArrowDown" => state.step(1),
        "ArrowUp" => state.step(-1),
        "PageDown" => state.step(PAGE),
        "PageUp" => state.step(-PAGE),
        "Enter" => {
            if let Some(entry) = state.chosen() {
                run.run(entry);
            }
        }
        "Tab" => {
            let entry = state
                .chosen()
                .filter(|_| state.of.with_untracked(Option::is_none));
            if let Some(entry) = entry.filter(|entry| more::has_more(&entry.subject)) {
                state.typed.set(String::new());
                state.of.set(Some(entry));
            }
        }
        "Backspace" if state.typed.with_untracked(String::is_empty) => state.of.set(None),
        // One step back before it is closed.
        "Escape" if state.of.with_untracked(Option::is_some) => state.of.set(None),
        _ => return false,
    }
    true
}

fn do_chosen(desk: Desk, actions: Actions, subject: &Subject) {
    if let Subject::Action(id) = subject {
        actions.run(id);
        return;
    }
    actions.used(subject);
    match subject {
        Subject::Action(_) => {}
        Subject::Agent(name) => actions.go(format!("/agents/{name}")),
        Subject::Deed(deed, name) => do_deed(desk, actions, *deed, name),
        Subject::Conversation(id) => actions.go(format!("/chat/{id}")),
        Subject::Trace(id) => actions.go(format!("/traces/{id}")),
        Subject::Service(name) => actions.go(format!("/stack/logs/{name}")),
        Subject::ServiceDeed(deed, name) => do_with_service(desk, actions, *deed, name),
    }
}

#[component]
fn Foot() -> impl IntoView {
    let one = |(key, word): (&'static str, &'static str)| view! { <span><kbd>{key}</kbd> " " {word}</span> };
    let actions = Actions::get();
    let help = Signal::derive(move || actions.shortcut("help.keys"));
    view! {
        <footer class="palette-foot">
            {words::KEYS.map(one).collect_view()}
            <span class="grow"></span>
            <span><Keys shortcut=help /> " " {words::ALL_SHORTCUTS}</span>
        </footer>
    }
}
