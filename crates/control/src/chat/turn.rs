//! One question and its answer: asked of the agent through the gateway, told as it comes, stored whole.

use std::{sync::Arc, time::Instant};

use futures::StreamExt;
use nasiko_a2a::{AgentClient, AgentEvent, Change, Hints, Outgoing, Transcript, message};
use nasiko_contract::{ChatEvent, ChatMessage, ChatRole, Fault, MessageId, TraceId};
use nasiko_store::Expected;
use nasiko_telemetry::{Attributes, Scope, Span, SpanKind, SpanStatus, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_util::sync::CancellationToken;

use crate::{
    plane::Shared,
    probe,
    records::{AgentRecord, MessageRecord, SessionRecord},
};

/// One question and its answer.
pub(super) struct Turn {
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
    pub(super) fn new(
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

    /// A follower that left does not end the answer, and one that stopped reading holds it up only until it is cancelled.
    async fn tell(&self, event: Result<ChatEvent, Fault>) {
        let Err(TrySendError::Full(event)) = self.events.try_send(event) else {
            return;
        };
        tokio::select! {
            () = self.cancel.cancelled() => {}
            _ = self.events.send(event) => {}
        }
    }

    pub(super) async fn run(&self) {
        self.tell(Ok(ChatEvent::Accepted {
            session: self.session.session.id.clone(),
            question: self.question.clone(),
            trace: self.trace_id(),
        }))
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
        self.tell(stored.map(|_| ChatEvent::Answer { message: answer }))
            .await;
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
            Change::Appended(text) => self.tell(Ok(ChatEvent::Delta { text })).await,
            Change::Rewritten => {
                self.tell(Ok(ChatEvent::Rewritten {
                    text: transcript.text().to_owned(),
                }))
                .await;
            }
            Change::Progress | Change::None => {
                let state = transcript.state();
                if change == Change::Progress || state != before.as_ref() {
                    self.tell(Ok(ChatEvent::Status {
                        state: state
                            .map(|state| state.as_str().to_owned())
                            .unwrap_or_default(),
                        text: transcript.progress().unwrap_or_default(),
                    }))
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
        let end_ns = crate::time::now_ns();
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
            start_ns: end_ns.saturating_sub(duration),
            end_ns,
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
