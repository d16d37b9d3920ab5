//! The logs of several agents in one stream: the past of all by time, then new lines as they come.

use std::{collections::VecDeque, pin::Pin, sync::Arc, time::Duration};

use futures::{Stream, StreamExt, stream};
use nasiko_contract::{
    AgentLogLine, AgentName, DeploymentId, Fault, FollowLogs, LogLine, LogStream,
};

use super::{DEFAULT_TAIL, Follower, MOST_TAIL};
use crate::{
    api::{Caller, Items, Numbered, ServeStream},
    plane::ControlPlane,
};

/// Agents followed at once; the others have their own log.
const MOST_AGENTS: usize = 200;
/// How long lines are gathered to be put in order: the past of several agents arrives in pieces.
const GATHER: Duration = Duration::from_millis(60);
/// Lines gathered at once.
const MOST_GATHERED: usize = 20_000;

impl ServeStream<FollowLogs> for ControlPlane {
    async fn serve_stream(
        &self,
        _: &Caller,
        request: FollowLogs,
    ) -> Result<Items<AgentLogLine>, Fault> {
        let shared = &self.shared;
        let named = request.agents.unwrap_or_default();
        let named: Vec<AgentName> = named
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(AgentName::from)
            .collect();
        for agent in &named {
            shared.agent(agent).await?;
        }
        let agents = if named.is_empty() {
            shared
                .all_agents()
                .await?
                .into_iter()
                .map(|agent| agent.name)
                .collect()
        } else {
            named
        };
        let tail = request.tail.unwrap_or(DEFAULT_TAIL).min(MOST_TAIL);
        let each = agents.into_iter().take(MOST_AGENTS).map(|agent| {
            let follower = Follower::new(Arc::clone(shared), agent.clone(), tail, request.follow);
            of_one(follower, agent)
        });
        let gathered = Gathered {
            lines: stream::select_all(each),
            ready: VecDeque::new(),
        };
        Ok(stream::unfold(gathered, |mut gathered| async move {
            let line = gathered.next().await?;
            Some((Ok(Numbered::from(line)), gathered))
        })
        .boxed())
    }
}

/// One agent's lines. What ends its log is a line of it: the others go on.
fn of_one(
    follower: Follower,
    agent: AgentName,
) -> Pin<Box<dyn Stream<Item = AgentLogLine> + Send>> {
    let lines = stream::unfold(Some(follower), |follower| async move {
        let mut follower = follower?;
        match follower.next().await {
            Ok(Some(line)) => Some((line, Some(follower))),
            Ok(None) => None,
            Err(fault) => Some((unreadable(&fault), None)),
        }
    });
    lines
        .map(move |line| AgentLogLine {
            agent: agent.clone(),
            line,
        })
        .boxed()
}

fn unreadable(fault: &Fault) -> LogLine {
    LogLine {
        at: crate::time::now_ms(),
        stream: LogStream::System,
        text: format!("Its log cannot be read: {}", fault.message),
        deployment: DeploymentId::default(),
    }
}

/// Puts in order what arrives at nearly the same time.
struct Gathered<S> {
    lines: S,
    ready: VecDeque<AgentLogLine>,
}

impl<S: Stream<Item = AgentLogLine> + Unpin> Gathered<S> {
    async fn next(&mut self) -> Option<AgentLogLine> {
        if let Some(line) = self.ready.pop_front() {
            return Some(line);
        }
        let mut lines = vec![self.lines.next().await?];
        let deadline = tokio::time::sleep(GATHER);
        tokio::pin!(deadline);
        while lines.len() < MOST_GATHERED {
            tokio::select! {
                line = self.lines.next() => match line {
                    Some(line) => lines.push(line),
                    None => break,
                },
                () = &mut deadline => break,
            }
        }
        // Stable: the lines of one agent stay as it wrote them.
        lines.sort_by_key(|line| line.line.at);
        self.ready.extend(lines);
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use nasiko_contract::ErrorCode;

    use super::*;

    fn line(agent: &str, at: i64) -> AgentLogLine {
        AgentLogLine {
            agent: agent.into(),
            line: LogLine {
                at,
                ..unreadable(&Fault::new(ErrorCode::Internal, "x"))
            },
        }
    }

    #[tokio::test]
    async fn what_arrives_together_is_put_in_order() {
        let one = stream::iter([line("a", 1), line("a", 4)]);
        let other = stream::iter([line("b", 2), line("b", 3)]);
        let mut gathered = Gathered {
            lines: stream::select(one, other),
            ready: VecDeque::new(),
        };
        let mut times = Vec::new();
        while let Some(line) = gathered.next().await {
            times.push(line.line.at);
        }
        assert_eq!(times, [1, 2, 3, 4]);
    }

    #[tokio::test]
    async fn what_comes_does_not_wait_for_what_does_not() {
        let lines = stream::iter([line("a", 1)]).chain(stream::pending());
        let mut gathered = Gathered {
            lines: lines.boxed(),
            ready: VecDeque::new(),
        };
        let first = gathered.next().await.map(|line| line.line.at);
        assert_eq!(first, Some(1));
    }
}
