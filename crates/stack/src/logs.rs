//! The output of services as lines, of one or of all, interleaved.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use bollard::Docker;
use futures::StreamExt as _;
use futures::stream::{BoxStream, Peekable, SelectAll};
use nasiko_engine::{Filters, Follow, Signal, log_options, stamped};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::observe::of_project;
use crate::observed::Container;
use crate::stack::Stack;
use crate::{StackError, label};

/// Lines a reader may be behind before the engine has to wait.
const LINE_QUEUE: usize = 256;
/// The last lines that show why something ended.
const LAST_LINES: usize = 20;
const LAST_LINES_LIMIT: Duration = Duration::from_secs(5);

/// Which lines are wanted.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    /// Only of these services; empty for all.
    pub services: Vec<String>,
    /// Only lines since then.
    pub since: Option<SystemTime>,
    /// Only so many of the last lines of each container.
    pub tail: Option<u32>,
    /// Goes on with new lines, also of containers that start later.
    pub follow: bool,
}

/// A line of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The service.
    pub service: String,
    /// The container's name.
    pub container: String,
    /// When the engine got it.
    pub at: SystemTime,
    /// Which output.
    pub stream: LogStream,
    /// Without the line's end.
    pub text: String,
}

/// An output of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

type Lines = BoxStream<'static, LogLine>;

impl Stack {
    /// The lines of a project's services. What is there is in the order of time; what is followed comes as it is written. A
    /// stream that follows ends when the engine goes.
    pub async fn logs(
        &self,
        project: &str,
        query: LogQuery,
    ) -> Result<BoxStream<'static, LogLine>, StackError> {
        let client = self.engine.client().await?;
        let wanted = query.services.clone();
        let is_wanted =
            move |service: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == service);
        if !query.follow {
            let containers = self.containers(project).await?;
            let wanted = containers
                .iter()
                .filter(|container| is_wanted(&container.service));
            let lines = wanted.map(|container| lines(&client, container, &query));
            return Ok(in_order(lines.collect()));
        }
        // Listened to before anything is listed, so that no start is missed.
        let mut filters = of_project(project);
        filters.insert("type".to_owned(), vec!["container".to_owned()]);
        filters.insert("event".to_owned(), vec!["start".to_owned()]);
        let starts = starts(self, filters).await?;
        let containers = self.containers(project).await?;
        let mut all = SelectAll::new();
        let mut known = HashSet::new();
        for container in containers.iter().filter(|found| is_wanted(&found.service)) {
            known.insert(container.id.clone());
            all.push(lines(&client, container, &query));
        }
        let following = Following {
            stack: self.clone(),
            query,
            all,
            known,
            is_wanted: Box::new(is_wanted),
        };
        Ok(following.forward(client, starts))
    }

    /// The last lines of a container; empty when the engine does not tell in time.
    pub async fn last_lines(&self, id: &str) -> Vec<String> {
        let Ok(client) = self.engine.client().await else {
            return Vec::new();
        };
        let options = log_options(Some(LAST_LINES), None, false);
        let reading = client
            .logs(id, Some(options))
            .filter_map(|output| async move { output.ok() })
            .map(|output| stamped(&output).into_iter().map(|line| line.text))
            .collect::<Vec<_>>();
        let read = tokio::time::timeout(LAST_LINES_LIMIT, reading).await;
        read.unwrap_or_default().into_iter().flatten().collect()
    }

    /// The last lines that the last health check of a container wrote; empty where none ran or the engine does not tell.
    pub async fn last_check(&self, id: &str) -> Vec<String> {
        let Ok(client) = self.engine.client().await else {
            return Vec::new();
        };
        let found = client.inspect_container(id, None).await.ok();
        let check = found
            .and_then(|found| found.state?.health?.log?.pop())
            .and_then(|check| check.output);
        let output = check.unwrap_or_default();
        let lines: Vec<&str> = output.lines().collect();
        let surplus = lines.len().saturating_sub(LAST_LINES);
        lines
            .iter()
            .skip(surplus)
            .map(|line| (*line).to_owned())
            .collect()
    }
}

async fn starts(stack: &Stack, filters: Filters) -> Result<Follow, StackError> {
    let mut follow = stack.engine.follow(filters);
    loop {
        match follow.next().await {
            Some(Signal::Up) => return Ok(follow),
            Some(Signal::Down { reason }) => return Err(reason.into()),
            Some(Signal::Event(_)) => {}
            None => return Err(stack.engine.broke_off("its events ended".to_owned()).into()),
        }
    }
}

/// Logs that are followed, and the containers among them.
struct Following {
    stack: Stack,
    query: LogQuery,
    all: SelectAll<Lines>,
    known: HashSet<String>,
    is_wanted: Box<dyn Fn(&str) -> bool + Send>,
}

impl Following {
    fn forward(mut self, client: Docker, mut starts: Follow) -> Lines {
        let (send, received) = mpsc::channel(LINE_QUEUE);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = send.closed() => return,
                    Some(line) = self.all.next(), if !self.all.is_empty() => {
                        if send.send(line).await.is_err() {
                            return;
                        }
                    }
                    signal = starts.next() => match signal {
                        Some(Signal::Event(event)) => {
                            let actor = event.actor.unwrap_or_default();
                            let attributes = actor.attributes.unwrap_or_default();
                            self.started(&client, actor.id.unwrap_or_default(), &attributes).await;
                        }
                        Some(Signal::Up) => {}
                        Some(Signal::Down { .. }) | None => return,
                    },
                }
            }
        });
        ReceiverStream::new(received).boxed()
    }

    /// A container that was made later, or started again: the engine ends a stream with the container.
    async fn started(&mut self, client: &Docker, id: String, attributes: &HashMap<String, String>) {
        let wanted = attributes
            .get(label::SERVICE)
            .is_some_and(|service| (self.is_wanted)(service));
        if !wanted {
            return;
        }
        let Ok(Some(container)) = self.stack.container(&id).await else {
            return;
        };
        let query = LogQuery {
            // Of one that is known, what it wrote before was told.
            since: if self.known.insert(id) {
                self.query.since
            } else {
                container.started_at
            },
            tail: None,
            ..self.query.clone()
        };
        self.all.push(lines(client, &container, &query));
    }
}

/// The lines of one container. Ends with it, or when the engine does.
fn lines(client: &Docker, container: &Container, query: &LogQuery) -> Lines {
    let (service, name) = (container.service.clone(), container.name.clone());
    let since = query.since;
    let id = container.id.clone();
    let options = log_options(query.tail, since, query.follow);
    client
        .logs(&container.id, Some(options))
        .filter_map(move |output| {
            let output = output
                .inspect_err(|error| tracing::debug!(container = %id, %error, "reading logs ended"))
                .ok();
            async move { output }
        })
        .flat_map(move |output| {
            let (service, name) = (service.clone(), name.clone());
            let lines = stamped(&output).into_iter().map(move |line| LogLine {
                service: service.clone(),
                container: name.clone(),
                at: line.at,
                stream: if line.is_error {
                    LogStream::Stderr
                } else {
                    LogStream::Stdout
                },
                text: line.text,
            });
            futures::stream::iter(
                lines.filter(move |line| since.is_none_or(|since| line.at >= since)),
            )
        })
        .boxed()
}

/// Streams that are in order each, as one that is: always the oldest of their next lines.
fn in_order(streams: Vec<Lines>) -> Lines {
    let streams: Vec<Peekable<Lines>> = streams
        .into_iter()
        .map(futures::StreamExt::peekable)
        .collect();
    futures::stream::unfold(streams, |mut streams| async move {
        let mut oldest: Option<(usize, SystemTime)> = None;
        for (index, stream) in streams.iter_mut().enumerate() {
            let next = std::pin::Pin::new(stream).peek().await;
            if let Some(line) = next
                && oldest.is_none_or(|(_, at)| line.at < at)
            {
                oldest = Some((index, line.at));
            }
        }
        let line = streams.get_mut(oldest?.0)?.next().await?;
        Some((line, streams))
    })
    .boxed()
}
