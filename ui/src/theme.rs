//! Light, dark, or as the system has it.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, prelude::Closure};

use crate::browser;

/// Where the choice is remembered; `boot.js` reads it too, before the first frame.
const KEY: &str = "nasiko.theme";

/// A person's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Theme {
    /// As the system has it, and changing with it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// All of them, with their words.
    pub(crate) const ALL: [(Self, &'static str); 3] = [
        (Self::System, "System"),
        (Self::Light, "Light"),
        (Self::Dark, "Dark"),
    ];

    /// The choice that a word stands for.
    pub(crate) fn from_word(word: &str) -> Self {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == word)
            .map_or(Self::System, |(theme, _)| *theme)
    }

    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    fn is_dark(self, system_dark: bool) -> bool {
        match self {
            Self::System => system_dark,
            Self::Light => false,
            Self::Dark => true,
        }
    }
}

/// Gives the remembered choice, and from now on shows and remembers each other one.
pub(crate) fn use_theme() -> RwSignal<Theme> {
    let theme = RwSignal::new(Theme::from_word(&browser::recall(KEY).unwrap_or_default()));
    let query = browser::dark_query();
    let system_dark = RwSignal::new(query.as_ref().is_some_and(web_sys::MediaQueryList::matches));
    if let Some(query) = query {
        let watched = query.clone();
        let changed = Closure::<dyn Fn()>::new(move || system_dark.set(watched.matches()));
        query.set_onchange(Some(changed.as_ref().unchecked_ref()));
        // For as long as the page lives.
        changed.forget();
    }
    Effect::new(move || {
        let chosen = theme.get();
        browser::remember(KEY, chosen.word());
        let dark = chosen.is_dark(system_dark.get());
        browser::set_root_attribute("data-theme", if dark { "dark" } else { "light" });
    });
    theme
}
