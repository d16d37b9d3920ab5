mod composer;
mod message;
mod sessions;
mod suggestions;
mod thread;

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use nasiko_contract::{AgentName, MessageId, SessionId};

use crate::{
    desk::Desk,
    model::{chat::Conversation, traces::TraceFilter},
    pages::{
        chat::{composer::Composer, sessions::SessionMenu, thread::Thread},
        pins::{PinDialog, PinStrip, Pins},
        trace_list::use_trace_list,
        trace_view::TraceView,
    },
    words::chat as words,
};

pub(crate) use sessions::title_of;

/// The place in the address of a conversation that has not begun.
pub(crate) const NEW: &str = "new";

/// A conversation, and how its answers came to be, side by side.
#[component]
pub(crate) fn ChatTab(
    agent: AgentName,
    /// The conversation of the address; else the latest one.
    session: Memo<Option<String>>,
    /// It stands beside the list of all conversations, whose addresses it then uses.
    #[prop(optional)]
    beside_all: bool,
) -> impl IntoView {
    let desk = Desk::get();
    let navigate = use_navigate();
    desk.read_sessions(agent.clone());
    let traces = use_trace_list(Signal::stored(TraceFilter::of(Some(agent.clone()))));
    let current = {
        let agent = agent.clone();
        Memo::new(move |_| match session.get().as_deref() {
            Some(NEW) => None,
            Some(id) => Some(SessionId::from(id)),
            None => desk.world.with(|world| {
                world
                    .sessions_of(&agent)
                    .first()
                    .map(|latest| latest.id.clone())
            }),
        })
    };
    let conversation = Signal::derive(move || current.get().map(|id| desk.chat(&id)));
    let chosen = RwSignal::new(None::<MessageId>);
    let pins = Pins::of(desk, agent.clone());
    keep_read(desk, current, chosen);

    let trace = Memo::new(move |_| {
        let conversation = conversation.get()?;
        conversation.with(|chat| chat.trace_of(chosen.get().as_ref()))
    });
    let arrived = Memo::new(move |_| {
        let trace = trace.get()?;
        traces.with(|list| list.row(&trace).map(|row| row.spans))
    });
    let send = {
        let agent = agent.clone();
        move |text: String| {
            chosen.set(None);
            match current.get_untracked() {
                Some(session) => desk.ask(session, text),
                None => {
                    let (navigate, agent) = (navigate.clone(), agent.clone());
                    desk.ask_anew(agent.clone(), text, move |outcome| match outcome {
                        Ok(session) => {
                            desk.carry_draft(&unbegun(&agent), session.as_str());
                            // Whoever went elsewhere meanwhile is not led back.
                            let shown = current.try_get_untracked();
                            if shown.is_none_or(|shown| shown.is_some_and(|id| id != session)) {
                                return;
                            }
                            let place = if beside_all {
                                format!("/chat/{session}")
                            } else {
                                format!("/agents/{agent}/chat/{session}")
                            };
                            navigate(&place, NavigateOptions::default());
                        }
                        Err(fault) => desk.report(fault),
                    });
                }
            }
        }
    };
    let send = Callback::new(send);
    let kept_as = {
        let agent = agent.clone();
        Signal::derive(move || match current.get() {
            Some(session) => session.to_string(),
            None => unbegun(&agent),
        })
    };
    let stop = move |()| {
        if let Some(session) = current.get_untracked() {
            desk.cancel_answer(session);
        }
    };
    view! {
        <Show when=move || pins.some()>
            <PinStrip pins=pins compact=true />
        </Show>
        <PinDialog pins=pins />
        <div class="chat-page">
            <section class="panel chat" aria-label=words::CONVERSATION>
                <header class="panel-head">
                    <h2>{words::CONVERSATION}</h2>
                    <SessionMenu agent=agent.clone() current=current beside_all=beside_all />
                </header>
                <Thread
                    agent=agent.clone()
                    conversation=conversation
                    chosen=chosen
                    traces=traces
                    pins=pins
                    ask=send
                />
                <Composer agent=agent conversation=conversation kept_as=kept_as send=send stop=stop />
            </section>
            <TraceView trace=trace arrived=arrived />
        </div>
    }
}

/// What the draft of a conversation is kept by that has not begun.
fn unbegun(agent: &AgentName) -> String {
    format!("{NEW}:{agent}")
}

/// The conversation that is shown, if one has begun.
pub(crate) type Shown = Signal<Option<ArcRwSignal<Conversation>>>;

/// Reads a conversation when it is shown first, and again when another window asked in it.
fn keep_read(desk: Desk, current: Memo<Option<SessionId>>, chosen: RwSignal<Option<MessageId>>) {
    let stored = Memo::new(move |_| {
        let id = current.get()?;
        let count = desk
            .world
            .with(|world| world.sessions.get(&id).map(|session| session.messages));
        Some((id, count))
    });
    Effect::new(move |before: Option<Option<SessionId>>| {
        let (id, count) = stored.get()?;
        let (known, answering, loaded) = desk
            .chat(&id)
            .with_untracked(|chat| (chat.stored() as u64, chat.answering.is_some(), chat.loaded));
        if before.flatten().as_ref() != Some(&id) {
            chosen.set(None);
        }
        if !loaded || (!answering && count.is_some_and(|count| count > known)) {
            desk.read_messages(id.clone());
        }
        Some(id)
    });
}
