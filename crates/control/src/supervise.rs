//! Watching what runs: an instance that ended by itself is started again, more and more slowly, and the agent says why.

use std::{sync::Arc, time::Duration};

use nasiko_contract::{AgentName, AgentState, DeploymentId, DeploymentState, Fault, RuntimeKind};
use nasiko_runtime::{Exit, RuntimeEvent};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{
    adopt,
    jobs::Work,
    launch,
    plane::Shared,
    probe,
    records::{DeploymentRecord, Desired, RestartPolicy},
};

/// The wait before the first restart; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait before a restart.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// An instance that ran this long was well: the next crash counts as the first.
const WELL_AFTER: Duration = Duration::from_secs(60);
/// After so many crashes in a row it stays down until a person does something.
const MOST_RESTARTS: u32 = 12;

/// Follows the events of both places until the control plane ends.
pub(crate) fn start(shared: &Arc<Shared>) {
    for kind in [RuntimeKind::Process, RuntimeKind::Docker] {
        let events = shared.runtime(kind).events();
        let watcher = Arc::clone(shared);
        shared.spawn(async move { watch(&watcher, kind, events).await });
    }
}

async fn watch(shared: &Arc<Shared>, kind: RuntimeKind, mut events: Receiver<RuntimeEvent>) {
    loop {
        match events.recv().await {
            Ok(RuntimeEvent::Exited(exit)) if exit.requested => {}
            Ok(RuntimeEvent::Exited(exit)) => {
                if let Err(fault) = ended(shared, &exit).await {
                    tracing::warn!(%fault, instance = %exit.instance, "the end of an instance could not be noted");
                }
            }
            Ok(RuntimeEvent::Started { .. }) => {}
            // After a gap in what was seen: look at everything instead.
            Ok(RuntimeEvent::EngineUp) | Err(RecvError::Lagged(_)) => compare(shared, kind).await,
            Ok(RuntimeEvent::EngineDown { reason }) => {
                let fault = Fault::new(
                    nasiko_contract::ErrorCode::EngineStopped,
                    "The container engine stopped answering",
                )
                .hint("Start Docker: the agents are taken up again by themselves")
                .evidence([reason])
                .retryable();
                adopt::mark_unreachable(shared, &fault).await;
            }
            Err(RecvError::Closed) => return,
        }
    }
}

async fn compare(shared: &Arc<Shared>, kind: RuntimeKind) {
    if let Err(fault) = adopt::reconcile(shared, kind).await {
        tracing::warn!(%fault, kind = kind.as_str(), "what runs could not be compared with what should");
    }
}

/// An instance ended by itself. Only the one that serves matters: one that is on its way is somebody's job.
async fn ended(shared: &Arc<Shared>, exit: &Exit) -> Result<(), Fault> {
    let id = DeploymentId(exit.instance.to_string());
    let Some(found) = shared.store.get::<DeploymentRecord>(id.as_str()).await? else {
        return Ok(());
    };
    let mut deployment = found.value;
    let agent = shared.agent(&deployment.agent).await?.value;
    if agent.current.as_ref() != Some(&id) || shared.ending.is_cancelled() {
        return Ok(());
    }
    let _open_requests_broke_with_it = shared.routes.suspend(agent.name.as_str());
    let fault = probe::ended(exit);
    let policy = agent
        .plan
        .as_ref()
        .map(|plan| plan.restart)
        .unwrap_or_default();
    let failed = exit.code != Some(0) || exit.oom;
    let restarts = if exit.ran_for >= WELL_AFTER {
        1
    } else {
        agent.restarts.saturating_add(1)
    };
    let wanted = agent.desired == Desired::Running
        && match policy {
            RestartPolicy::Always => true,
            RestartPolicy::OnFailure => failed,
            RestartPolicy::Never => false,
        };
    let again = wanted && restarts <= MOST_RESTARTS;
    let wait = wait_before(restarts);
    deployment.state = if failed {
        DeploymentState::Crashed
    } else {
        DeploymentState::Stopped
    };
    deployment.ended = Some(crate::time::now_ms());
    deployment.fault = Some(fault.clone());
    shared
        .change_agent(&agent.name, |agent, batch| {
            agent.state = if failed || again {
                AgentState::Failed
            } else {
                AgentState::Stopped
            };
            agent.fault = Some(fault.clone());
            agent.restarts = restarts;
            agent.activity = if again {
                format!("Starting again in {:.1} s", wait.as_secs_f64())
            } else {
                String::new()
            };
            launch::add_deployment(batch, &deployment);
        })
        .await?;
    tracing::info!(agent = %agent.name, code = fault.code.as_str(), again, "an agent ended by itself");
    if again {
        start_again(shared, &agent.name, &id, wait).await?;
    }
    Ok(())
}

async fn start_again(
    shared: &Arc<Shared>,
    agent: &AgentName,
    ended: &DeploymentId,
    wait: Duration,
) -> Result<(), Fault> {
    let work = Work::Start {
        agent: agent.clone(),
    };
    shared
        .accept_own(&work, format!("after {ended} crashed"), wait)
        .await
        .map(drop)
}

/// Doubles from [`FIRST_WAIT`] to [`LONGEST_WAIT`].
fn wait_before(restart: u32) -> Duration {
    FIRST_WAIT
        .saturating_mul(1 << restart.saturating_sub(1).min(10))
        .min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_bounded() {
        assert_eq!(wait_before(1), FIRST_WAIT);
        assert_eq!(wait_before(2), FIRST_WAIT * 2);
        assert_eq!(wait_before(MOST_RESTARTS), LONGEST_WAIT);
        assert_eq!(wait_before(u32::MAX), LONGEST_WAIT);
    }
}
