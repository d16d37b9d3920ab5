//! One question of a conversation and its answer: told as it comes, stored whole.

use std::sync::Arc;

use nasiko_a2a::{Transcript, message};
use nasiko_contract::{ChatEvent, ChatMessage, ChatRole, Fault, MessageId};
use nasiko_store::Expected;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    exchange::{Exchange, Question},
    plane::Shared,
    records::{AgentRecord, MessageRecord, SessionRecord},
};

/// One question and its answer.
pub(super) struct Turn {
    shared: Arc<Shared>,
    session: SessionRecord,
    question: ChatMessage,
    exchange: Exchange,
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
        let asked = Question {
            text: question.text.clone(),
            session_id: session.session.id.to_string(),
            context_id: session.context_id.clone(),
            task_id: session.task_id.clone(),
        };
        Self {
            exchange: Exchange::new(Arc::clone(&shared), agent, asked, Some(events), cancel),
            shared,
            session,
            question,
        }
    }

    pub(super) async fn run(&self) {
        let exchange = &self.exchange;
        exchange
            .tell(Ok(ChatEvent::Accepted {
                session: self.session.session.id.clone(),
                question: self.question.clone(),
                trace: exchange.trace_id(),
            }))
            .await;
        let mut transcript = Transcript::new();
        let fault = exchange.listen(&mut transcript).await.err();
        let answer = self.answer(&transcript, fault);
        exchange.record_span(answer.fault.as_ref());
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
        exchange
            .tell(stored.map(|_| ChatEvent::Answer { message: answer }))
            .await;
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
            trace: Some(self.exchange.trace_id()),
            duration_ms: Some(self.exchange.elapsed_ms()),
            tokens: None,
            fault,
        }
    }
}
