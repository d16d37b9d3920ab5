use leptos::{ev::SubmitEvent, prelude::*};
use nasiko_contract::StackDown;

use crate::{
    kit::{Button, Look, Modal, Sentence},
    model::stack,
    pages::stack::view::StackView,
    words::{
        common,
        stack::{self as page_words, down as words},
    },
};

/// Takes the stack down. With its volumes only after the project's name was typed: what they hold is then gone.
#[component]
pub(super) fn DownDialog(page: StackView, open: RwSignal<bool>) -> impl IntoView {
    let volumes = RwSignal::new(false);
    let typed = RwSignal::new(String::new());
    let project = Memo::new(move |_| {
        page.stack
            .with(|stack| stack.as_ref().map(|stack| stack.project.clone()))
            .unwrap_or_default()
    });
    let named = Memo::new(move |_| {
        page.stack
            .with(|stack| stack.as_ref().map(|stack| stack.volumes.clone()))
            .unwrap_or_default()
    });
    let what_goes = move || {
        page.stack
            .with(|stack| stack.as_ref().map(stack::what_goes))
    };
    let close = move |()| {
        open.set(false);
        volumes.set(false);
        typed.set(String::new());
    };
    let ready =
        Memo::new(move |_| !volumes.get() || typed.with(|typed| typed.trim() == project.get()));
    let decide = move || {
        if ready.get_untracked() {
            page.desk.start(StackDown {
                volumes: volumes.get_untracked(),
                ..StackDown::default()
            });
            close(());
        }
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        decide();
    };
    let action = move || {
        if volumes.get() {
            words::with_volumes(named.with(Vec::len))
        } else {
            page_words::TAKE_DOWN.to_owned()
        }
    };
    let names = move || {
        let names = named.get().into_iter();
        names
            .map(|name| view! { <li><code>{name}</code></li> })
            .collect_view()
    };
    let type_to_go_on =
        move || project.with(|project| view! { <Sentence text=words::type_to_go_on(project) /> });
    let some = Memo::new(move |_| named.with(|named| !named.is_empty()));
    view! {
        <Modal open=open close=close label=words::LABEL>
            <form class="down-form" on:submit=submit>
                <h2>{words::TITLE}</h2>
                <div class="dialog-text">
                    <p>{what_goes} " " {move || (!volumes.get()).then_some(words::VOLUMES_STAY)}</p>
                </div>
                <Show when=move || some.get()>
                    <label class="check">
                        <input
                            id="stack-volumes"
                            type="checkbox"
                            prop:checked=volumes
                            on:change:target=move |event| volumes.set(event.target().checked())
                        />
                        {words::DELETE_VOLUMES}
                    </label>
                </Show>
                <Show when=move || volumes.get()>
                    <div class="down-volumes">
                        <p>{words::VOLUMES_ARE_DELETED}</p>
                        <ul>{names}</ul>
                        <label class="field">
                            <span>{type_to_go_on}</span>
                            <input
                                id="stack-project"
                                class="mono"
                                type="text"
                                autocomplete="off"
                                spellcheck="false"
                                prop:value=typed
                                on:input:target=move |event| typed.set(event.target().value())
                            />
                        </label>
                    </div>
                </Show>
                <div class="actions end">
                    <Button press=close>{common::KEEP}</Button>
                    <button
                        id="stack-down-confirm"
                        type="submit"
                        class=move || if volumes.get() { Look::Danger.class() } else { Look::Primary.class() }
                        disabled=move || !ready.get()
                    >
                        {action}
                    </button>
                </div>
            </form>
        </Modal>
    }
}
