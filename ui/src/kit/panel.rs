use leptos::prelude::*;

/// A pane with a heading.
#[component]
pub(crate) fn Panel(
    /// Its heading.
    #[prop(into)]
    title: String,
    /// Beside the heading, quieter.
    #[prop(optional)]
    aside: Option<Children>,
    /// For styles.
    #[prop(optional)]
    class: &'static str,
    children: Children,
) -> impl IntoView {
    let label = title.clone();
    view! {
        <section class=format!("panel {class}") aria-label=label>
            <header class="panel-head">
                <h2>{title}</h2>
                {aside.map(|aside| aside())}
            </header>
            {children()}
        </section>
    }
}
