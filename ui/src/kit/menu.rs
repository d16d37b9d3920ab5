use leptos::{ev::KeyboardEvent, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{FocusEvent, Node};

use crate::{
    kit::{Glyph, Icon},
    words::kit as words,
};

/// A button that opens a list below it. Closed by Escape, by a choice, and when the keyboard goes elsewhere.
#[component]
pub(crate) fn Menu(
    /// The words of the button.
    #[prop(into)]
    title: Signal<String>,
    /// What it opens, for screen readers.
    label: &'static str,
    /// The list; made anew each time it opens.
    #[prop(into)]
    list: ViewFn,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let element = NodeRef::<html::Div>::new();
    let opener = NodeRef::<html::Button>::new();
    // The keyboard goes back before the list, which has it, is taken away.
    let close = move || {
        if let Some(opener) = opener.get_untracked() {
            let _not_focusable = opener.focus();
        }
        open.set(false);
    };
    let leave = move |event: FocusEvent| {
        let next = event
            .related_target()
            .and_then(|target| target.dyn_into::<Node>().ok());
        // Also told of a menu that is being taken away.
        let inside = element
            .try_get_untracked()
            .flatten()
            .is_some_and(|element| element.contains(next.as_ref()));
        if !inside {
            open.set(false);
        }
    };
    let key = move |event: KeyboardEvent| {
        if event.key() == "Escape" && open.get_untracked() {
            event.prevent_default();
            close();
        }
    };
    let expanded = move || if open.get() { "true" } else { "false" };
    view! {
        <div class="menu" node_ref=element on:focusout=leave on:keydown=key>
            <button
                type="button"
                node_ref=opener
                class="button flat small menu-button"
                aria-label=move || title.with(|title| words::opens(title, label))
                aria-haspopup="true"
                aria-expanded=expanded
                on:click=move |_| open.update(|open| *open = !*open)
            >
                <span class="clip">{title}</span>
                <Icon glyph=Glyph::Chevron />
            </button>
            <Show when=move || open.get()>
                <div class="menu-list" tabindex="-1" on:click=move |_| close()>
                    {list.run()}
                </div>
            </Show>
        </div>
    }
}
