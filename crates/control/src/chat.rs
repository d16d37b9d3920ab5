//! Conversations: kept here, answered by the agent through the gateway.
//!
//! An answer is worked on by a task of its own: a window that closes, or a command line that ends, loses nothing. Only
//! [`CancelAnswer`] stops it.

mod turn;

use std::sync::Arc;

use futures::StreamExt;
use nasiko_contract::{
    CancelAnswer, ChatEvent, ChatMessage, ChatSession, CreateSession, DeleteSession, Done,
    ErrorCode, Fault, GetSession, ListMessages, ListSessions, Page, RenameSession, SendMessage,
    SessionId,
};
use nasiko_store::{Batch, Expected, Query, StoreError, Versioned};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::{
    agents::page_query,
    api::{Caller, Items, Numbered, Serve, ServeStream},
    plane::{ControlPlane, Shared},
    records::{MessageRecord, SessionRecord},
};
use turn::Turn;

/// Events of an answer that may wait for a slow follower; then the answer waits for it, and so does the agent.
const WAITING_EVENTS: usize = 256;
/// Characters of the first question that become a conversation's title.
const TITLE_LENGTH: usize = 60;

impl Shared {
    async fn session(&self, id: &SessionId) -> Result<Versioned<SessionRecord>, Fault> {
        self.store
            .get::<SessionRecord>(id.as_str())
            .await?
            .ok_or_else(|| {
                Fault::new(
                    ErrorCode::SessionNotFound,
                    format!("There is no conversation `{id}`"),
                )
                .hint("`nasiko sessions` lists those there are")
            })
    }

    /// Changes a conversation, with whatever else belongs to the change, in one step.
    async fn change_session(
        &self,
        id: &SessionId,
        mut change: impl FnMut(&mut SessionRecord, &mut Batch),
    ) -> Result<SessionRecord, Fault> {
        loop {
            let found = self.session(id).await?;
            let mut record = found.value;
            let mut batch = Batch::new();
            change(&mut record, &mut batch);
            batch.put(&record, Expected::Exactly(found.version));
            batch.event("session.changed", id.as_str(), &record.session);
            match self.store.commit(batch).await {
                Ok(_) => return Ok(record),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Serve<CreateSession> for ControlPlane {
    async fn serve(&self, _: &Caller, request: CreateSession) -> Result<ChatSession, Fault> {
        let agent = self.shared.agent(&request.agent).await?.value;
        let now = crate::time::now_ms();
        let session = ChatSession {
            id: SessionId(uuid::Uuid::now_v7().to_string()),
            agent: agent.name,
            title: request.title.unwrap_or_default(),
            created: now,
            updated: now,
            messages: 0,
        };
        let record = SessionRecord {
            session: session.clone(),
            context_id: None,
            task_id: None,
        };
        let mut batch = Batch::new();
        batch.put(&record, Expected::New);
        batch.event("session.changed", session.id.as_str(), &session);
        self.shared.store.commit(batch).await?;
        Ok(session)
    }
}

impl Serve<ListSessions> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ListSessions) -> Result<Page<ChatSession>, Fault> {
        let query = Query {
            parent: request.agent.map(|agent| agent.0),
            descending: true,
            ..page_query(request.cursor, request.limit)
        };
        let page = self.shared.store.list::<SessionRecord>(query).await?;
        Ok(Page {
            items: page
                .items
                .into_iter()
                .map(|found| found.value.session)
                .collect(),
            next_cursor: page.next.map(|cursor| cursor.0),
        })
    }
}

impl Serve<GetSession> for ControlPlane {
    async fn serve(&self, _: &Caller, request: GetSession) -> Result<ChatSession, Fault> {
        Ok(self.shared.session(&request.session).await?.value.session)
    }
}

impl Serve<RenameSession> for ControlPlane {
    async fn serve(&self, _: &Caller, request: RenameSession) -> Result<ChatSession, Fault> {
        let renamed = self
            .shared
            .change_session(&request.session, |record, _| {
                record.session.title.clone_from(&request.title);
            })
            .await?;
        Ok(renamed.session)
    }
}

impl Serve<DeleteSession> for ControlPlane {
    async fn serve(&self, _: &Caller, request: DeleteSession) -> Result<Done, Fault> {
        let session = self.shared.session(&request.session).await?.value.session;
        if let Some(cancel) = self.shared.answers.lock().get(&session.id) {
            cancel.cancel();
        }
        let mut batch = Batch::new();
        batch
            .delete::<SessionRecord>(session.id.as_str(), Expected::Any)
            .delete_children::<MessageRecord>(session.id.as_str())
            .event(
                "session.removed",
                session.id.as_str(),
                json!({ "id": session.id, "agent": session.agent }),
            );
        self.shared.store.commit(batch).await?;
        Ok(Done {})
    }
}

impl Serve<ListMessages> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ListMessages) -> Result<Page<ChatMessage>, Fault> {
        self.shared.session(&request.session).await?;
        let query = Query {
            parent: Some(request.session.0),
            ..page_query(request.cursor, request.limit)
        };
        let page = self.shared.store.list::<MessageRecord>(query).await?;
        Ok(Page {
            items: page.items.into_iter().map(|found| found.value.0).collect(),
            next_cursor: page.next.map(|cursor| cursor.0),
        })
    }
}

impl Serve<CancelAnswer> for ControlPlane {
    async fn serve(&self, _: &Caller, request: CancelAnswer) -> Result<Done, Fault> {
        self.shared.session(&request.session).await?;
        if let Some(cancel) = self.shared.answers.lock().get(&request.session) {
            cancel.cancel();
        }
        Ok(Done {})
    }
}

impl ServeStream<SendMessage> for ControlPlane {
    async fn serve_stream(
        &self,
        _: &Caller,
        request: SendMessage,
    ) -> Result<Items<ChatEvent>, Fault> {
        if request.text.trim().is_empty() {
            return Err(Fault::new(
                ErrorCode::InvalidRequest,
                "The message is empty",
            ));
        }
        let shared = Arc::clone(&self.shared);
        let record = shared.session(&request.session).await?.value;
        let agent = shared.agent(&record.session.agent).await?.value;
        let cancel = shared.stop.child_token();
        let place = AnswerPlace::take(&shared, &request.session, &cancel)?;
        let question =
            MessageRecord::question(&record.session, request.text, crate::time::now_ms());
        let record = shared
            .change_session(&request.session, |record, batch| {
                if record.session.title.is_empty() {
                    record.session.title = title_of(&question.0.text);
                }
                record.session.messages += 1;
                record.session.updated = question.0.at;
                batch.put(&question, Expected::New);
            })
            .await?;
        let (sender, events) = mpsc::channel(WAITING_EVENTS);
        let turn = Turn::new(shared.clone(), agent, record, question.0, sender, cancel);
        shared.tasks.spawn(async move {
            turn.run().await;
            drop(place);
        });
        Ok(ReceiverStream::new(events)
            .map(|event| event.map(Numbered::from))
            .boxed())
    }
}

/// The right to answer in a conversation: one at a time.
struct AnswerPlace {
    shared: Arc<Shared>,
    session: SessionId,
}

impl AnswerPlace {
    fn take(
        shared: &Arc<Shared>,
        session: &SessionId,
        cancel: &CancellationToken,
    ) -> Result<Self, Fault> {
        let mut answers = shared.answers.lock();
        if answers.contains_key(session) {
            return Err(Fault::new(
                ErrorCode::WrongState,
                "An answer is under way in this conversation",
            )
            .hint("Wait for it, or cancel it"));
        }
        answers.insert(session.clone(), cancel.clone());
        drop(answers);
        Ok(Self {
            shared: Arc::clone(shared),
            session: session.clone(),
        })
    }
}

impl Drop for AnswerPlace {
    fn drop(&mut self) {
        self.shared.answers.lock().remove(&self.session);
    }
}

/// The first line of a question, cut at a word.
fn title_of(question: &str) -> String {
    let line = question.trim().lines().next().unwrap_or_default();
    if line.chars().count() <= TITLE_LENGTH {
        return line.to_owned();
    }
    let cut: String = line.chars().take(TITLE_LENGTH).collect();
    let end = cut.rfind(' ').unwrap_or(cut.len());
    format!("{}…", &cut[..end])
}

#[cfg(test)]
mod tests {
    use super::title_of;

    #[test]
    fn titles_are_one_short_line() {
        assert_eq!(title_of("  hello\nworld"), "hello");
        let long = "word ".repeat(40);
        let title = title_of(&long);
        assert!(
            title.ends_with('…') && title.chars().count() <= 61,
            "{title}"
        );
        assert_eq!(title_of(&"ä".repeat(100)).chars().count(), 61);
    }
}
