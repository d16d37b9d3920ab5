//! Conversations, kept while the person looks elsewhere: an answer goes on arriving.

use std::collections::HashMap;

use futures::StreamExt;
use leptos::prelude::*;
use leptos::task::spawn_local;
use nasiko_contract::{
    AgentName, CancelAnswer, ChatMessage, CreateSession, Fault, ListMessages, ListSessions,
    SendMessage, SessionId,
};

use crate::{desk::Desk, model::chat::Conversation};

/// Conversations held at once; those without an answer on its way give way first.
const HELD: usize = 32;
/// Messages read of one conversation.
const MESSAGES_READ: usize = 5_000;
/// Conversations read of all agents together; older ones are found with their agent.
const SESSIONS_READ: usize = 10_000;
/// Rows asked for at once.
const PAGE_ROWS: u32 = 500;

/// The conversations that are held.
#[derive(Default)]
pub(crate) struct Chats(HashMap<SessionId, ArcRwSignal<Conversation>>);

impl Chats {
    fn hold(&mut self, session: &SessionId) -> ArcRwSignal<Conversation> {
        if let Some(held) = self.0.get(session) {
            return held.clone();
        }
        if self.0.len() >= HELD {
            self.0
                .retain(|_, held| held.with_untracked(|chat| chat.answering.is_some()));
        }
        let conversation = ArcRwSignal::default();
        self.0.insert(session.clone(), conversation.clone());
        conversation
    }
}

impl Desk {
    /// A conversation; empty until [`Desk::read_messages`] has read it.
    pub(crate) fn chat(self, session: &SessionId) -> ArcRwSignal<Conversation> {
        self.chats
            .try_update_value(|chats| chats.hold(session))
            .unwrap_or_default()
    }

    /// Reads the stored messages of a conversation.
    pub(crate) fn read_messages(self, session: SessionId) {
        let conversation = self.chat(&session);
        spawn_local(async move {
            match all_messages(self, session).await {
                Ok(messages) => conversation.update(|chat| chat.load(messages)),
                Err(fault) => conversation.update(|chat| {
                    chat.loaded = true;
                    chat.fault = Some(fault);
                }),
            }
        });
    }

    /// Reads the list of an agent's conversations into the picture.
    pub(crate) fn read_sessions(self, agent: AgentName) {
        let wanted = ListSessions {
            agent: Some(agent),
            ..ListSessions::default()
        };
        self.run(wanted, move |page| {
            self.world.update(|world| {
                for session in page.items {
                    world.sessions.insert(session.id.clone(), session);
                }
            });
        });
    }

    /// Reads the list of all conversations into the picture, the newest first; `then` is called once they are there.
    pub(crate) fn read_all_sessions(self, then: impl FnOnce() + 'static) {
        let wanted = ListSessions {
            limit: Some(PAGE_ROWS),
            ..ListSessions::default()
        };
        spawn_local(async move {
            let mut cursor = None;
            let mut read = 0;
            loop {
                let page = ListSessions {
                    cursor: cursor.take(),
                    ..wanted.clone()
                };
                let page = match self.client().call(page).await {
                    Ok(page) => page,
                    Err(fault) => return self.report(fault),
                };
                read += page.items.len();
                cursor = page.next_cursor;
                self.world.update(|world| {
                    for session in page.items {
                        world.sessions.insert(session.id.clone(), session);
                    }
                });
                if cursor.is_none() || read >= SESSIONS_READ {
                    return then();
                }
            }
        });
    }

    /// Asks in a conversation; the answer arrives there.
    pub(crate) fn ask(self, session: SessionId, text: String) {
        let conversation = self.chat(&session);
        let accepted = conversation.try_update(|chat| chat.ask(&text));
        if accepted != Some(true) {
            return;
        }
        spawn_local(async move {
            let fault = receive(self, session, text, &conversation).await.err();
            conversation.update(|chat| chat.end(fault));
        });
    }

    /// Begins a conversation and asks in it; `then` is told which one it is before the answer arrives.
    pub(crate) fn ask_anew(
        self,
        agent: AgentName,
        text: String,
        then: impl FnOnce(Result<SessionId, Fault>) + 'static,
    ) {
        spawn_local(async move {
            match self
                .client()
                .call(CreateSession { agent, title: None })
                .await
            {
                Ok(session) => {
                    let id = session.id.clone();
                    self.world.update(|world| {
                        world.sessions.insert(id.clone(), session);
                    });
                    self.chat(&id).update(|chat| chat.loaded = true);
                    self.ask(id.clone(), text);
                    then(Ok(id));
                }
                Err(fault) => then(Err(fault)),
            }
        });
    }

    /// Stops the answer that is on its way.
    pub(crate) fn cancel_answer(self, session: SessionId) {
        self.chat(&session).update(|chat| {
            if let Some(answering) = &mut chat.answering {
                answering.cancelling = true;
            }
        });
        self.run(CancelAnswer { session }, |_| {});
    }
}

async fn receive(
    desk: Desk,
    session: SessionId,
    text: String,
    conversation: &ArcRwSignal<Conversation>,
) -> Result<(), Fault> {
    // What is there at once is drawn at once: one redraw for many small pieces.
    let mut chunks = desk
        .client()
        .stream(SendMessage { session, text })
        .await?
        .ready_chunks(64);
    while let Some(chunk) = chunks.next().await {
        let mut broken = None;
        conversation.update(|chat| {
            for event in chunk {
                match event {
                    Ok(event) => chat.apply(event.item),
                    Err(fault) => broken = Some(fault),
                }
            }
        });
        if let Some(fault) = broken {
            return Err(fault);
        }
    }
    Ok(())
}

async fn all_messages(desk: Desk, session: SessionId) -> Result<Vec<ChatMessage>, Fault> {
    let mut messages = Vec::new();
    let mut cursor = None;
    loop {
        let page = desk
            .client()
            .call(ListMessages {
                session: session.clone(),
                cursor: cursor.take(),
                limit: Some(PAGE_ROWS),
            })
            .await?;
        messages.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() || messages.len() >= MESSAGES_READ {
            return Ok(messages);
        }
    }
}
