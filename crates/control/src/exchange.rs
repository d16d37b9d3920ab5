//! One question to an agent and its answer: asked through the gateway like anybody's, heard to its end, with the span that
//! gateway and agent hang theirs under.

use std::{sync::Arc, time::Instant};

use futures::StreamExt;
use nasiko_a2a::{AgentClient, AgentEvent, Change, Hints, Outgoing, Transcript};
use nasiko_contract::{ChatEvent, Fault, TraceId};
use nasiko_telemetry::{Attributes, Scope, Span, SpanKind, SpanStatus, StatusCode};
use serde_json::json;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_util::sync::CancellationToken;

use crate::{plane::Shared, probe, records::AgentRecord};

/// What is asked.
pub(crate) struct Question {
    pub(crate) text: String,
    /// Our name for the conversation.
    pub(crate) session_id: String,
    /// The agent's name for it, once it gave one.
    pub(crate) context_id: Option<String>,
    /// The task that waits for more input, if one does.
    pub(crate) task_id: Option<String>,
}

/// One question under way.
pub(crate) struct Exchange {
    shared: Arc<Shared>,
    agent: AgentRecord,
    question: Question,
    /// Who is told as the answer comes.
    events: Option<mpsc::Sender<Result<ChatEvent, Fault>>>,
    cancel: CancellationToken,
    trace: [u8; 16],
    span: [u8; 8],
    begun: Instant,
}

impl Exchange {
    pub(crate) fn new(
        shared: Arc<Shared>,
        agent: AgentRecord,
        question: Question,
        events: Option<mpsc::Sender<Result<ChatEvent, Fault>>>,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            shared,
            agent,
            question,
            events,
            cancel,
            trace: rand::random(),
            span: rand::random(),
            begun: Instant::now(),
        }
    }

    pub(crate) fn trace_id(&self) -> TraceId {
        TraceId(nasiko_telemetry::TraceId(self.trace).to_string())
    }

    /// Milliseconds since it began.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// A follower that left does not end the answer, and one that stopped reading holds it up only until it is cancelled.
    pub(crate) async fn tell(&self, event: Result<ChatEvent, Fault>) {
        let Some(events) = &self.events else {
            return;
        };
        let Err(TrySendError::Full(event)) = events.try_send(event) else {
            return;
        };
        tokio::select! {
            () = self.cancel.cancelled() => {}
            _ = events.send(event) => {}
        }
    }

    /// Asks the agent and gathers what it says. The span is written down by [`Exchange::record_span`].
    pub(crate) async fn listen(&self, transcript: &mut Transcript) -> Result<(), Fault> {
        let client = self.client()?;
        let outgoing = Outgoing {
            text: self.question.text.clone(),
            session_id: self.question.session_id.clone(),
            context_id: self.question.context_id.clone(),
            task_id: self.question.task_id.clone(),
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

    fn traceparent(&self) -> String {
        format!(
            "00-{}-{}-01",
            nasiko_telemetry::TraceId(self.trace),
            nasiko_telemetry::SpanId(self.span)
        )
    }

    /// Writes down the span of the whole exchange: the root under which gateway and agent hang theirs.
    pub(crate) fn record_span(&self, fault: Option<&Fault>) {
        let duration = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let end_ns = crate::time::now_ns();
        let mut attributes = Attributes::new();
        attributes.insert("gen_ai.operation.name".to_owned(), json!("invoke_agent"));
        attributes.insert("gen_ai.agent.name".to_owned(), json!(self.agent.name));
        attributes.insert(
            "gen_ai.conversation.id".to_owned(),
            json!(self.question.session_id),
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
                code: if fault.is_some() {
                    StatusCode::Error
                } else {
                    StatusCode::Unset
                },
                message: fault.map(|fault| fault.message.clone()).unwrap_or_default(),
            },
            attributes,
            events: Vec::new(),
            links: Vec::new(),
            resource: Arc::new(resource),
            scope: Arc::new(Scope::default()),
        });
    }
}
