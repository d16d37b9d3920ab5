use leptos::prelude::*;

/// Something to type that is not shown.
#[component]
pub(crate) fn SecretField(
    /// None where several may be on a page.
    #[prop(optional)]
    id: Option<&'static str>,
    word: &'static str,
    /// What an address looks like, where it is one: it may hold a password.
    #[prop(optional)]
    address: Option<&'static str>,
    text: RwSignal<String>,
) -> impl IntoView {
    view! {
        <label class="field">
            <span>{word}</span>
            <input
                id=id
                class=address.map(|_| "mono")
                type="password"
                autocomplete="off"
                placeholder=address
                prop:value=text
                on:input:target=move |event| text.set(event.target().value())
            />
        </label>
    }
}
