use leptos::{ev::KeyboardEvent, ev::SubmitEvent, prelude::*};
use nasiko_contract::{AgentName, AgentState};

use crate::{
    browser,
    desk::Desk,
    kit::Button,
    pages::chat::Shown,
    words::{chat as words, common},
};

/// Lines that the field grows to; beyond it scrolls.
const MOST_LINES: usize = 8;

/// Where the person writes. Enter sends, Shift and Enter begins a line.
#[component]
pub(crate) fn Composer(
    agent: AgentName,
    conversation: Shown,
    /// What its draft is kept by.
    #[prop(into)]
    kept_as: Signal<String>,
    #[prop(into)] send: Callback<String>,
    #[prop(into)] stop: Callback<()>,
) -> impl IntoView {
    let desk = Desk::get();
    let draft = RwSignal::new(String::new());
    Effect::new(move || draft.set(desk.draft(&kept_as.get())));
    let write = move |text: String| {
        desk.keep_draft(&kept_as.get_untracked(), &text);
        draft.set(text);
    };
    let answering = Memo::new(move |_| {
        conversation
            .get()
            .is_some_and(|chat| chat.with(|chat| chat.answering.is_some()))
    });
    let stopping = Memo::new(move |_| {
        conversation.get().is_some_and(|chat| {
            chat.with(|chat| {
                chat.answering
                    .as_ref()
                    .is_some_and(|answering| answering.cancelling)
            })
        })
    });
    let state = {
        let agent = agent.clone();
        Memo::new(move |_| {
            desk.world
                .with(|world| world.agent(&agent).map(|agent| agent.state))
        })
    };
    let silent = Memo::new(move |_| state.get() != Some(AgentState::Active));
    let submit = move || {
        let text = draft.get_untracked();
        if text.trim().is_empty() || answering.get_untracked() || silent.get_untracked() {
            return;
        }
        write(String::new());
        send.run(text);
    };
    let key = move |event: KeyboardEvent| {
        // Enter that ends an input method's word is not meant for us.
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
            event.prevent_default();
            submit();
        }
    };
    let lines = move || {
        draft
            .with(|draft| draft.matches('\n').count() + 1)
            .min(MOST_LINES)
    };
    let invitation = words::message_to(agent.as_str());
    Effect::new(|| browser::focus("message"));
    view! {
        <Show when=move || silent.get()>
            <p class="composer-note dim">{words::SILENT}</p>
        </Show>
        <form
            class="composer"
            on:submit=move |event: SubmitEvent| {
                event.prevent_default();
                submit();
            }
        >
            <textarea
                id="message"
                rows=move || lines().to_string()
                aria-label=invitation.clone()
                placeholder=invitation
                prop:value=draft
                on:input:target=move |event| write(event.target().value())
                on:keydown=key
            ></textarea>
            <Show
                when=move || answering.get()
                fallback=move || {
                    view! {
                        <button type="submit" class="button primary" id="send" disabled=silent>
                            {words::SEND}
                        </button>
                    }
                }
            >
                <Button id="stop" disabled=stopping press=stop>
                    {common::STOP}
                </Button>
            </Show>
        </form>
    }
}
