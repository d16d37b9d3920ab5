//! What the browser says of keys, and of where they are typed.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement, KeyboardEvent};

use crate::model::keys::{Chord, Pressed};

/// Inputs that take no text.
const NO_TEXT: [&str; 8] = [
    "checkbox", "radio", "button", "submit", "reset", "range", "color", "file",
];

/// Whether this machine's command key is Cmd.
pub(crate) fn is_mac() -> bool {
    super::window().is_some_and(|window| {
        let agent = window.navigator().user_agent().unwrap_or_default();
        agent.contains("Mac") || agent.contains("iPhone") || agent.contains("iPad")
    })
}

/// The chord of a key that was pressed; nothing for a modifier, or a key that an input method has taken.
pub(crate) fn chord(event: &KeyboardEvent, mac: bool) -> Option<Chord> {
    if event.is_composing() {
        return None;
    }
    let pressed = Pressed {
        key: event.key(),
        ctrl: event.ctrl_key(),
        meta: event.meta_key(),
        alt: event.alt_key(),
        shift: event.shift_key(),
    };
    Chord::of(&pressed, mac)
}

/// Whether a key goes to something that is written in.
pub(crate) fn goes_to_a_field(event: &KeyboardEvent) -> bool {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    target.is_some_and(|element| match element.tag_name().as_str() {
        "TEXTAREA" | "SELECT" => true,
        "INPUT" => element
            .dyn_ref::<HtmlInputElement>()
            .is_none_or(|input| !NO_TEXT.contains(&input.type_().as_str())),
        _ => element
            .dyn_ref::<HtmlElement>()
            .is_some_and(HtmlElement::is_content_editable),
    })
}

/// Whether something stands above the page and holds the keyboard.
pub(crate) fn dialog_is_open() -> bool {
    let dialog = super::document().map(|document| document.query_selector("dialog[open]"));
    matches!(dialog, Some(Ok(Some(_))))
}

/// Gives the keyboard to an element if nobody has it.
pub(crate) fn focus_unless_held(id: &str) {
    if nobody_holds() {
        super::focus(id);
    }
}

fn nobody_holds() -> bool {
    let held = super::document().and_then(|document| document.active_element());
    held.is_none_or(|element| element.tag_name() == "BODY")
}

/// Gives the keyboard, if nobody has it, to what has `id` inside of `element`, else to the first control there, else to the
/// page.
pub(crate) fn hand_on(element: &Element, id: &str) {
    let is_inside = |id: &str| {
        let named = super::document().and_then(|document| document.get_element_by_id(id));
        named.is_some_and(|named| element.contains(Some(&named)))
    };
    if !id.is_empty() && is_inside(id) {
        focus_unless_held(id);
    }
    if nobody_holds()
        && let Ok(Some(control)) = element.query_selector("button, a[href], input, select")
        && let Ok(control) = control.dyn_into::<HtmlElement>()
    {
        let _not_focusable = control.focus();
    }
    focus_unless_held("content");
}

/// Presses a button.
pub(crate) fn press(id: &str) {
    let element = super::document().and_then(|document| document.get_element_by_id(id));
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        element.click();
    }
}

/// Gives the keyboard to the first element of that kind; whether there is one.
pub(crate) fn focus_first(css: &str) -> bool {
    let element = super::document().and_then(|document| document.query_selector(css).ok()?);
    let element = element.and_then(|element| element.dyn_into::<HtmlElement>().ok());
    element.is_some_and(|element| element.focus().is_ok())
}
