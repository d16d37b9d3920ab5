//! How far a page is scrolled, told and brought back.

use leptos::prelude::{
    Dispose, SetValue, StoredValue, UpdateValue, WithValue, on_cleanup,
    window_event_listener_untyped,
};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{Element, Event, MutationObserver, MutationObserverInit};

use super::document;

/// What scrolls in a page, the page itself before what is in it. A conversation follows its end by itself.
const PANES: &str = "#content .page-body, #content .virtual, #content .table-scroll";
/// What a person does to scroll somewhere else.
const OWN_WAYS: [&str; 3] = ["wheel", "pointerdown", "keydown"];

/// Tells how far the main pane of the page is scrolled whenever that changes, for as long as the page lives.
pub(crate) fn on_scroll(told: impl Fn(f64) + 'static) {
    let Some(document) = document() else {
        return;
    };
    let heard = Closure::<dyn Fn(Event)>::new(move |event: Event| {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        if let Some(pane) = target.filter(|target| target.matches(PANES).unwrap_or(false)) {
            told(f64::from(pane.scroll_top()));
        }
    });
    // Scrolling does not rise from an element to the document, but passes it on its way down.
    let _always_added = document.add_event_listener_with_callback_and_bool(
        "scroll",
        heard.as_ref().unchecked_ref(),
        true,
    );
    heard.forget();
}

/// Scrolls the main pane that far as soon as there is so much in it. Gives up when the person scrolls first, and when the
/// caller's owner goes.
pub(crate) fn bring_back(top: f64) {
    let Some(content) = document().and_then(|document| document.get_element_by_id("content"))
    else {
        return;
    };
    let observer = StoredValue::new_local(None::<MutationObserver>);
    let stop = move || {
        let _gone = observer.try_update_value(|observer| {
            if let Some(observer) = observer.take() {
                observer.disconnect();
            }
        });
    };
    let grown = Closure::<dyn Fn()>::new(move || {
        if scroll(top) {
            stop();
        }
    });
    let wanted = MutationObserverInit::new();
    wanted.set_child_list(true);
    wanted.set_subtree(true);
    // Virtual lists grow by their style.
    wanted.set_attributes(true);
    if let Ok(made) = MutationObserver::new(grown.as_ref().unchecked_ref()) {
        let _always_observed = made.observe_with_options(&content, &wanted);
        observer.set_value(Some(made));
    }
    // A window that is still hidden has no room; when it is shown, nothing in the page changes.
    let shown = window_event_listener_untyped("resize", move |_| {
        if observer.with_value(Option::is_some) && scroll(top) {
            stop();
        }
    });
    let ways = OWN_WAYS.map(|way| window_event_listener_untyped(way, move |_| stop()));
    let grown = StoredValue::new_local(grown);
    on_cleanup(move || {
        stop();
        grown.dispose();
        shown.remove();
        for way in ways {
            way.remove();
        }
    });
}

/// Scrolls the first pane that can be; whether there was one.
fn scroll(top: f64) -> bool {
    let panes = PANES.split(", ");
    let mut panes = panes.filter_map(|pane| document()?.query_selector(pane).ok()?);
    let pane = panes.find(|pane| {
        let below = pane.scroll_height() - pane.client_height();
        pane.client_height() > 0 && f64::from(below) + 1.0 >= top
    });
    #[expect(
        clippy::cast_possible_truncation,
        reason = "in whole pixels; a browser takes the nearest place that there is"
    )]
    pane.inspect(|pane| pane.set_scroll_top(top as i32))
        .is_some()
}
