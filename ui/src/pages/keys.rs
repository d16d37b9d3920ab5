//! The sheet of all shortcuts, and where they are changed.

mod capture;
mod settings;

use leptos::prelude::*;

use crate::{
    actions::Actions,
    kit::{Empty, Keys, Modal},
    model::{
        actions::{KNOWN, Known, Place},
        fuzzy::{Haystack, Pattern, Scratch},
    },
    words::{common, keys as words},
};

pub(crate) use settings::KeyboardSettings;

/// Where actions can be done, in the order of the sheet: this page first.
const PLACES: [Place; 4] = [Place::Agent, Place::Chat, Place::Logs, Place::Everywhere];

/// All shortcuts of this page and of all pages.
#[component]
pub(crate) fn KeySheet() -> impl IntoView {
    let actions = Actions::get();
    let close = move |()| actions.sheet.set(false);
    view! {
        <Modal open=actions.sheet close=close label=words::TITLE class="wide-dialog key-sheet">
            <Show when=move || actions.sheet.get()>
                <Sheet />
            </Show>
        </Modal>
    }
}

#[component]
fn Sheet() -> impl IntoView {
    let actions = Actions::get();
    let typed = RwSignal::new(String::new());
    let wanted = Memo::new(move |_| {
        let now = actions.now();
        let pattern = Pattern::new(&typed.get());
        let mut scratch = Scratch::default();
        let wanted = |known: &&Known| {
            let there =
                known.place == Place::Everywhere || now.iter().any(|action| action.id == known.id);
            let shortcut = actions.shortcut(known.id);
            let text =
                shortcut.map(|shortcut| format!("{} {}", known.words, shortcut.words(actions.mac)));
            text.is_some_and(|text| {
                there && pattern.score(&Haystack::new(&text), &mut scratch).is_some()
            })
        };
        KNOWN.iter().filter(wanted).copied().collect::<Vec<Known>>()
    });
    let part = move |place: Place| {
        let rows = wanted.with(|wanted| {
            let here = wanted.iter().filter(|known| known.place == place);
            here.map(|known| view! { <KeyRow known=*known /> })
                .collect::<Vec<_>>()
        });
        (!rows.is_empty()).then(|| {
            view! {
                <section class="key-group">
                    <h3>{place.words()}</h3>
                    <dl>{rows}</dl>
                </section>
            }
        })
    };
    let none = move || {
        wanted
            .with(Vec::is_empty)
            .then(|| view! { <Empty title=words::NONE /> })
    };
    let settings = move |_| actions.sheet.set(false);
    view! {
        <header class="key-sheet-head">
            <h2>{words::TITLE}</h2>
            <input
                type="search"
                autofocus
                aria-label=words::SEARCH_SHORTCUTS
                placeholder=common::SEARCH
                on:input:target=move |event| typed.set(event.target().value())
            />
            <span class="grow"></span>
            <a class="button flat" href="/settings/keyboard" on:click=settings>
                {words::CHANGE}
            </a>
        </header>
        <div class="key-groups" tabindex="0" role="group" aria-label=words::SHORTCUTS>
            {move || PLACES.map(part).collect_view()}
            {none}
        </div>
    }
}

#[component]
fn KeyRow(known: Known) -> impl IntoView {
    let actions = Actions::get();
    let shortcut = Signal::derive(move || actions.shortcut(known.id));
    view! {
        <div>
            <dt>{told(&known)}</dt>
            <dd><Keys shortcut=shortcut /></dd>
        </div>
    }
}

/// Its words, with what makes them understood outside of their group.
fn told(known: &Known) -> String {
    use crate::model::actions::Group;
    match known.group {
        Group::Go => words::go_to(known.words),
        _ => known.words.to_owned(),
    }
}
