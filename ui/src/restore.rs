//! Where the person is in the pages, told to the window's process, so that the next window goes on there: page, scroll and
//! what was begun to be written. A browser does that itself.

use leptos::{ev, prelude::*, task::spawn_local};
use leptos_router::hooks::use_location;
use nasiko_client::window::{PageState, Zoom};

use crate::{
    actions::{Action, Actions},
    browser::{self, scroll::WayBack},
    desk::Desk,
    model::actions::Group,
    shell::Shell,
    words::appearance as words,
};

/// A copyable handle to what is kept.
#[derive(Clone, Copy)]
pub(crate) struct Restore {
    before: StoredValue<PageState>,
    path: StoredValue<String>,
    drafts: StoredValue<String>,
    way_back: WayBack,
    told: StoredValue<PageState>,
    /// A telling is under way.
    tells: StoredValue<bool>,
}

impl Restore {
    /// Begins with where the person was, and hands it down.
    pub(crate) fn provide(before: PageState) -> Self {
        let restore = Self {
            path: StoredValue::new(before.path.clone()),
            drafts: StoredValue::new(before.drafts.clone()),
            way_back: WayBack::to(before.scrolls.clone()),
            told: StoredValue::new(before.clone()),
            before: StoredValue::new(before),
            tells: StoredValue::new(false),
        };
        provide_context(restore);
        restore
    }

    /// That of this page.
    pub(crate) fn get() -> Self {
        expect_context()
    }

    /// The drafts that were kept, as they were written down; empty where there are none, and in a browser.
    pub(crate) fn drafts(self) -> String {
        self.before.with_value(|before| before.drafts.clone())
    }

    /// Keeps the drafts.
    pub(crate) fn keep_drafts(self, written: String) {
        self.drafts.set_value(written);
        self.tell();
    }

    /// Tells how things stand, unless that is known; one telling at a time, so that what comes often is told as often as it can be,
    /// and what comes last is told at once.
    fn tell(self) {
        if !Shell::is_present() || self.tells.get_value() {
            return;
        }
        let state = self.state();
        if self.told.with_value(|told| *told == state) {
            return;
        }
        self.told.set_value(state.clone());
        self.tells.set_value(true);
        spawn_local(async move {
            // What is too much to keep is still in the page.
            let _not_kept = Shell::remember(&state).await;
            self.tells.set_value(false);
            self.tell();
        });
    }

    fn state(self) -> PageState {
        // A window that is closed before all is where it was shall not forget that.
        let mut scrolls = browser::scroll::scrolls();
        scrolls.extend(self.way_back.wanted());
        PageState {
            path: self.path.get_value(),
            scrolls,
            drafts: self.drafts.get_value(),
        }
    }
}

/// Follows where the person goes, brings back where they were, and listens for the keys of the window's zoom.
#[component]
pub(crate) fn Whereabouts() -> impl IntoView {
    if !Shell::is_present() {
        return;
    }
    let restore = Restore::get();
    let location = use_location();
    let shown = move || {
        format!(
            "{}{}",
            location.pathname.get(),
            search(&location.search.get())
        )
    };
    // Of its own, since the effect's ends whenever the router tells where it is.
    let owner = Owner::new();
    // An effect runs when the page is in the document.
    Effect::watch(
        shown,
        move |now, earlier, _| {
            let is_there = restore.before.with_value(|before| before.path == *now);
            match (is_there, earlier) {
                (true, None) => owner.with(|| restore.way_back.begin()),
                (true, Some(_)) => {}
                // Another page is scrolled by its own.
                (false, _) => {
                    owner.cleanup();
                    restore.way_back.give_up();
                }
            }
            restore.path.set_value(now.clone());
            // By then the panes are those of this page.
            request_animation_frame(move || restore.tell());
        },
        true,
    );
    browser::scroll::on_scroll(move || {
        restore.way_back.go_on();
        restore.tell();
    });
    offer_zoom();
}

/// The query as it stands in an address.
fn search(search: &str) -> String {
    match search.trim_start_matches('?') {
        "" => String::new(),
        search => format!("?{search}"),
    }
}

/// The window zooms by the keys that browsers have for it, and by the palette.
fn offer_zoom() {
    let desk = Desk::get();
    let zoom = move |change: Zoom| {
        spawn_local(async move {
            match Shell::zoom(change).await {
                Ok(percent) => desk.say(words::zoom(percent)),
                Err(fault) => desk.report(fault),
            }
        });
    };
    Actions::get().offer(
        [
            ("zoom.in", words::ZOOM_IN, Zoom::In),
            ("zoom.out", words::ZOOM_OUT, Zoom::Out),
            ("zoom.reset", words::ZOOM_RESET, Zoom::Reset),
        ]
        .map(|(id, words, change)| {
            Action::made(id, words, Group::Appearance, move || zoom(change))
        }),
    );
    let pressed = window_event_listener(ev::keydown, move |event| {
        if !(event.ctrl_key() || event.meta_key()) || event.alt_key() {
            return;
        }
        let change = match event.key().as_str() {
            "+" | "=" => Zoom::In,
            "-" | "_" => Zoom::Out,
            "0" => Zoom::Reset,
            _ => return,
        };
        event.prevent_default();
        zoom(change);
    });
    on_cleanup(move || pressed.remove());
}
