//! An agent's log over all its instances, and what its instance uses.

mod all;

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream::BoxStream};
use nasiko_contract::{
    AgentName, DeploymentId, ErrorCode, Fault, FollowAgentLogs, FollowAgentStats, InstanceStats,
    LogLine, LogStream,
};
use nasiko_runtime::{InstanceId, LogQuery, RuntimeError};
use nasiko_store::EventFeed;

use crate::{
    agents::REMOVED,
    api::{Caller, Items, Numbered, ServeStream},
    plane::{ControlPlane, Shared},
    records::DeploymentRecord,
};

/// Lines of the past unless a number is given.
pub(crate) const DEFAULT_TAIL: u32 = 200;
/// The most lines of the past.
pub(crate) const MOST_TAIL: u32 = 10_000;
/// How often an instance is measured while somebody looks.
const STATS_EVERY: Duration = Duration::from_secs(1);

/// Where a follower of an agent's log stands.
struct Follower {
    shared: Arc<Shared>,
    agent: AgentName,
    follow: bool,
    feed: EventFeed,
    tail: Option<usize>,
    deployment: Option<DeploymentId>,
    lines: BoxStream<'static, nasiko_runtime::LogLine>,
}

impl Follower {
    /// Reads the last `tail` lines first.
    fn new(shared: Arc<Shared>, agent: AgentName, tail: u32, follow: bool) -> Self {
        Self {
            feed: shared.store.subscribe(None),
            shared,
            agent,
            follow,
            tail: usize::try_from(tail).ok(),
            deployment: None,
            lines: futures::stream::empty().boxed(),
        }
    }

    async fn next(&mut self) -> Result<Option<LogLine>, Fault> {
        loop {
            if let Some(line) = self.lines.next().await {
                return Ok(Some(shown(line, self.deployment.as_ref())));
            }
            let first = self.deployment.is_none();
            let newer = match self.shared.agent(&self.agent).await {
                Ok(found) => found
                    .value
                    .current
                    .filter(|current| self.deployment.as_ref() != Some(current)),
                Err(fault) if fault.code == ErrorCode::AgentNotFound && !first => return Ok(None),
                Err(fault) => return Err(fault),
            };
            match newer {
                Some(deployment) => self.open(deployment).await?,
                None if self.follow => {
                    if !self.wait_for_change().await? {
                        return Ok(None);
                    }
                }
                None => return Ok(None),
            }
        }
    }

    /// Goes on with the lines of another deployment: its last ones at first, all of them after an update.
    async fn open(&mut self, deployment: DeploymentId) -> Result<(), Fault> {
        let record = self
            .shared
            .store
            .get::<DeploymentRecord>(deployment.as_str())
            .await?;
        let query = LogQuery {
            tail: self.tail.take(),
            follow: self.follow,
            since: None,
        };
        let opened = match record {
            Some(found) if self.shared.peers.is_other(found.value.plane.as_ref()) => {
                Ok(futures::stream::iter([self.shared.elsewhere(&found.value)]).boxed())
            }
            Some(found) => {
                let runtime = self.shared.runtime(found.value.runtime);
                runtime
                    .logs(&InstanceId::new(deployment.as_str()), query)
                    .await
            }
            None => Ok(futures::stream::empty().boxed()),
        };
        self.lines = match opened {
            // An instance that was removed has no lines any more.
            Err(RuntimeError::InstanceUnknown { .. }) => futures::stream::empty().boxed(),
            opened => opened?,
        };
        self.deployment = Some(deployment);
        Ok(())
    }

    /// Waits until something happens to the agent; `false` when it was removed.
    async fn wait_for_change(&mut self) -> Result<bool, Fault> {
        loop {
            match self.feed.next().await? {
                nasiko_store::FeedItem::Event(event) if event.subject == self.agent.as_str() => {
                    return Ok(event.topic != REMOVED);
                }
                nasiko_store::FeedItem::Event(_) => {}
                nasiko_store::FeedItem::Gap { .. } => return Ok(true),
            }
        }
    }
}

fn shown(line: nasiko_runtime::LogLine, deployment: Option<&DeploymentId>) -> LogLine {
    LogLine {
        at: crate::time::millis(line.at),
        stream: match line.stream {
            nasiko_runtime::LogStream::Stdout => LogStream::Stdout,
            nasiko_runtime::LogStream::Stderr => LogStream::Stderr,
            nasiko_runtime::LogStream::Build => LogStream::System,
        },
        text: line.text,
        deployment: deployment.cloned().unwrap_or_default(),
    }
}

impl ServeStream<FollowAgentLogs> for ControlPlane {
    async fn serve_stream(
        &self,
        _: &Caller,
        request: FollowAgentLogs,
    ) -> Result<Items<LogLine>, Fault> {
        let shared = Arc::clone(&self.shared);
        shared.agent(&request.agent).await?;
        let tail = request.tail.unwrap_or(DEFAULT_TAIL).min(MOST_TAIL);
        let follower = Follower::new(shared, request.agent, tail, request.follow);
        Ok(
            futures::stream::try_unfold(follower, |mut follower| async move {
                Ok(follower
                    .next()
                    .await?
                    .map(|line| (Numbered::from(line), follower)))
            })
            .boxed(),
        )
    }
}

impl ServeStream<FollowAgentStats> for ControlPlane {
    async fn serve_stream(
        &self,
        _: &Caller,
        request: FollowAgentStats,
    ) -> Result<Items<InstanceStats>, Fault> {
        let shared = Arc::clone(&self.shared);
        shared.agent(&request.agent).await?;
        let ticks = tokio::time::interval(STATS_EVERY);
        let state = (shared, request.agent, ticks);
        Ok(
            futures::stream::try_unfold(state, |(shared, agent, mut ticks)| async move {
                loop {
                    ticks.tick().await;
                    let Ok(found) = shared.agent(&agent).await else {
                        return Ok(None);
                    };
                    let Some(current) = found.value.current else {
                        continue;
                    };
                    let runtime = shared.runtime(found.value.runtime);
                    // An instance that is just being replaced has nothing to measure: the next tick finds the new one.
                    let Ok(stats) = runtime.stats(&InstanceId::new(current.as_str())).await else {
                        continue;
                    };
                    let row = InstanceStats {
                        at: crate::time::now_ms(),
                        cpu_percent: stats.cpu_percent,
                        memory_bytes: stats.memory_bytes,
                        memory_limit_bytes: stats.memory_limit_bytes,
                    };
                    return Ok(Some((Numbered::from(row), (shared, agent, ticks))));
                }
            })
            .boxed(),
        )
    }
}
