//! How far the panes of a page are scrolled, read and brought back.

use std::time::Duration;

use leptos::prelude::*;
use nasiko_client::window::Scrolls;
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{Element, Event, MutationObserver, MutationObserverInit};

use super::document;

/// What scrolls in a page. A pane is known by its label; the page's own has none.
const PANES: &str = "#content :is(.page-body, .updates-page, .virtual, .table-scroll, .thread)";
/// Marks a pane that goes on to show its end while it is there.
const FOLLOWS: &str = "data-follows";
/// Pixels from its end within which a pane is there.
const NEAR_END: i32 = 20;
/// What a person does to scroll somewhere else.
const OWN_WAYS: [&str; 4] = ["wheel", "pointerdown", "keydown", "click"];
/// What arrives later, or is read again later, is not waited for.
const LIMIT: Duration = Duration::from_secs(60);

/// How far the panes are scrolled. Left out are those at their beginning, and those that follow their end.
pub(crate) fn scrolls() -> Scrolls {
    let mut scrolls = Scrolls::new();
    for (label, pane) in panes() {
        let top = pane.scroll_top();
        let below = pane.scroll_height() - pane.client_height() - top;
        if top > 0 && !(below < NEAR_END && pane.has_attribute(FOLLOWS)) {
            scrolls.entry(label).or_insert(top);
        }
    }
    scrolls
}

/// Tells whenever a pane is scrolled, for as long as the page lives.
pub(crate) fn on_scroll(told: impl Fn() + 'static) {
    let Some(document) = document() else {
        return;
    };
    let heard = Closure::<dyn Fn(Event)>::new(move |event: Event| {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        if target.is_some_and(|target| target.matches(PANES).unwrap_or(false)) {
            told();
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

/// Panes on their way back to where they were.
#[derive(Clone, Copy)]
pub(crate) struct WayBack {
    /// Where they are to be, until it is over.
    wanted: StoredValue<Scrolls>,
    watch: StoredValue<Option<Watch>, LocalStorage>,
}

/// Tells of changes in the page.
struct Watch {
    observer: MutationObserver,
    _told: Closure<dyn Fn()>,
}

impl WayBack {
    /// That to `scrolls`, for when it begins.
    pub(crate) fn to(scrolls: Scrolls) -> Self {
        Self {
            wanted: StoredValue::new(scrolls),
            watch: StoredValue::new_local(None),
        }
    }

    /// Where the panes are to be; empty once it is over.
    pub(crate) fn wanted(self) -> Scrolls {
        self.wanted.get_value()
    }

    /// Scrolls each pane as far as there is something in it, and again whenever it changes: lists arrive after their page, read on
    /// as they are scrolled, are read again when the window is seen, and may follow their end until they were scrolled.
    /// Over when the person does something, after [`LIMIT`], and when the current owner goes. The page must be in the
    /// document by now.
    pub(crate) fn begin(self) {
        let content = document().and_then(|document| document.get_element_by_id("content"));
        let is_open = self.wanted.with_value(|wanted| !wanted.is_empty());
        let Some(content) = content.filter(|_| is_open) else {
            return self.give_up();
        };
        self.watch
            .set_value(Watch::over(&content, move || self.go_on()));
        let resized = window_event_listener_untyped("resize", move |_| self.go_on());
        let ways = OWN_WAYS.map(|way| window_event_listener_untyped(way, move |_| self.give_up()));
        let limit = set_timeout_with_handle(move || self.give_up(), LIMIT).ok();
        on_cleanup(move || {
            self.give_up();
            resized.remove();
            for way in ways {
                way.remove();
            }
            if let Some(limit) = limit {
                limit.clear();
            }
        });
        self.go_on();
    }

    /// Leaves the panes where they are.
    pub(crate) fn give_up(self) {
        self.wanted.update_value(Scrolls::clear);
        self.watch.set_value(None);
    }

    /// Scrolls what is not there as far as it can be: at once, so that nothing is seen elsewhere first.
    pub(crate) fn go_on(self) {
        if self.watch.with_value(Option::is_none) {
            return;
        }
        let wanted = self.wanted.get_value();
        for (label, pane) in panes() {
            if let Some(top) = wanted.get(&label)
                && pane.scroll_top() != *top
            {
                pane.set_scroll_top(*top);
            }
        }
    }
}

impl Watch {
    fn over(content: &Element, told: impl Fn() + 'static) -> Option<Self> {
        let told = Closure::<dyn Fn()>::new(told);
        let observer = MutationObserver::new(told.as_ref().unchecked_ref()).ok()?;
        let wanted = MutationObserverInit::new();
        wanted.set_child_list(true);
        wanted.set_subtree(true);
        // Virtual lists grow by their style.
        wanted.set_attributes(true);
        observer.observe_with_options(content, &wanted).ok()?;
        Some(Self {
            observer,
            _told: told,
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// The panes of the page with their labels, outer ones before what is in them.
fn panes() -> impl Iterator<Item = (String, Element)> {
    let found = document().and_then(|document| document.query_selector_all(PANES).ok());
    let nodes = found.into_iter().flat_map(|found| {
        (0..found.length()).filter_map(move |at| found.get(at)?.dyn_into::<Element>().ok())
    });
    nodes.map(|pane| (pane.get_attribute("aria-label").unwrap_or_default(), pane))
}
