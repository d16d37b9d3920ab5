//! Waits for containers by what the engine tells, never by asking again and again.

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt as _;
use nasiko_engine::{Engine, EngineError, Filters, Follow, Signal};
use tokio::sync::watch;

use crate::compose::Condition;
use crate::observed::{Container, Health, State};
use crate::stack::Stack;
use crate::{StackError, observe};

/// What the engine has told so far.
#[derive(Debug, Clone, Default)]
struct News {
    /// Counts what was told of each container.
    told: HashMap<String, u64>,
    /// The code of the last end of each.
    ends: HashMap<String, i64>,
}

/// Where waiting tasks look.
pub(crate) struct Board {
    news: watch::Sender<News>,
}

/// What keeps a board up to date: to be driven while somebody waits.
pub(crate) struct Listening {
    follow: Follow,
}

impl Listening {
    /// Listens to the engine from now on.
    pub(crate) async fn to(engine: &Arc<Engine>, project: &str) -> Result<Self, EngineError> {
        let mut follow = engine.follow(events_of(project));
        loop {
            match follow.next().await {
                Some(Signal::Up) => return Ok(Self { follow }),
                Some(Signal::Down { reason }) => return Err(reason),
                Some(Signal::Event(_)) => {}
                None => return Err(engine.broke_off("its events ended".to_owned())),
            }
        }
    }

    /// Tells the board whatever happens. Only ends when the engine goes.
    pub(crate) async fn drive(mut self, board: &Board) -> EngineError {
        while let Some(signal) = self.follow.next().await {
            let event = match signal {
                Signal::Event(event) => event,
                Signal::Up => continue,
                Signal::Down { reason } => return reason,
            };
            let Some(actor) = event.actor else { continue };
            let Some(id) = actor.id else { continue };
            let end = (event.action.as_deref() == Some("die"))
                .then(|| actor.attributes.as_ref()?.get("exitCode")?.parse().ok())
                .flatten();
            board.news.send_modify(|news| {
                *news.told.entry(id.clone()).or_default() += 1;
                if let Some(code) = end {
                    news.ends.insert(id, code);
                }
            });
        }
        EngineError::Stopped {
            address: String::new(),
            reason: "its events ended".to_owned(),
        }
    }
}

impl Board {
    pub(crate) fn new() -> Self {
        Self {
            news: watch::Sender::new(News::default()),
        }
    }

    /// Waits until an end of a container is told of.
    pub(crate) async fn ended(&self, id: &str) {
        let told = |news: &News| news.ends.contains_key(id);
        // Who tells lives as long as this board.
        let _ = self.news.subscribe().wait_for(told).await;
    }

    /// The code with which a container ended last, if it did since the board is kept.
    pub(crate) fn end_of(&self, id: &str) -> Option<i64> {
        self.news.borrow().ends.get(id).copied()
    }

    /// Waits until a service's container has come to a state, or can no longer come to it.
    pub(crate) async fn until(
        &self,
        stack: &Stack,
        service: &str,
        id: &str,
        condition: Condition,
    ) -> Result<(), StackError> {
        let mut news = self.news.subscribe();
        loop {
            let told = news.borrow_and_update().told.get(id).copied();
            let container = stack.container(id).await?;
            let Some(container) = container else {
                return Err(StackError::Exited {
                    service: service.to_owned(),
                    code: self.end_of(id).unwrap_or_default(),
                    lines: vec!["its container was removed".to_owned()],
                });
            };
            if self.has(stack, service, &container, condition).await? {
                return Ok(());
            }
            let heard = |news: &News| news.told.get(id).copied() != told;
            if news.wait_for(heard).await.is_err() {
                return Err(stack.engine.broke_off("its events ended".to_owned()).into());
            }
        }
    }

    /// Whether it has come to it; the error is that it cannot.
    async fn has(
        &self,
        stack: &Stack,
        service: &str,
        container: &Container,
        condition: Condition,
    ) -> Result<bool, StackError> {
        let id = &container.id;
        match (condition, container.state, container.health) {
            (Condition::Started, ..)
            | (Condition::Completed, State::Exited(0), _)
            | (Condition::Healthy, State::Running, Some(Health::Healthy)) => Ok(true),
            // The engine starts it again at once, and it ended well before.
            (Condition::Completed, ..) if self.end_of(id) == Some(0) => Ok(true),
            (Condition::Healthy, State::Running, Some(Health::Unhealthy)) => {
                Err(StackError::Unhealthy {
                    service: service.to_owned(),
                    output: stack.last_check(id).await,
                })
            }
            (Condition::Healthy, State::Running, None) => Err(StackError::NoHealthcheck {
                service: service.to_owned(),
            }),
            (_, State::Exited(code), _) => Err(StackError::Exited {
                service: service.to_owned(),
                code,
                lines: stack.last_lines(id).await,
            }),
            _ => Ok(false),
        }
    }
}

/// The events that a project's containers are waited for by.
fn events_of(project: &str) -> Filters {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let mut filters = observe::of_project(project);
    filters.insert("type".to_owned(), owned(&["container"]));
    let events = ["start", "die", "health_status", "destroy"];
    filters.insert("event".to_owned(), owned(&events));
    filters
}
