//! Every component of the kit in every state, and the tokens: to be looked at, and to be checked by programs.

mod content;
mod controls;
mod data;
mod measure;
mod states;
mod tokens;

use leptos::prelude::*;

use crate::browser;

/// The gallery. Nothing on it does anything.
#[component]
pub(crate) fn GalleryPage() -> impl IntoView {
    browser::set_title("Gallery · Nasiko");
    view! {
        <header class="page-head">
            <h1>"Gallery"</h1>
            <span class="sub">"Every component in every state"</span>
        </header>
        <div class="page-body gallery">
            <tokens::Tokens />
            <Group title="Controls">
                <controls::Buttons />
                <controls::Fields />
                <controls::Choices />
            </Group>
            <Group title="States">
                <states::Badges />
                <states::Progresses />
                <states::Absences />
            </Group>
            <Group title="Content">
                <content::Texts />
                <content::Findings />
                <content::Above />
            </Group>
            <Group title="Data">
                <data::Figures />
                <data::Tables />
                <data::Courses />
            </Group>
            <measure::Measures />
        </div>
    }
}

#[component]
fn Group(title: &'static str, children: Children) -> impl IntoView {
    view! {
        <section class="gallery-group" aria-label=title>
            <h2>{title}</h2>
            <div class="specimens">{children()}</div>
        </section>
    }
}

/// One component in its states.
#[component]
fn Specimen(
    /// The component's name.
    name: &'static str,
    /// It takes the whole width.
    #[prop(optional)]
    wide: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <article class="specimen" class:wide=wide aria-label=name data-component=name>
            <h3>{name}</h3>
            <div class="specimen-states">{children()}</div>
        </article>
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_shows_at_least_thirty_components() {
        let parts = [
            include_str!("gallery/controls.rs"),
            include_str!("gallery/states.rs"),
            include_str!("gallery/content.rs"),
            include_str!("gallery/data.rs"),
        ];
        let shown: usize = parts
            .iter()
            .map(|part| part.matches("<Specimen name=").count())
            .sum();
        assert!(shown >= 30, "{shown}");
    }
}
