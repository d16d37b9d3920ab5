//! What agents use, measured for as long as somebody looks.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, stream, stream::BoxStream};
use nasiko_contract::{AgentName, AgentState, AgentUsage, RuntimeKind};
use nasiko_runtime::InstanceId;
use nasiko_store::{EventFeed, FeedItem};

use crate::{agents, plane::Shared};

/// The pause between two rounds.
const PAUSE: Duration = Duration::from_secs(2);
/// Instances measured at the same time: an engine takes its time for each.
const AT_ONCE: usize = 8;

/// What is measured: who, where it runs, and as which instance.
type Running = (AgentName, RuntimeKind, InstanceId);

struct Rounds {
    shared: Arc<Shared>,
    only: Option<AgentName>,
    /// Tells when the list of those that run is out of date.
    events: EventFeed,
    running: Option<Vec<Running>>,
    begun: bool,
}

/// One item per round: what all running agents use, or `only` one. Nothing is measured while nobody asks for the next.
pub(super) fn measured(
    shared: Arc<Shared>,
    only: Option<AgentName>,
) -> BoxStream<'static, Vec<AgentUsage>> {
    let rounds = Rounds {
        events: shared.store.subscribe(None),
        shared,
        only,
        running: None,
        begun: false,
    };
    stream::unfold(rounds, |mut rounds| async move {
        loop {
            if std::mem::replace(&mut rounds.begun, true) {
                tokio::time::sleep(PAUSE).await;
            }
            let usage = rounds.measure().await;
            if !usage.is_empty() {
                return Some((usage, rounds));
            }
        }
    })
    .boxed()
}

impl Rounds {
    async fn measure(&mut self) -> Vec<AgentUsage> {
        while let Some(heard) = self.events.next().now_or_never() {
            match heard {
                Ok(FeedItem::Event(event))
                    if !matches!(event.topic.as_str(), agents::CHANGED | agents::REMOVED) => {}
                Ok(_) => self.running = None,
                // The store is closed: what is known serves for the rest of the stream.
                Err(_) => break,
            }
        }
        if self.running.is_none() {
            self.running = self.list().await;
        }
        let running = self.running.clone().unwrap_or_default();
        let mut usage: Vec<AgentUsage> = stream::iter(running)
            .map(|(agent, runtime, instance)| {
                let runtime = self.shared.runtime(runtime);
                async move {
                    // One that is just being replaced has nothing to measure: the next round finds the new one.
                    let stats = runtime.stats(&instance).await.ok()?;
                    Some(AgentUsage {
                        agent,
                        cpu_percent: stats.cpu_percent,
                        memory_bytes: stats.memory_bytes,
                    })
                }
            })
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await;
        usage.sort_by(|one, other| one.agent.cmp(&other.agent));
        usage
    }

    /// Those that run here; none when the store did not say.
    async fn list(&self) -> Option<Vec<Running>> {
        let agents = self.shared.all_agents().await.ok()?;
        let running = agents.into_iter().filter_map(|agent| {
            let wanted = self.only.as_ref().is_none_or(|only| *only == agent.name);
            let here = !self.shared.peers.is_other(agent.plane.as_ref());
            let current = agent
                .current
                .filter(|_| wanted && here && agent.state == AgentState::Active)?;
            Some((agent.name, agent.runtime, InstanceId::new(current.as_str())))
        });
        Some(running.collect())
    }
}
