use leptos::prelude::*;

use crate::{
    actions::Actions,
    kit::{Button, Keys, Look, Panel},
    model::{
        actions::{KNOWN, Known, Place},
        fuzzy::{Haystack, Pattern, Scratch},
        keys::Keymap,
    },
    pages::keys::{
        PLACES,
        capture::{Capture, Captured},
        told,
    },
    words::{common, keys as text},
};

/// All actions with their shortcuts, each of which can be changed. Kept on this machine.
#[component]
pub(crate) fn KeyboardSettings() -> impl IntoView {
    let actions = Actions::get();
    let typed = RwSignal::new(String::new());
    let any_changed = Memo::new(move |_| actions.keymap.with(Keymap::any_changed));
    let unchanged = Signal::derive(move || !any_changed.get());
    let reset = move |()| actions.rebind(|keymap| *keymap = Keymap::default());
    let part = move |place: Place| {
        let wanted = Memo::new(move |_| {
            let pattern = Pattern::new(&typed.get());
            let mut scratch = Scratch::default();
            let mut matches =
                |text: &str| pattern.score(&Haystack::new(text), &mut scratch).is_some();
            let here = KNOWN.iter().filter(|known| known.place == place);
            here.filter(|known| matches(&told(known)))
                .copied()
                .collect::<Vec<Known>>()
        });
        view! {
            <Show when=move || wanted.with(|wanted| !wanted.is_empty())>
                <Panel title=place.words()>
                    <ul class="key-rows">
                        <For
                            each=move || wanted.get()
                            key=|known| known.id
                            children=|known| view! { <Rebind known=known /> }
                        />
                    </ul>
                </Panel>
            </Show>
        }
    };
    let everywhere_first = PLACES.into_iter().rev();
    view! {
        <div class="key-settings">
            <p class="actions">
                <input
                    type="search"
                    aria-label=text::SEARCH_ACTIONS
                    placeholder=common::SEARCH
                    on:input:target=move |event| typed.set(event.target().value())
                />
                <span class="grow"></span>
                <Button id="reset-keys" disabled=unchanged press=reset>
                    {text::RESET_ALL}
                </Button>
            </p>
            {everywhere_first.map(part).collect_view()}
        </div>
    }
}

#[component]
fn Rebind(known: Known) -> impl IntoView {
    let actions = Actions::get();
    let (id, words) = (known.id, known.words);
    let capturing = RwSignal::new(false);
    let shortcut = Signal::derive(move || actions.shortcut(id));
    let changed = Memo::new(move |_| actions.keymap.with(|keymap| keymap.is_changed(id)));
    let conflict = Memo::new(move |_| {
        let others = actions.keymap.with(|keymap| keymap.conflicts(id));
        let others: Vec<String> = others.iter().map(|other| told(other)).collect();
        (!others.is_empty()).then(|| text::also(&others))
    });
    let done = Callback::new(move |captured: Captured| {
        // Leaving the field ends it too.
        if !capturing.get_untracked() {
            return;
        }
        capturing.set(false);
        match captured {
            Captured::Keys(keys) => actions.rebind(|keymap| keymap.set(id, Some(keys))),
            Captured::Nothing => actions.rebind(|keymap| keymap.set(id, None)),
            Captured::Cancelled => {}
        }
    });
    let keys = move || {
        if capturing.get() {
            view! { <Capture words=words done=done /> }.into_any()
        } else {
            view! { <Keys shortcut=shortcut /> }.into_any()
        }
    };
    let collision = move || {
        conflict.get().map(|words| {
            view! {
                <span class="tag busy clip" title=words.clone()>
                    {words.clone()}
                </span>
            }
        })
    };
    view! {
        <li class="key-row" data-action=id>
            <span class="clip">{told(&known)}</span>
            <span class="key-conflict" role="status">
                {collision}
            </span>
            <span class="key-keys">{keys}</span>
            <span class="actions end">
                <Show when=move || changed.get()>
                    <Button
                        look=Look::Flat
                        label=text::reset(words)
                        press=move |()| actions.rebind(|keymap| keymap.reset(id))
                    >
                        {text::RESET}
                    </Button>
                </Show>
                <Button label=text::change(words) press=move |()| capturing.set(true)>
                    {text::CHANGE}
                </Button>
            </span>
        </li>
    }
}
