use leptos::{html, prelude::*};
use nasiko_contract::{AgentName, MessageId};

use crate::{
    kit::{Empty, ErrorCard, Waiting},
    model::traces::TraceList,
    pages::{
        chat::{
            Shown,
            message::{Arriving, Asked, Message},
            suggestions::Suggestions,
        },
        pins::Pins,
    },
    words::chat::thread as words,
};

/// Pixels from the end within which new text is followed.
const NEAR_END: i32 = 60;

/// What was said, and what is being said.
#[component]
pub(crate) fn Thread(
    agent: AgentName,
    conversation: Shown,
    chosen: RwSignal<Option<MessageId>>,
    traces: RwSignal<TraceList>,
    pins: Pins,
    /// Asks a suggested question.
    ask: Callback<String>,
) -> impl IntoView {
    let element = NodeRef::<html::Div>::new();
    let at_end = StoredValue::new(true);
    let scrolled = move |_| {
        // Told of by a frame that comes when the thread may be gone.
        if let Some(element) = element.try_get_untracked().flatten() {
            let below = element.scroll_height() - element.scroll_top() - element.client_height();
            at_end.set_value(below < NEAR_END);
        }
    };
    // Follows the text while the person is at its end, and shows a question that was just asked.
    Effect::new(move || {
        let Some(conversation) = conversation.get() else {
            return;
        };
        let just_asked = conversation.with(|chat| {
            chat.answering
                .as_ref()
                .is_some_and(|answering| answering.pending_question().is_some())
        });
        if let Some(element) = element.get() {
            // Asked when it is drawn: the thread may have been scrolled since, by the person or to where it was.
            request_animation_frame(move || {
                if just_asked || at_end.try_get_value() == Some(true) {
                    element.set_scroll_top(element.scroll_height());
                }
            });
        }
    });
    let read = move |read: fn(&crate::model::chat::Conversation) -> bool| {
        Memo::new(move |_| conversation.get().is_some_and(|chat| chat.with(read)))
    };
    let answering = read(|chat| chat.answering.is_some());
    let unread = read(|chat| !chat.loaded && chat.messages.is_empty());
    let silent = Memo::new(move |_| {
        conversation.get().is_none_or(|chat| {
            chat.with(|chat| {
                chat.loaded
                    && chat.messages.is_empty()
                    && chat.answering.is_none()
                    && chat.fault.is_none()
            })
        })
    });
    let messages = move || {
        conversation
            .get()
            .map(|chat| chat.with(|chat| chat.messages.clone()))
            .unwrap_or_default()
    };
    let pending = Memo::new(move |_| {
        conversation.get()?.with(|chat| {
            let answering = chat.answering.as_ref()?;
            answering.pending_question().map(str::to_owned)
        })
    });
    let fault = Memo::new(move |_| conversation.get()?.with(|chat| chat.fault.clone()));
    let invitation = words::empty(agent.as_str());
    let agent = StoredValue::new(agent);
    view! {
        <div
            class="thread"
            node_ref=element
            on:scroll=scrolled
            tabindex="0"
            role="log"
            aria-label=words::MESSAGES
            data-follows=""
            aria-busy=move || if answering.get() { "true" } else { "false" }
        >
            <Show when=move || silent.get()>
                <Empty title=invitation.clone()>
                    {words::EMPTY_TEXT}
                    <Suggestions agent=agent.get_value() ask=ask />
                </Empty>
            </Show>
            <Show when=move || unread.get()>
                <Waiting what=words::READING />
            </Show>
            <For
                each=messages
                key=|message| (message.id.clone(), message.text.len(), message.fault.is_some())
                children=move |message| view! { <Message message=message chosen=chosen traces=traces pins=pins /> }
            />
            {move || pending.get().map(|question| view! { <Asked text=question /> })}
            <Show when=move || answering.get()>
                <Arriving conversation=conversation />
            </Show>
            {move || fault.get().map(|fault| view! { <ErrorCard fault=fault /> })}
        </div>
    }
}
