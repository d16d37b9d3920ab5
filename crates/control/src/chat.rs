//! Conversations: kept here, answered by the agent through the gateway.
//!
//! An answer is worked on by a task of its own: a window that closes, or a command line that ends, loses nothing. Only
//! [`CancelAnswer`] stops it.

use std::{sync::Arc, time::Instant};

use futures::StreamExt;
use nasiko_a2a::{AgentClient, AgentEvent, Change, Hints, Outgoing, Transcript, message};
use nasiko_contract::{
    CancelAnswer, ChatEvent, ChatMessage, ChatRole, ChatSession, CreateSession, DeleteSession,
    Done, ErrorCode, Fault, GetSession, ListMessages, ListSessions, MessageId, Page, RenameSession,
    SendMessage, SessionId, TraceId,
};
use nasiko_store::{Batch, Expected, Query, StoreError, Versioned};
use nasiko_telemetry::{Attributes, Scope, Span, SpanKind, SpanStatus, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::{
    agents::page_query,
    api::{Caller, Items, Numbered, Serve, ServeStream},
    plane::{ControlPlane, Shared},
    probe,
    records::{AgentRecord, MessageRecord, SessionRecord},
};

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
                record.session.title.clone_from(&request.title)
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

/// One question and its answer.
struct Turn {
    shared: Arc<Shared>,
    agent: AgentRecord,
    session: SessionRecord,
    question: ChatMessage,
    events: mpsc::Sender<Result<ChatEvent, Fault>>,
    cancel: CancellationToken,
    trace: [u8; 16],
    span: [u8; 8],
    begun: Instant,
}

impl Turn {
    fn new(
        shared: Arc<Shared>,
        agent: AgentRecord,
        session: SessionRecord,
        question: ChatMessage,
        events: mpsc::Sender<Result<ChatEvent, Fault>>,
        cancel: CancellationToken,
    ) -> Self {
        let (trace, span) = (rand::random(), rand::random());
        Self {
            shared,
            agent,
            session,
            question,
            events,
            cancel,
            trace,
            span,
            begun: Instant::now(),
        }
    }

    fn trace_id(&self) -> TraceId {
        TraceId(nasiko_telemetry::TraceId(self.trace).to_string())
    }

    /// A follower that left does not end the answer.
    async fn tell(&self, event: ChatEvent) {
        let _ = self.events.send(Ok(event)).await;
    }

    async fn run(&self) {
        self.tell(ChatEvent::Accepted {
            session: self.session.session.id.clone(),
            question: self.question.clone(),
            trace: self.trace_id(),
        })
        .await;
        let mut transcript = Transcript::new();
        let fault = self.listen(&mut transcript).await.err();
        let answer = self.answer(&transcript, fault);
        self.record_span(&answer);
        let stored = self
            .shared
            .change_session(&self.session.session.id, |record, batch| {
                record.session.messages += 1;
                record.session.updated = answer.at;
                if let Some(context) = transcript.context_id() {
                    record.context_id = Some(context.to_owned());
                }
                let asks_back = transcript.state().is_some_and(|state| !state.is_terminal());
                record.task_id = transcript
                    .task_id()
                    .filter(|_| asks_back)
                    .map(str::to_owned);
                batch.put(&MessageRecord(answer.clone()), Expected::New);
            })
            .await;
        match stored {
            Ok(_) => self.tell(ChatEvent::Answer { message: answer }).await,
            Err(fault) => {
                let _ = self.events.send(Err(fault)).await;
            }
        }
    }

    /// Asks the agent and gathers what it says.
    async fn listen(&self, transcript: &mut Transcript) -> Result<(), Fault> {
        let client = self.client()?;
        let outgoing = Outgoing {
            text: self.question.text.clone(),
            session_id: self.session.session.id.to_string(),
            context_id: self.session.context_id.clone(),
            task_id: self.session.task_id.clone(),
            headers: vec![("traceparent".to_owned(), self.traceparent())],
            ..Outgoing::default()
        };
        let mut answer = client.send(outgoing, self.cancel.clone());
        while let Some(event) = answer.next().await {
            self.hear(transcript, &event?).await;
        }
        self.remember(&client).await;
        Ok(())
    }

    async fn hear(&self, transcript: &mut Transcript, event: &AgentEvent) {
        let before = transcript.state().cloned();
        let change = transcript.push(event);
        match change {
            Change::Appended(text) => self.tell(ChatEvent::Delta { text }).await,
            Change::Rewritten => {
                self.tell(ChatEvent::Rewritten {
                    text: transcript.text().to_owned(),
                })
                .await
            }
            Change::Progress | Change::None => {
                let state = transcript.state();
                if change == Change::Progress || state != before.as_ref() {
                    self.tell(ChatEvent::Status {
                        state: state
                            .map(|state| state.as_str().to_owned())
                            .unwrap_or_default(),
                        text: transcript.progress().unwrap_or_default(),
                    })
                    .await;
                }
            }
        }
    }

    /// A client that knows what was learned from earlier answers of this instance.
    fn client(&self) -> Result<AgentClient, Fault> {
        let known = self
            .agent
            .current
            .as_ref()
            .and_then(|current| self.shared.dialects.lock().get(current).cloned());
        let hints = known.unwrap_or_else(|| Hints {
            card: (!self.agent.card_generated)
                .then(|| nasiko_a2a::Card::from_value(self.agent.card.clone()).ok())
                .flatten(),
            capabilities: self.agent.card_generated.then(|| self.agent.card.clone()),
            ..Hints::default()
        });
        let url = self.shared.agent_url(&self.agent.name);
        Ok(AgentClient::new(self.shared.http.clone(), &url, hints)?)
    }

    async fn remember(&self, client: &AgentClient) {
        let learned = client.learned();
        let Some(current) = &self.agent.current else {
            return;
        };
        let protocol = learned.dialect.as_ref().map(probe::protocol);
        self.shared.dialects.lock().insert(current.clone(), learned);
        if let Some(protocol) = protocol
            && protocol != self.agent.protocol
            && let Err(fault) = self
                .shared
                .change_agent(&self.agent.name, |agent, _| agent.protocol = protocol)
                .await
        {
            tracing::debug!(%fault, "what an agent speaks was not noted");
        }
    }

    fn answer(&self, transcript: &Transcript, fault: Option<Fault>) -> ChatMessage {
        let parts: Vec<Value> = transcript
            .parts()
            .iter()
            .map(|part| message::write_part(part, nasiko_a2a::dialect::Spelling::V1))
            .collect();
        ChatMessage {
            id: MessageId(uuid::Uuid::now_v7().to_string()),
            session: self.session.session.id.clone(),
            role: ChatRole::Agent,
            text: transcript.text().to_owned(),
            parts,
            at: crate::time::now_ms(),
            task_state: transcript
                .state()
                .map(|state| state.as_str().to_owned())
                .unwrap_or_default(),
            trace: Some(self.trace_id()),
            duration_ms: u64::try_from(self.begun.elapsed().as_millis()).ok(),
            tokens: None,
            fault,
        }
    }

    fn traceparent(&self) -> String {
        format!(
            "00-{}-{}-01",
            nasiko_telemetry::TraceId(self.trace),
            nasiko_telemetry::SpanId(self.span)
        )
    }

    /// The span of the whole turn: the root under which gateway and agent hang theirs.
    fn record_span(&self, answer: &ChatMessage) {
        let duration = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let end_ns = u64::try_from(answer.at)
            .unwrap_or(0)
            .saturating_mul(1_000_000);
        let start_ns = u64::try_from(self.question.at)
            .unwrap_or(0)
            .saturating_mul(1_000_000);
        let mut attributes = Attributes::new();
        attributes.insert("gen_ai.operation.name".to_owned(), json!("invoke_agent"));
        attributes.insert("gen_ai.agent.name".to_owned(), json!(self.agent.name));
        attributes.insert(
            "gen_ai.conversation.id".to_owned(),
            json!(self.session.session.id),
        );
        let mut resource = Attributes::new();
        resource.insert("service.name".to_owned(), json!("nasiko"));
        self.shared.traces.offer(Span {
            trace_id: nasiko_telemetry::TraceId(self.trace),
            span_id: nasiko_telemetry::SpanId(self.span),
            parent_id: None,
            name: format!("invoke_agent {}", self.agent.name),
            service: "nasiko".to_owned(),
            agent: Some(self.agent.name.to_string()),
            kind: SpanKind::Client,
            start_ns,
            end_ns: end_ns.max(start_ns.saturating_add(duration)),
            status: SpanStatus {
                code: if answer.fault.is_some() {
                    StatusCode::Error
                } else {
                    StatusCode::Unset
                },
                message: answer
                    .fault
                    .as_ref()
                    .map(|fault| fault.message.clone())
                    .unwrap_or_default(),
            },
            attributes,
            events: Vec::new(),
            links: Vec::new(),
            resource: Arc::new(resource),
            scope: Arc::new(Scope::default()),
        });
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
