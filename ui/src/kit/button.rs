use leptos::prelude::*;

use crate::{actions::Actions, kit::keys::tooltip};

/// How much a button asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Look {
    /// One of several.
    #[default]
    Plain,
    /// The one that is meant; at most one in sight.
    Primary,
    /// Beside the point.
    Flat,
    /// Destroys something.
    Danger,
}

impl Look {
    /// The class that the styles know it by.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Plain => "button",
            Self::Primary => "button primary",
            Self::Flat => "button flat",
            Self::Danger => "button danger",
        }
    }
}

/// A button with words. One that cannot be pressed keeps the keyboard: who has pressed it does not lose their place.
#[component]
pub(crate) fn Button(
    #[prop(optional)] look: Look,
    /// It cannot be pressed now.
    #[prop(into, optional)]
    disabled: Signal<bool>,
    /// Its name for screen readers, where the words need their surroundings.
    #[prop(into, optional)]
    label: Option<String>,
    /// For tests and styles.
    #[prop(into, optional)]
    id: Option<String>,
    /// The action of the catalogue that it stands for: its shortcut is told to who rests on it.
    #[prop(optional)]
    action: Option<&'static str>,
    /// What it does.
    #[prop(into)]
    press: Callback<()>,
    children: Children,
) -> impl IntoView {
    let actions = action.and_then(|_| use_context::<Actions>());
    let title = move || Some(tooltip(actions?, action?));
    let keys = move || actions?.shortcut(action?)?.aria(actions?.mac);
    view! {
        <button
            type="button"
            class=look.class()
            id=id
            title=title
            aria-keyshortcuts=keys
            aria-label=label
            aria-disabled=move || disabled.get().then_some("true")
            on:click=move |_| {
                if !disabled.get_untracked() {
                    press.run(());
                }
            }
        >
            {children()}
        </button>
    }
}
