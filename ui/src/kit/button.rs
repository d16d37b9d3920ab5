use leptos::prelude::*;

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

/// A button with words.
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
    /// What it does.
    #[prop(into)]
    press: Callback<()>,
    children: Children,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class=look.class()
            id=id
            aria-label=label
            disabled=disabled
            on:click=move |_| press.run(())
        >
            {children()}
        </button>
    }
}
