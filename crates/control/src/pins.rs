//! Pinned questions: asked again after each update, in a conversation of their own each time, and compared with the answer
//! that was accepted.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures::StreamExt;
use nasiko_a2a::Transcript;
use nasiko_contract::{
    AcceptPin, AgentName, AgentState, CreatePin, DeletePin, Done, ErrorCode, Fault, ListPinAnswers,
    ListPins, Page, Pin, PinAnswer, PinId, PinState, RunPins, Update, UpdateId,
};
use nasiko_store::{Batch, Expected, Query, Record, StoreError, Versioned};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    agents::page_query,
    api::{Caller, Serve},
    exchange::{Exchange, Question},
    plane::{ControlPlane, Shared},
};

/// Pinned questions of one agent at most: each is asked after each save.
const MOST_PINS: usize = 50;
/// Letters of a question at most.
const LONGEST_QUESTION: usize = 100_000;
/// Answers that are kept of each.
const KEPT_ANSWERS: usize = 50;
/// Questions of one agent that are asked at the same time.
const AT_ONCE: usize = 4;
/// How long an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(300);

/// What is being asked.
#[derive(Default)]
pub(crate) struct Asking {
    /// One run per agent: a newer one takes over from an older one.
    runs: Mutex<HashMap<AgentName, CancellationToken>>,
    pins: Mutex<HashSet<PinId>>,
}

/// A pinned question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PinRecord(Pin);

impl Record for PinRecord {
    const KIND: &'static str = "pin";

    fn id(&self) -> &str {
        self.0.id.as_str()
    }

    fn parent(&self) -> Option<&str> {
        Some(self.0.agent.as_str())
    }
}

/// One of its answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PinAnswerRecord {
    id: String,
    pin: PinId,
    answer: PinAnswer,
}

impl Record for PinAnswerRecord {
    const KIND: &'static str = "pin_answer";

    fn id(&self) -> &str {
        &self.id
    }

    fn parent(&self) -> Option<&str> {
        Some(self.pin.as_str())
    }
}

impl Shared {
    /// Asks the pinned questions again, now that an update is live.
    pub(crate) fn after_update(self: &Arc<Self>, update: &Update) {
        let shared = Arc::clone(self);
        let (agent, id) = (update.agent.clone(), update.id.clone());
        self.spawn(async move {
            if let Err(fault) = shared.ask_pins(&agent, Some(id)).await {
                tracing::warn!(%fault, %agent, "the pinned questions were not asked");
            }
        });
    }

    /// Adds to `batch` that everything pinned to an agent is forgotten.
    pub(crate) async fn forget_pins(
        &self,
        agent: &AgentName,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        if let Some(run) = self.asking.runs.lock().remove(agent) {
            run.cancel();
        }
        for pin in self.pins(agent).await? {
            batch.delete_children::<PinAnswerRecord>(pin.id.as_str());
        }
        batch.delete_children::<PinRecord>(agent.as_str());
        Ok(())
    }

    /// Asks all pinned questions of an agent and waits for the answers. A run that is still under way ends.
    async fn ask_pins(
        self: &Arc<Self>,
        agent: &AgentName,
        update: Option<UpdateId>,
    ) -> Result<(), Fault> {
        let cancel = self.stop.child_token();
        let before = self
            .asking
            .runs
            .lock()
            .insert(agent.clone(), cancel.clone());
        if let Some(before) = before {
            before.cancel();
        }
        let pins = self.pins(agent).await?;
        futures::stream::iter(pins)
            .for_each_concurrent(AT_ONCE, |pin| {
                let (update, cancel) = (update.clone(), cancel.clone());
                async move {
                    if let Err(fault) = self.ask_pin(&pin, update, &cancel).await {
                        tracing::debug!(%fault, pin = %pin.id, "a pinned question was not asked");
                    }
                }
            })
            .await;
        let mut runs = self.asking.runs.lock();
        if !cancel.is_cancelled() {
            runs.remove(agent);
        }
        Ok(())
    }

    /// Asks one; nothing to do while somebody else is at it.
    async fn ask_pin(
        self: &Arc<Self>,
        pin: &Pin,
        update: Option<UpdateId>,
        cancel: &CancellationToken,
    ) -> Result<(), Fault> {
        if cancel.is_cancelled() || !self.asking.pins.lock().insert(pin.id.clone()) {
            return Ok(());
        }
        let asked = self.ask_and_compare(pin, update, cancel).await;
        self.asking.pins.lock().remove(&pin.id);
        asked
    }

    async fn ask_and_compare(
        self: &Arc<Self>,
        pin: &Pin,
        update: Option<UpdateId>,
        cancel: &CancellationToken,
    ) -> Result<(), Fault> {
        let agent = self.agent(&pin.agent).await?.value;
        let content_hash = agent
            .plan
            .as_ref()
            .map(|plan| plan.content_hash.clone())
            .unwrap_or_default();
        self.change_pin(&pin.id, |pin, _| pin.state = PinState::Asking)
            .await?;
        let question = Question {
            text: pin.text.clone(),
            session_id: uuid::Uuid::now_v7().to_string(),
            context_id: None,
            task_id: None,
        };
        let asking = cancel.child_token();
        let exchange = Exchange::new(Arc::clone(self), agent, question, None, asking.clone());
        let mut transcript = Transcript::new();
        let heard = tokio::time::timeout(ANSWER_LIMIT, exchange.listen(&mut transcript)).await;
        let fault = match heard {
            Ok(heard) => heard.err(),
            Err(_) => {
                asking.cancel();
                Some(Fault::new(
                    ErrorCode::TimedOut,
                    format!("No whole answer within {} s", ANSWER_LIMIT.as_secs()),
                ))
            }
        };
        exchange.record_span(fault.as_ref());
        if cancel.is_cancelled() {
            // A newer run asks it anew; what was heard belongs to no version that anybody waits for.
            self.change_pin(&pin.id, |pin, _| pin.state = standing(pin))
                .await?;
            return Ok(());
        }
        let answer = PinAnswer {
            at: crate::time::now_ms(),
            update,
            content_hash,
            text: transcript.text().to_owned(),
            trace: Some(exchange.trace_id()),
            duration_ms: exchange.elapsed_ms(),
            fault,
        };
        self.change_pin(&pin.id, |pin, batch| {
            if pin.accepted.is_none() && answer.fault.is_none() {
                pin.accepted = Some(answer.clone());
            }
            pin.latest = Some(answer.clone());
            pin.state = standing(pin);
            let record = PinAnswerRecord {
                id: uuid::Uuid::now_v7().to_string(),
                pin: pin.id.clone(),
                answer: answer.clone(),
            };
            batch.put(&record, Expected::New);
        })
        .await?;
        self.trim_answers(&pin.id).await
    }

    async fn trim_answers(&self, pin: &PinId) -> Result<(), Fault> {
        let query = Query {
            parent: Some(pin.as_str().to_owned()),
            descending: true,
            limit: 2 * KEPT_ANSWERS,
            ..Query::default()
        };
        let answers = self.store.list::<PinAnswerRecord>(query).await?.items;
        let mut batch = Batch::new();
        for old in answers.into_iter().skip(KEPT_ANSWERS) {
            batch.delete::<PinAnswerRecord>(old.value.id, Expected::Any);
        }
        if !batch.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok(())
    }

    /// An agent's pinned questions, oldest first.
    async fn pins(&self, agent: &AgentName) -> Result<Vec<Pin>, Fault> {
        let query = Query {
            parent: Some(agent.as_str().to_owned()),
            limit: MOST_PINS,
            ..Query::default()
        };
        let pins = self.store.list::<PinRecord>(query).await?.items;
        let asking = self.asking.pins.lock();
        Ok(pins
            .into_iter()
            .map(|found| {
                let mut pin = found.value.0;
                // Left by a control plane that ended in the middle: nobody asks any more.
                if pin.state == PinState::Asking && !asking.contains(&pin.id) {
                    pin.state = standing(&pin);
                }
                pin
            })
            .collect())
    }

    async fn pin(&self, id: &PinId) -> Result<Versioned<PinRecord>, Fault> {
        self.store
            .get::<PinRecord>(id.as_str())
            .await?
            .ok_or_else(|| {
                Fault::new(
                    ErrorCode::NotFound,
                    format!("There is no pinned question `{id}`"),
                )
                .hint("`nasiko pin list AGENT` lists those there are")
            })
    }

    /// The pin, if it is that agent's.
    async fn pin_of(&self, agent: &AgentName, id: &PinId) -> Result<Pin, Fault> {
        self.agent(agent).await?;
        let pin = self.pin(id).await?.value.0;
        if pin.agent == *agent {
            return Ok(pin);
        }
        Err(Fault::new(
            ErrorCode::NotFound,
            format!("The pinned question `{id}` is another agent's"),
        ))
    }

    /// Changes a pin, with its event.
    async fn change_pin(
        &self,
        id: &PinId,
        mut change: impl FnMut(&mut Pin, &mut Batch),
    ) -> Result<Pin, Fault> {
        loop {
            let found = self.pin(id).await?;
            let mut pin = found.value.0;
            let mut batch = Batch::new();
            change(&mut pin, &mut batch);
            batch.put(&PinRecord(pin.clone()), Expected::Exactly(found.version));
            batch.event("pin.changed", pin.agent.as_str(), &pin);
            match self.store.commit(batch).await {
                Ok(_) => return Ok(pin),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn ask_in_background(self: &Arc<Self>, agent: AgentName) {
        let shared = Arc::clone(self);
        self.spawn(async move {
            if let Err(fault) = shared.ask_pins(&agent, None).await {
                tracing::warn!(%fault, %agent, "the pinned questions were not asked");
            }
        });
    }
}

/// How a pin's answers compare.
fn standing(pin: &Pin) -> PinState {
    match (&pin.accepted, &pin.latest) {
        (_, None) => PinState::Waiting,
        (_, Some(latest)) if latest.fault.is_some() => PinState::Failed,
        (Some(accepted), Some(latest)) if accepted.text.trim() == latest.text.trim() => {
            PinState::Pass
        }
        _ => PinState::Changed,
    }
}

impl Serve<CreatePin> for ControlPlane {
    async fn serve(&self, _: &Caller, request: CreatePin) -> Result<Pin, Fault> {
        let shared = &self.shared;
        let agent = shared.agent(&request.agent).await?.value;
        let text = request.text.trim();
        if text.is_empty() {
            return Err(Fault::new(
                ErrorCode::InvalidRequest,
                "The question is empty",
            ));
        }
        if text.len() > LONGEST_QUESTION {
            return Err(Fault::new(
                ErrorCode::TooLarge,
                format!("The question is longer than {LONGEST_QUESTION} bytes"),
            ));
        }
        if shared.pins(&agent.name).await?.len() >= MOST_PINS {
            return Err(Fault::new(
                ErrorCode::LimitReached,
                format!("`{}` has {MOST_PINS} pinned questions already", agent.name),
            )
            .hint("Each is asked after each save: remove one with `nasiko pin rm`"));
        }
        let pin = Pin {
            id: PinId(uuid::Uuid::now_v7().to_string()),
            agent: agent.name.clone(),
            text: text.to_owned(),
            created: crate::time::now_ms(),
            state: PinState::Waiting,
            accepted: None,
            latest: None,
        };
        let mut batch = Batch::new();
        batch.put(&PinRecord(pin.clone()), Expected::New);
        batch.event("pin.changed", pin.agent.as_str(), &pin);
        shared.store.commit(batch).await?;
        if agent.state == AgentState::Active {
            let (shared, asked) = (Arc::clone(shared), pin.clone());
            self.shared.spawn(async move {
                let cancel = shared.stop.child_token();
                if let Err(fault) = shared.ask_pin(&asked, None, &cancel).await {
                    tracing::warn!(%fault, pin = %asked.id, "a pinned question was not asked");
                }
            });
        }
        Ok(pin)
    }
}

impl Serve<ListPins> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ListPins) -> Result<Page<Pin>, Fault> {
        let agent = self.shared.agent(&request.agent).await?.value;
        Ok(Page {
            items: self.shared.pins(&agent.name).await?,
            next_cursor: None,
        })
    }
}

impl Serve<DeletePin> for ControlPlane {
    async fn serve(&self, _: &Caller, request: DeletePin) -> Result<Done, Fault> {
        let pin = self.shared.pin_of(&request.agent, &request.pin).await?;
        let mut batch = Batch::new();
        batch
            .delete::<PinRecord>(pin.id.as_str(), Expected::Any)
            .delete_children::<PinAnswerRecord>(pin.id.as_str())
            .event(
                "pin.removed",
                pin.agent.as_str(),
                json!({ "id": pin.id, "agent": pin.agent }),
            );
        self.shared.store.commit(batch).await?;
        Ok(Done {})
    }
}

impl Serve<AcceptPin> for ControlPlane {
    async fn serve(&self, _: &Caller, request: AcceptPin) -> Result<Pin, Fault> {
        let pin = self.shared.pin_of(&request.agent, &request.pin).await?;
        let good = pin
            .latest
            .as_ref()
            .is_some_and(|latest| latest.fault.is_none());
        if !good {
            return Err(Fault::new(
                ErrorCode::WrongState,
                "There is no answer that could be accepted",
            )
            .hint(format!("Ask again: `nasiko pin run {}`", pin.agent)));
        }
        self.shared
            .change_pin(&pin.id, |pin, _| {
                pin.accepted.clone_from(&pin.latest);
                pin.state = standing(pin);
            })
            .await
    }
}

impl Serve<RunPins> for ControlPlane {
    async fn serve(&self, _: &Caller, request: RunPins) -> Result<Page<Pin>, Fault> {
        let agent = self.shared.agent(&request.agent).await?.value;
        if agent.state != AgentState::Active {
            return Err(Fault::new(
                ErrorCode::WrongState,
                format!("`{}` does not run", agent.name),
            )
            .hint(format!("Start it: `nasiko start {}`", agent.name)));
        }
        self.shared.ask_in_background(agent.name.clone());
        Ok(Page {
            items: self.shared.pins(&agent.name).await?,
            next_cursor: None,
        })
    }
}

impl Serve<ListPinAnswers> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ListPinAnswers) -> Result<Page<PinAnswer>, Fault> {
        let pin = self.shared.pin_of(&request.agent, &request.pin).await?;
        let query = Query {
            parent: Some(pin.id.0),
            descending: true,
            ..page_query(request.cursor, request.limit)
        };
        let page = self.shared.store.list::<PinAnswerRecord>(query).await?;
        Ok(Page {
            items: page
                .items
                .into_iter()
                .map(|found| found.value.answer)
                .collect(),
            next_cursor: page.next.map(|cursor| cursor.0),
        })
    }
}

#[cfg(test)]
mod tests;
