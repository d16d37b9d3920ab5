use leptos::prelude::*;

/// Something to type that is not shown.
#[component]
pub(crate) fn SecretField(
    /// None where several may be on a page.
    #[prop(optional)]
    id: Option<&'static str>,
    word: &'static str,
    text: RwSignal<String>,
) -> impl IntoView {
    view! {
        <label class="field">
            <span>{word}</span>
            <input
                id=id
                type="password"
                autocomplete="off"
                prop:value=text
                on:input:target=move |event| text.set(event.target().value())
            />
        </label>
    }
}
