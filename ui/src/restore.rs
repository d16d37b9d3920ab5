//! Where the person is in the pages, told to the window's process, so that the next window goes on there: page, scroll and
//! what was begun to be written. A browser does that itself.

use leptos::{ev, prelude::*, task::spawn_local};
use leptos_router::hooks::use_location;
use nasiko_client::window::{PageState, Zoom};

use crate::{
    actions::{Action, Actions},
    browser,
    desk::Desk,
    model::actions::Group,
    shell::Shell,
};

/// Milliseconds between two tellings: keys and scrolling come often.
const PAUSE: u64 = 250;

/// A copyable handle to what is kept.
#[derive(Clone, Copy)]
pub(crate) struct Restore {
    before: StoredValue<PageState>,
    now: StoredValue<PageState>,
    told: StoredValue<PageState>,
    waiting: StoredValue<bool>,
}

impl Restore {
    /// Begins with where the person was, and hands it down.
    pub(crate) fn provide(before: PageState) -> Self {
        let restore = Self {
            now: StoredValue::new(before.clone()),
            told: StoredValue::new(before.clone()),
            before: StoredValue::new(before),
            waiting: StoredValue::new(false),
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
        self.change(|state| state.drafts = written);
    }

    fn change(self, change: impl FnOnce(&mut PageState)) {
        if !Shell::is_present() {
            return;
        }
        self.now.update_value(change);
        if !self.waiting.get_value() {
            self.tell();
        }
    }

    /// Tells what has changed, and once more what changes within [`PAUSE`].
    fn tell(self) {
        let state = self.now.get_value();
        if self.told.with_value(|told| *told == state) {
            self.waiting.set_value(false);
            return;
        }
        self.told.set_value(state.clone());
        self.waiting.set_value(true);
        spawn_local(async move {
            // What is too much to keep is still in the page.
            let _not_kept = Shell::remember(&state).await;
        });
        set_timeout(move || self.tell(), std::time::Duration::from_millis(PAUSE));
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
    let (path, scroll) = restore
        .before
        .with_value(|before| (before.path.clone(), before.scroll));
    if scroll > 0.0 && untrack(shown) == path {
        let owner = Owner::new();
        owner.with(|| browser::scroll::bring_back(scroll));
        // Another page is scrolled by its own. The router tells where it is once more when it begins.
        Effect::watch(
            shown,
            move |now, _, _| {
                if *now != path {
                    owner.cleanup();
                }
            },
            false,
        );
    }
    Effect::new(move || {
        let path = shown();
        restore.change(|state| {
            if state.path != path {
                *state = PageState {
                    path,
                    scroll: 0.0,
                    drafts: std::mem::take(&mut state.drafts),
                };
            }
        });
    });
    browser::scroll::on_scroll(move |top| restore.change(|state| state.scroll = top));
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
                Ok(percent) => desk.say(format!("Zoom {percent} %")),
                Err(fault) => desk.report(fault),
            }
        });
    };
    Actions::get().offer(
        [
            ("zoom.in", "Zoom in", Zoom::In),
            ("zoom.out", "Zoom out", Zoom::Out),
            ("zoom.reset", "Zoom to 100 %", Zoom::Reset),
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
