use leptos::prelude::*;

/// A pane with a heading.
#[component]
pub(crate) fn Panel(
    /// Its heading.
    #[prop(into)]
    title: Signal<String>,
    /// Beside the heading, quieter.
    #[prop(optional)]
    aside: Option<Children>,
    /// For styles.
    #[prop(optional)]
    class: &'static str,
    children: Children,
) -> impl IntoView {
    view! {
        <section class=format!("panel {class}") aria-label=title>
            <header class="panel-head">
                <h2>{title}</h2>
                {aside.map(|aside| aside())}
            </header>
            {children()}
        </section>
    }
}
