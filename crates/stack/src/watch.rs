//! Keeps a stack in view: what there is of it, as the engine tells of it.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use nasiko_engine::{EngineError, Filters, Follow, Signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::StackError;
use crate::observe::of_project;
use crate::observed::Container;
use crate::stack::Stack;

/// What happens within this time is shown at once.
const GATHERING: Duration = Duration::from_millis(20);
/// After a look that failed, before it is made again; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// What there is of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// Its containers by service, whoever made them; as they were last known while the engine is away.
    pub containers: Vec<Container>,
    /// Why the engine does not tell; none while it does.
    pub away: Option<EngineError>,
}

/// A stack in view. Dropping it ends the watching.
pub struct Watch {
    views: watch::Receiver<Arc<View>>,
    task: JoinHandle<()>,
}

impl Watch {
    /// What was last seen.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.views.borrow())
    }

    /// Waits for something else to be seen than by the last call, and answers it. Changes that come together are one. None when
    /// the watching ended.
    pub async fn changed(&mut self) -> Option<Arc<View>> {
        self.views.changed().await.ok()?;
        Some(Arc::clone(&self.views.borrow_and_update()))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stack {
    /// Watches a project by the engine's events. Nothing is asked while nothing happens. Needs a runtime.
    pub fn watch(&self, project: &str) -> Watch {
        let (send, views) = watch::channel(Arc::new(View::default()));
        let (stack, project) = (self.clone(), project.to_owned());
        let task = tokio::spawn(async move { follow(&stack, &project, &send).await });
        Watch { views, task }
    }
}

async fn follow(stack: &Stack, project: &str, views: &watch::Sender<Arc<View>>) {
    let mut filters: Filters = of_project(project);
    filters.insert("type".to_owned(), vec!["container".to_owned()]);
    let events = [
        "create",
        "start",
        "die",
        "destroy",
        "health_status",
        "pause",
        "unpause",
        "rename",
    ];
    let events = events.iter().map(|event| (*event).to_owned());
    filters.insert("event".to_owned(), events.collect());
    let mut signals = stack.engine.follow(filters);
    // While the engine goes on telling what happens, a look that failed is made again: nobody would ask for it.
    let mut again = None;
    loop {
        let signal = tokio::select! {
            signal = signals.next() => match signal {
                Some(signal) => signal,
                None => return,
            },
            () = pause(again), if again.is_some() => Signal::Up,
        };
        let Some(away) = gathered(signal, &mut signals).await else {
            return;
        };
        let seen = match away {
            Some(reason) => {
                again = None;
                Err(reason)
            }
            None => match stack.status(project).await {
                Ok(containers) => {
                    again = None;
                    Ok(containers)
                }
                Err(error) => {
                    tracing::info!(%error, project, "the stack could not be looked at");
                    let longer = again.map_or(FIRST_PAUSE, |pause: Duration| pause * 2);
                    again = Some(longer.min(LONGEST_PAUSE));
                    match error {
                        StackError::Engine(reason) => Err(reason),
                        _ => continue,
                    }
                }
            },
        };
        views.send_if_modified(|view| {
            let next = match seen {
                Ok(containers) => View {
                    containers,
                    away: None,
                },
                Err(reason) => View {
                    containers: view.containers.clone(),
                    away: Some(reason),
                },
            };
            let differs = **view != next;
            if differs {
                *view = Arc::new(next);
            }
            differs
        });
    }
}

async fn pause(length: Option<Duration>) {
    tokio::time::sleep(length.unwrap_or_default()).await;
}

/// What a signal and those that come right after it say together: why the engine is away, if it is. None when there is nobody any
/// more to tell.
async fn gathered(first: Signal, signals: &mut Follow) -> Option<Option<EngineError>> {
    match first {
        Signal::Down { reason } => return Some(Some(reason)),
        Signal::Up => return Some(None),
        Signal::Event(_) => {}
    }
    // One step of a person is several events.
    let mut away = None;
    let gathering = tokio::time::sleep(GATHERING);
    tokio::pin!(gathering);
    loop {
        tokio::select! {
            () = &mut gathering => return Some(away),
            next = signals.next() => match next? {
                Signal::Event(_) => {}
                Signal::Up => away = None,
                Signal::Down { reason } => away = Some(reason),
            },
        }
    }
}
