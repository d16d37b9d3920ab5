use leptos::prelude::*;
use leptos_router::components::A;

/// A tab that is a page of its own.
pub(crate) struct Tab {
    /// Its words.
    pub(crate) word: &'static str,
    /// Its address.
    pub(crate) href: String,
    /// It stands for its address alone, not for what is below it.
    pub(crate) exact: bool,
}

/// Tabs as links: each is a page, so each can be opened, kept and gone back from.
#[component]
pub(crate) fn Tabs(
    /// Of what.
    #[prop(into)]
    label: String,
    tabs: Vec<Tab>,
) -> impl IntoView {
    let tabs = tabs
        .into_iter()
        .map(|tab| {
            view! {
                <A href=tab.href exact=tab.exact>
                    {tab.word}
                </A>
            }
        })
        .collect_view();
    view! {
        <nav class="tabs" aria-label=label>
            {tabs}
        </nav>
    }
}
