use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use nasiko_client::context::{Color, Context, ContextChange};
use nasiko_contract::Fault;

use crate::{
    desk::Desk,
    kit::{Button, ConfirmDialog, Look, Modal, Sentence},
    pages::{
        context::Contexts,
        settings::{
            contexts::add::{ColorOptions, Field},
            field::Why,
        },
    },
    shell::Shell,
    words::{common, contexts as words},
};

/// What a person is asked about a context.
#[derive(Clone, Copy, Default)]
pub(super) struct Asked {
    /// Which one.
    about: RwSignal<Option<Context>>,
    editing: RwSignal<bool>,
    removing: RwSignal<bool>,
}

impl Asked {
    /// What it is to be called and shown in.
    pub(super) fn edit(self, context: Context) {
        self.about.set(Some(context));
        self.editing.set(true);
    }

    /// Whether it is to be forgotten.
    pub(super) fn remove(self, context: Context) {
        self.about.set(Some(context));
        self.removing.set(true);
    }
}

/// Name and colour of a context.
#[component]
pub(super) fn EditDialog(asked: Asked) -> impl IntoView {
    let title = Signal::derive(move || {
        let about = asked.about.get();
        about.map_or_else(String::new, |context| words::edit(context.name.as_str()))
    });
    // Made anew for each context.
    let form = move || {
        let context = asked.about.get()?;
        Some(view! { <EditForm context=context open=asked.editing /> })
    };
    view! {
        <Modal open=asked.editing close=move |()| asked.editing.set(false) label=title>
            <h2>{title}</h2>
            {form}
        </Modal>
    }
}

#[component]
fn EditForm(context: Context, open: RwSignal<bool>) -> impl IntoView {
    let contexts = Contexts::get();
    let name = RwSignal::new(context.name.to_string());
    let color = RwSignal::new(context.color.as_str().to_owned());
    let fault = RwSignal::new(None::<Fault>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let of = context.name.clone();
        let change = ContextChange {
            name: Some(name.get_untracked().trim().to_owned()),
            color: Color::of(&color.get_untracked()),
        };
        spawn_local(async move {
            match Shell::edit_context(&of, &change).await {
                Ok(list) => {
                    open.set(false);
                    contexts.put(list);
                }
                Err(why) => {
                    let _gone = fault.try_set(Some(why));
                }
            }
        });
    };
    view! {
        <form class="dialog-text" on:submit=submit>
            <Field id="edited-name" label=words::NAME hint="" value=name />
            <label class="field">
                <span>{words::COLOR}</span>
                <select id="edited-color" on:change:target=move |event| color.set(event.target().value())>
                    <ColorOptions chosen=Some(context.color) />
                </select>
            </label>
            <div class="setting-fault" role="alert"><Why fault=fault /></div>
            <div class="actions end">
                <Button press=move |()| open.set(false)>{common::CANCEL}</Button>
                <button id="context-save" type="submit" class=Look::Primary.class()>{words::SAVE}</button>
            </div>
        </form>
    }
}

/// Asks before a context is forgotten.
#[component]
pub(super) fn RemoveDialog(asked: Asked) -> impl IntoView {
    let desk = Desk::get();
    let contexts = Contexts::get();
    let confirm = move |()| {
        let Some(context) = asked.about.get_untracked() else {
            return;
        };
        spawn_local(async move {
            match Shell::remove_context(&context.name).await {
                Ok(list) => {
                    contexts.put(list);
                    desk.say(words::removed(context.name.as_str()));
                }
                Err(fault) => desk.report(fault),
            }
        });
    };
    let what = move || {
        let context = asked.about.get()?;
        let removal = words::removal(context.name.as_str(), &context.place.to_string());
        Some(view! { <p><Sentence text=removal /></p> })
    };
    view! {
        <ConfirmDialog open=asked.removing title=words::REMOVE_TITLE action=common::REMOVE id="context-remove" confirm=confirm>
            {what}
        </ConfirmDialog>
    }
}
