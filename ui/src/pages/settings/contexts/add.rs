use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use nasiko_client::context::{Color, NewContext};
use nasiko_contract::Fault;

use crate::{
    desk::Desk,
    kit::Look,
    pages::{context::Contexts, settings::field::Why},
    shell::Shell,
    words::contexts as words,
};

/// A line of fields that adds a context.
#[component]
pub(super) fn AddForm() -> impl IntoView {
    let desk = Desk::get();
    let contexts = Contexts::get();
    let name = RwSignal::new(String::new());
    let place = RwSignal::new(String::new());
    let token_file = RwSignal::new(String::new());
    let color = RwSignal::new(String::new());
    let fault = RwSignal::new(None::<Fault>);
    let busy = RwSignal::new(false);
    let is_address = Memo::new(move |_| place.with(|place| NewContext::is_address(place)));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let file = token_file.get_untracked().trim().to_owned();
        let context = NewContext {
            name: name.get_untracked().trim().to_owned(),
            place: place.get_untracked().trim().to_owned(),
            token_file: Some(file).filter(|file| is_address.get_untracked() && !file.is_empty()),
            color: Color::of(&color.get_untracked()),
        };
        busy.set(true);
        spawn_local(async move {
            let outcome = Shell::add_context(&context).await;
            let _gone = busy.try_set(false);
            let refused = match outcome {
                Ok(list) => {
                    contexts.put(list);
                    desk.say(words::added(&context.name));
                    for field in [name, place, token_file, color] {
                        let _gone = field.try_set(String::new());
                    }
                    None
                }
                Err(why) => Some(why),
            };
            let _gone = fault.try_set(refused);
        });
    };
    let incomplete = Signal::derive(move || {
        let is_empty = |field: RwSignal<String>| field.with(|text| text.trim().is_empty());
        busy.get() || is_empty(name) || is_empty(place)
    });
    view! {
        <form class="context-form" aria-label=words::ADD_TITLE on:submit=submit>
            <Field id="context-name" label=words::NAME hint="" value=name />
            <Field id="context-place" label=words::PLACE hint=words::PLACE_HINT value=place />
            <Show when=move || is_address.get()>
                <Field id="context-token" label=words::TOKEN_FILE hint=words::TOKEN_FILE_HINT value=token_file />
            </Show>
            <label class="field">
                <span>{words::COLOR}</span>
                <select id="context-color" prop:value=color on:change:target=move |event| color.set(event.target().value())>
                    <option value="">{words::FREE_COLOR}</option>
                    <ColorOptions chosen=None />
                </select>
            </label>
            <button id="context-add" type="submit" class=Look::Primary.class() disabled=incomplete>{words::ADD}</button>
            <div id="context-fault" class="setting-fault" role="alert"><Why fault=fault /></div>
            <p class="context-note dim">{words::ABOUT_PLACES}</p>
        </form>
    }
}

/// A field of text.
#[component]
pub(super) fn Field(
    id: &'static str,
    label: &'static str,
    hint: &'static str,
    value: RwSignal<String>,
) -> impl IntoView {
    view! {
        <label class="field">
            <span>{label}</span>
            <input
                id=id
                class="mono"
                type="text"
                autocomplete="off"
                spellcheck="false"
                placeholder=hint
                aria-describedby="context-fault"
                prop:value=value
                on:input:target=move |event| value.set(event.target().value())
            />
        </label>
    }
}

/// All colours.
#[component]
pub(super) fn ColorOptions(chosen: Option<Color>) -> impl IntoView {
    Color::ALL
        .into_iter()
        .map(|color| {
            view! { <option value=color.as_str() selected=chosen == Some(color)>{words::color(color)}</option> }
        })
        .collect_view()
}
