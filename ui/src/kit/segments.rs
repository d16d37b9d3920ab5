use leptos::prelude::*;

/// One of a few, all in sight: radio buttons in a row.
#[component]
pub(crate) fn Segments<T>(
    /// What is chosen.
    label: &'static str,
    /// A name of its own on the page.
    name: &'static str,
    /// What there is to choose from, with its words.
    options: Vec<(T, &'static str)>,
    /// What is chosen now.
    chosen: RwSignal<T>,
) -> impl IntoView
where
    T: Copy + PartialEq + Send + Sync + 'static,
{
    let options = options
        .into_iter()
        .map(|(option, words)| {
            view! {
                <label>
                    <input
                        type="radio"
                        name=name
                        prop:checked=move || chosen.get() == option
                        on:change=move |_| chosen.set(option)
                    />
                    <span>{words}</span>
                </label>
            }
        })
        .collect_view();
    view! {
        <fieldset class="segments">
            <legend class="unseen">{label}</legend>
            {options}
        </fieldset>
    }
}
