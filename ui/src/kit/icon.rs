//! Icons as paths on a 16 by 16 grid, drawn for this product. Always beside a word, so hidden from screen readers.

use leptos::prelude::*;

/// Which icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Glyph {
    Home,
    Agents,
    Activity,
    Chat,
    Logs,
    Traces,
    Stack,
    Settings,
    Doctor,
    Registry,
    Inbox,
    Add,
    Chevron,
    Close,
    Copy,
}

impl Glyph {
    fn path(self) -> &'static str {
        match self {
            Self::Home => "m2 7.2 6-5 6 5v6.3a.5.5 0 0 1-.5.5H10V10H6v4H2.5a.5.5 0 0 1-.5-.5z",
            Self::Agents => {
                "M4.5 4.5h7a2 2 0 0 1 2 2v4a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-4a2 2 0 0 1 2-2zM8 4.5V2M5.8 8v1M10.2 8v1"
            }
            Self::Chat => "M2.5 3.5h11v7.5H8l-3 2.5v-2.5H2.5z",
            Self::Logs => {
                "M3 2.5h10a.5.5 0 0 1 .5.5v10a.5.5 0 0 1-.5.5H3a.5.5 0 0 1-.5-.5V3a.5.5 0 0 1 .5-.5zM5.5 6l2 2-2 2M8.5 10.5h2.5"
            }
            Self::Activity => "M2 8h3l2-5 2.5 10L11.5 8H14",
            Self::Traces => "M2 4h7M4 8h8M7 12h7",
            Self::Stack => "m8 2 6 3-6 3-6-3zM2 8l6 3 6-3M2 11l6 3 6-3",
            Self::Registry => "M3 3.5h10v9H3zM3 6.5h10M6 9h4",
            Self::Inbox => "M2.5 9.5 4 3.5h8l1.5 6v3.5h-11zM2.5 9.5h3.4l1 1.6h2.2l1-1.6h3.4",
            Self::Doctor => "M6 2.5h4V6h3.5v4H10v3.5H6V10H2.5V6H6z",
            Self::Settings => "M3 5h6M12 5h1M3 11h1M7 11h6M10.5 3.5v3M5.5 9.5v3",
            Self::Add => "M8 3v10M3 8h10",
            Self::Chevron => "m4.5 6.2 3.5 3.6 3.5-3.6",
            Self::Close => "m4 4 8 8M12 4l-8 8",
            Self::Copy => {
                "M6.5 5.5h6a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-6a1 1 0 0 1-1-1v-6a1 1 0 0 1 1-1zM3.5 10.5h-.4a.6.6 0 0 1-.6-.6V3.1c0-.3.3-.6.6-.6h6.8c.3 0 .6.3.6.6v.4"
            }
        }
    }
}

/// Draws an icon in the colour of its text.
#[component]
pub(crate) fn Icon(glyph: Glyph) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path d=glyph.path() />
        </svg>
    }
}
