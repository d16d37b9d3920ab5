//! How the pages look: light, dark, of high contrast, or as the system has it; roomy or compact.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, prelude::Closure};

use crate::{browser, words::appearance as words};

/// Where the choices are remembered; `boot.js` reads the theme too, before the first frame.
const THEME: &str = "nasiko.theme";
const DENSITY: &str = "nasiko.density";
/// What the system is asked.
const WANTS_DARK: &str = "(prefers-color-scheme: dark)";
const WANTS_CONTRAST: &str = "(prefers-contrast: more)";

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
    /// Of high contrast, on light ground.
    ContrastLight,
    /// Of high contrast, on dark ground.
    ContrastDark,
}

impl Theme {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [
        Self::System,
        Self::Light,
        Self::Dark,
        Self::ContrastLight,
        Self::ContrastDark,
    ];

    /// The choice that a key stands for.
    pub(crate) fn from_key(key: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|theme| theme.key() == key).unwrap_or_default()
    }

    /// What it is remembered by; `boot.js` knows these, too.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
            Self::ContrastLight => "High contrast, light",
            Self::ContrastDark => "High contrast, dark",
        }
    }

    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::System => words::SYSTEM,
            Self::Light => words::LIGHT,
            Self::Dark => words::DARK,
            Self::ContrastLight => words::CONTRAST_LIGHT,
            Self::ContrastDark => words::CONTRAST_DARK,
        }
    }

    /// What the styles know it by, on a system that wants `dark` and `contrast`.
    fn attribute(self, dark: bool, contrast: bool) -> &'static str {
        match (self, dark, contrast) {
            (Self::Light, ..) | (Self::System, false, false) => "light",
            (Self::Dark, ..) | (Self::System, true, false) => "dark",
            (Self::ContrastLight, ..) | (Self::System, false, true) => "contrast",
            (Self::ContrastDark, ..) | (Self::System, true, true) => "contrast-dark",
        }
    }
}

/// How close rows stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Density {
    /// With room.
    #[default]
    Roomy,
    /// More of them in sight.
    Compact,
}

impl Density {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Roomy, Self::Compact];

    /// The choice that a key stands for.
    pub(crate) fn from_key(key: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|density| density.key() == key).unwrap_or_default()
    }

    /// What it is remembered by.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Roomy => "Roomy",
            Self::Compact => "Compact",
        }
    }

    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Roomy => words::ROOMY,
            Self::Compact => words::COMPACT,
        }
    }
}

/// The choices of this machine.
#[derive(Clone, Copy)]
pub(crate) struct Appearance {
    /// The theme.
    pub(crate) theme: RwSignal<Theme>,
    /// How close rows stand.
    pub(crate) density: RwSignal<Density>,
}

impl Appearance {
    /// Takes up what is remembered, hands it down, and from now on shows and remembers each other choice.
    pub(crate) fn provide() {
        let remembered = |key: &str| browser::recall(key).unwrap_or_default();
        let appearance = Self {
            theme: RwSignal::new(Theme::from_key(&remembered(THEME))),
            density: RwSignal::new(Density::from_key(&remembered(DENSITY))),
        };
        provide_context(appearance);
        let (dark, contrast) = (wanted(WANTS_DARK), wanted(WANTS_CONTRAST));
        Effect::new(move || {
            let chosen = appearance.theme.get();
            browser::remember(THEME, chosen.key());
            let shown = chosen.attribute(dark.get(), contrast.get());
            browser::set_root_attribute("data-theme", shown);
        });
        Effect::new(move || {
            let chosen = appearance.density.get();
            browser::remember(DENSITY, chosen.key());
            let shown = chosen.key().to_lowercase();
            browser::set_root_attribute("data-density", &shown);
        });
    }

    /// The choices of this machine.
    pub(crate) fn get() -> Self {
        expect_context()
    }
}

/// Whether the system wants something, now and from now on.
fn wanted(query: &str) -> RwSignal<bool> {
    let query = browser::media_query(query);
    let wanted = RwSignal::new(query.as_ref().is_some_and(web_sys::MediaQueryList::matches));
    if let Some(query) = query {
        let watched = query.clone();
        let changed = Closure::<dyn Fn()>::new(move || wanted.set(watched.matches()));
        query.set_onchange(Some(changed.as_ref().unchecked_ref()));
        // For as long as the page lives.
        changed.forget();
    }
    wanted
}

#[cfg(test)]
mod tests;
