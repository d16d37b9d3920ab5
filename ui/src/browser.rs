//! The few things asked of the browser itself. Every one of them may be refused (private mode, no permission): then the
//! page goes on without.

mod files;
pub(crate) mod keys;
mod save;
pub(crate) mod scroll;

use js_sys::{Array, Date};
use leptos::prelude::{StoredValue, WithValue, on_cleanup};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use web_sys::{
    Document, Element, HtmlElement, IntersectionObserver, IntersectionObserverEntry, Window,
};

use crate::model::format;

pub(crate) use files::{chosen, dropped, read};
pub(crate) use save::save;

fn window() -> Option<Window> {
    web_sys::window()
}

fn document() -> Option<Document> {
    window()?.document()
}

/// Unix milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "JavaScript's time is a whole number of milliseconds"
)]
pub(crate) fn now() -> i64 {
    Date::now() as i64
}

/// A moment (Unix milliseconds) as a clock in the person's time zone.
#[expect(
    clippy::cast_possible_truncation,
    reason = "an offset is a whole number of minutes"
)]
pub(crate) fn clock(at: i64, exact: bool) -> String {
    let offset = Date::new(&JsValue::from_f64(at as f64)).get_timezone_offset() as i64;
    format::clock(at - offset * 60_000, exact)
}

/// A moment with its day, for titles.
pub(crate) fn date_and_time(at: i64) -> String {
    let date = Date::new(&JsValue::from_f64(at as f64));
    format!(
        "{:04}-{:02}-{:02} {}",
        date.get_full_year(),
        date.get_month() + 1,
        date.get_date(),
        clock(at, false)
    )
}

/// Names the page in the window's title.
pub(crate) fn set_title(title: &str) {
    if let Some(document) = document() {
        document.set_title(title);
    }
}

/// Reads what was remembered on this machine.
pub(crate) fn recall(key: &str) -> Option<String> {
    window()?.local_storage().ok()??.get_item(key).ok()?
}

/// Remembers something on this machine.
pub(crate) fn remember(key: &str, value: &str) {
    if let Some(Ok(Some(storage))) = window().map(|window| window.local_storage()) {
        let _full_or_refused = storage.set_item(key, value);
    }
}

/// Sets an attribute of the root element, e.g. the theme.
pub(crate) fn set_root_attribute(name: &str, value: &str) {
    if let Some(root) = document().and_then(|document| document.document_element()) {
        let _invalid_name = root.set_attribute(name, value);
    }
}

/// An attribute of the root element.
pub(crate) fn root_attribute(name: &str) -> Option<String> {
    document()?.document_element()?.get_attribute(name)
}

/// A media query.
pub(crate) fn media_query(query: &str) -> Option<web_sys::MediaQueryList> {
    window()?.match_media(query).ok()?
}

/// Gives the keyboard focus to an element.
pub(crate) fn focus(id: &str) {
    let element = document().and_then(|document| document.get_element_by_id(id));
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _not_focusable = element.focus();
    }
}

/// Puts text into the clipboard; says whether that worked.
pub(crate) async fn copy(text: &str) -> bool {
    let clipboard = window().map(|window| window.navigator().clipboard());
    // Pages without a secure context have none, whatever the type says.
    match clipboard.filter(|clipboard| !clipboard.is_undefined()) {
        Some(clipboard) => wasm_bindgen_futures::JsFuture::from(clipboard.write_text(text))
            .await
            .is_ok(),
        None => false,
    }
}

/// Whether the page is in sight: not in another tab, minimised, or left behind by a navigation.
pub(crate) fn is_visible() -> bool {
    document().is_none_or(|document| !document.hidden())
}

/// Calls `changed` whenever the page comes into sight or goes out of it, for as long as it lives.
pub(crate) fn on_visibility(changed: impl Fn() + 'static) {
    let Some(document) = document() else {
        return;
    };
    let changed = Closure::<dyn Fn()>::new(changed);
    let callback = changed.as_ref().unchecked_ref();
    let _always_added = document.add_event_listener_with_callback("visibilitychange", callback);
    changed.forget();
}

/// Tells whenever an element comes into sight or goes out of it, until the owner goes.
pub(crate) fn watch_sight(element: &Element, changed: impl Fn(bool) + 'static) {
    let told = Closure::<dyn Fn(Array)>::new(move |entries: Array| {
        // The last of several is how it is now.
        if let Ok(entry) = entries.pop().dyn_into::<IntersectionObserverEntry>() {
            changed(entry.is_intersecting());
        }
    });
    let Ok(observer) = IntersectionObserver::new(told.as_ref().unchecked_ref()) else {
        return;
    };
    observer.observe(element);
    let held = StoredValue::new_local((observer, told));
    on_cleanup(move || {
        let _gone = held.try_with_value(|(observer, _)| observer.disconnect());
    });
}

/// Loads the program anew, at its first page.
pub(crate) fn begin_anew() {
    if let Some(window) = window() {
        let _refused = window.location().assign("/");
    }
}

/// Loads the page again.
pub(crate) fn reload() {
    if let Some(window) = window() {
        let _refused = window.location().reload();
    }
}

/// The path of the page's address.
pub(crate) fn path() -> Option<String> {
    window()?.location().pathname().ok()
}

/// The path of the first link below `prefix` in the row, or whatever holds such a link, at a place of the page.
pub(crate) fn link_at(x: f64, y: f64, prefix: &str) -> Option<String> {
    let links = format!("a[href^='{prefix}']");
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a place in the page, in whole pixels"
    )]
    let element = document()?.element_from_point(x as f32, y as f32)?;
    let row = element.closest("tr, li, [role='row']").ok()??;
    row.query_selector(&links).ok()??.get_attribute("href")
}

/// Milliseconds since the page was opened, with parts of one.
#[cfg(any(test, feature = "fixtures"))]
pub(crate) fn passed() -> f64 {
    window()
        .and_then(|window| window.performance())
        .map_or(0.0, |performance| performance.now())
}

/// Notes this moment for whoever measures.
pub(crate) fn mark(name: &str) {
    if let Some(performance) = window().and_then(|window| window.performance()) {
        let _full = performance.mark(name);
    }
}

/// Notes the time since a mark for whoever measures.
pub(crate) fn measure(name: &str, since: &str) {
    if let Some(performance) = window().and_then(|window| window.performance()) {
        let _no_such_mark = performance.measure_with_start_mark(name, since);
    }
}

/// The query of the page's address.
#[cfg_attr(
    not(feature = "fixtures"),
    expect(dead_code, reason = "only fixtures ask")
)]
pub(crate) fn query() -> String {
    window()
        .and_then(|window| window.location().search().ok())
        .unwrap_or_default()
}

/// Tells `boot.js` that the application stands: its own messages give way.
pub(crate) fn started() {
    tell("nasiko-started", "");
}

/// Tells `boot.js` that the program broke, so that a report can be copied.
pub(crate) fn crashed(report: &str) {
    web_sys::console::error_1(&report.into());
    tell("nasiko-crashed", report);
}

fn tell(name: &str, detail: &str) {
    let init = web_sys::CustomEventInit::new();
    init.set_detail(&detail.into());
    let event = web_sys::CustomEvent::new_with_event_init_dict(name, &init);
    if let (Some(window), Ok(event)) = (window(), event) {
        let _always_delivered = window.dispatch_event(&event);
    }
}
