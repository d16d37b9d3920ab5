//! Drives one question to its end: picks the way of asking, reads the answer, follows the task where the agent does not.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, open_envelope};
use super::call::{Trouble, judge_rpc, unreadable};
use super::plan::{Attempt, Plan};
use super::{Inner, Outgoing, plain};
use crate::dialect::Dialect;
use crate::error::A2aError;
use crate::message::{AgentEvent, TaskState, read_event};

/// How long an agent may keep a stream open after its last event before it is closed from here.
const LINGER: Duration = Duration::from_secs(1);

/// Events held between the agent and a slow reader.
const BUFFERED_EVENTS: usize = 16;
/// How long cancelling may take before we just leave.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two looks at a task whose agent does not tell by itself; grows from the first to the second.
const POLL_INTERVAL: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(3));

type Item = Result<AgentEvent, A2aError>;

/// The events of one answer. The work happens while it is polled, so dropping it stops everything.
pub struct AnswerStream {
    work: Option<BoxFuture<'static, ()>>,
    items: mpsc::Receiver<Item>,
}

impl Stream for AnswerStream {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        if let Some(work) = &mut self.work
            && work.as_mut().poll(context).is_ready()
        {
            self.work = None;
        }
        self.items.poll_recv(context)
    }
}

impl std::fmt::Debug for AnswerStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AnswerStream")
            .field("ended", &self.work.is_none())
            .finish_non_exhaustive()
    }
}

/// Asks and gives the stream of the answer.
pub(super) fn answer(
    inner: Arc<Inner>,
    outgoing: Outgoing,
    cancel: CancellationToken,
) -> AnswerStream {
    let (sender, items) = mpsc::channel(BUFFERED_EVENTS);
    let work = async move {
        let turn = Turn {
            inner: &inner,
            outgoing: &outgoing,
            sender,
            seen: Mutex::new(Seen::default()),
        };
        // Pinned outside, so that the connection is still there while the agent is told to cancel.
        let mut run = std::pin::pin!(turn.run());
        let outcome = tokio::select! {
            biased;
            () = cancel.cancelled() => turn.cancel().await,
            outcome = run.as_mut() => outcome,
        };
        if let Err(error) = outcome {
            turn.give(Err(error)).await;
        }
    };
    AnswerStream {
        work: Some(Box::pin(work)),
        items,
    }
}

/// One question and its answer.
struct Turn<'a> {
    inner: &'a Inner,
    outgoing: &'a Outgoing,
    sender: mpsc::Sender<Item>,
    seen: Mutex<Seen>,
}

/// What the answer told so far.
#[derive(Default)]
struct Seen {
    task_id: Option<String>,
    state: Option<TaskState>,
    ended: bool,
}

impl Turn<'_> {
    async fn run(&self) -> Result<(), A2aError> {
        let described = self.inner.prepare().await?;
        let hints = self.inner.hints.lock().clone();
        let mut plan = Plan::new(&self.inner.base, &hints, &described);
        let mut tried = Vec::new();
        while let Some(attempt) = plan.next() {
            match self.attempt(&attempt).await {
                Ok(()) => return self.follow().await,
                Err(Trouble::Refused(refusal, told)) => {
                    tracing::debug!(%told, "way of asking refused");
                    tried.push(told);
                    plan.refused(&attempt, refusal);
                }
                Err(Trouble::Failed(error)) => return Err(error),
            }
        }
        Err(A2aError::NoProtocol { tried })
    }

    /// Asks in one way and reads the answer. Refusals are only told before the first event.
    async fn attempt(&self, attempt: &Attempt) -> Result<(), Trouble> {
        let mut answer = self.inner.ask(attempt, self.outgoing).await?;
        let streamed = answer.is_stream();
        let Some(first) = answer.next().await? else {
            self.inner.learn(attempt, streamed);
            return if streamed {
                Ok(())
            } else {
                Err(unreadable("it is empty", "").into())
            };
        };
        let mut frame = match parse(&attempt.dialect, first) {
            Ok(Frame::Error(error)) => return Err(judge_rpc(error, attempt)),
            Ok(frame) => frame,
            Err(error) => return Err(error.into()),
        };
        self.inner.learn(attempt, streamed);
        loop {
            match frame {
                Frame::Event(event) => {
                    self.event(*event).await;
                    if self.seen.lock().ended {
                        read_to_its_end(answer);
                        return Ok(());
                    }
                }
                Frame::Error(error) => return Err(A2aError::from(error).into()),
                Frame::Other(value) if streamed => {
                    tracing::debug!(%value, "event of unknown shape");
                }
                Frame::Other(value) => {
                    return Err(unreadable("its shape is unknown", &value.to_string()).into());
                }
                Frame::End => {
                    read_to_its_end(answer);
                    return Ok(());
                }
            }
            frame = match self.next_frame(&mut answer, &attempt.dialect).await? {
                Some(frame) => frame,
                None => return Ok(()),
            };
        }
    }

    async fn next_frame(
        &self,
        answer: &mut Answer,
        dialect: &Dialect,
    ) -> Result<Option<Frame>, A2aError> {
        match answer.next().await {
            Ok(Some(text)) => parse(dialect, text).map(Some),
            Ok(None) => Ok(None),
            // The task may well go on without the connection: `follow` looks.
            Err(A2aError::BrokeOff(error)) if self.pending_task().is_some() => {
                tracing::debug!(%error, "stream broke off while its task is pending");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A stream that ended, or an answer that came, while the task still runs: looks at the task until its turn is over.
    /// Agents that cannot be asked about tasks have said what they had to say.
    async fn follow(&self) -> Result<(), A2aError> {
        let Some(task_id) = self.pending_task() else {
            return Ok(());
        };
        let mut wait = POLL_INTERVAL.0;
        let mut silent = Duration::ZERO;
        let mut last = None;
        while silent < self.inner.idle {
            tokio::time::sleep(wait).await;
            silent += wait;
            wait = wait.mul_f32(1.5).min(POLL_INTERVAL.1);
            let task = match self.inner.get_task(&task_id, &self.outgoing.headers).await {
                Ok(task) => task,
                Err(A2aError::Unreachable { url, source }) => {
                    return Err(A2aError::Unreachable { url, source });
                }
                Err(error) => {
                    tracing::debug!(%error, task_id, "agent does not tell about its task");
                    return Ok(());
                }
            };
            let ended = task.state.ends_turn() || !task.state.is_pending();
            if last.as_ref() != Some(&task) {
                silent = Duration::ZERO;
                last = Some(task.clone());
                self.event(AgentEvent::Task(task)).await;
            }
            if ended {
                return Ok(());
            }
        }
        Err(A2aError::Silent {
            idle: self.inner.idle,
        })
    }

    /// The task that the agent is still at.
    fn pending_task(&self) -> Option<String> {
        let seen = self.seen.lock();
        let pending = !seen.ended && seen.state.as_ref().is_some_and(TaskState::is_pending);
        seen.task_id.clone().filter(|_| pending)
    }

    async fn cancel(&self) -> Result<(), A2aError> {
        let task_id = self.seen.lock().task_id.clone();
        if let Some(task_id) = task_id {
            match tokio::time::timeout(CANCEL_TIMEOUT, self.inner.cancel_task(&task_id)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, task_id, "agent did not cancel its task"),
                Err(_) => tracing::debug!(task_id, "agent took too long to cancel its task"),
            }
        }
        Err(A2aError::Cancelled)
    }

    async fn event(&self, event: AgentEvent) {
        {
            let mut seen = self.seen.lock();
            if let Some(id) = event.task_id() {
                seen.task_id = Some(id.to_owned());
            }
            if let Some(state) = event.state() {
                seen.state = Some(state.clone());
            }
            seen.ended = event.ends_turn();
        }
        self.give(Ok(event)).await;
    }

    async fn give(&self, item: Item) {
        // The receiver lives as long as this work does: they are one stream.
        if self.sender.send(item).await.is_err() {
            tracing::debug!("nobody reads the answer any more");
        }
    }
}

/// Nothing more is wanted of the answer. Most agents close right after their last event; letting them do so keeps the
/// connection, and spares them and every proxy between a broken one. Those that keep it open are left after a moment.
fn read_to_its_end(mut answer: Answer) {
    tokio::spawn(tokio::time::timeout(LINGER, async move {
        while let Ok(Some(_)) = answer.next().await {}
    }));
}

/// One piece of an answer, understood.
enum Frame {
    Event(Box<AgentEvent>),
    Error(super::answer::RpcError),
    Other(Value),
    End,
}

fn parse(dialect: &Dialect, text: String) -> Result<Frame, A2aError> {
    if dialect.spelling().is_none() {
        return Ok(match plain::read(text) {
            plain::Read::Text(text) => Frame::Event(Box::new(AgentEvent::Text(text))),
            plain::Read::Event(event) => Frame::Event(event),
            plain::Read::Error(error) => Frame::Error(error),
            plain::Read::Nothing(value) => Frame::Other(value),
            plain::Read::End => Frame::End,
        });
    }
    let value: Value = match serde_json::from_str(&text) {
        Ok(value) => value,
        Err(_) if text.trim() == "[DONE]" => return Ok(Frame::End),
        Err(error) => return Err(unreadable(&format!("it is not JSON ({error})"), &text)),
    };
    Ok(match open_envelope(value) {
        Err(error) => Frame::Error(error),
        Ok(result) => match read_event(&result) {
            Some(event) => Frame::Event(Box::new(event)),
            None => Frame::Other(result),
        },
    })
}
