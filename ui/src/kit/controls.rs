use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusEvent};

use crate::browser;

/// Controls that give way to others, as Stop does to Start. Who had the keyboard at one of them has it at the one of the same
/// id that came instead, else at the first that is there; where none is left, the page has it.
#[component]
pub(crate) fn Controls(
    /// For styles; without one the controls stand as if nothing were around them.
    #[prop(default = "controls")]
    class: &'static str,
    /// Follows what decides which controls there are.
    follow: impl Fn() + 'static,
    children: Children,
) -> impl IntoView {
    let element = NodeRef::<html::Div>::new();
    // The id of the control that has the keyboard, empty for one without.
    let held = StoredValue::new(None::<String>);
    let come = move |event: FocusEvent| {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        held.set_value(target.map(|target| target.id()));
    };
    let leave = move |event: FocusEvent| {
        // What is taken away hands the keyboard to nobody.
        if event.related_target().is_some() {
            held.set_value(None);
        }
    };
    Effect::new(move || {
        follow();
        // They are drawn by the next frame.
        request_animation_frame(move || {
            let held = held.try_get_value().flatten();
            if let (Some(id), Some(Some(element))) = (held, element.try_get_untracked()) {
                browser::keys::hand_on(&element, &id);
            }
        });
    });
    view! {
        <div class=class node_ref=element on:focusin=come on:focusout=leave>
            {children()}
        </div>
    }
}
