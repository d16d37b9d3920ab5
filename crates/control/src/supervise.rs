//! Watching what runs: an instance that ended by itself is started again, more and more slowly, and the agent says why.

use std::{sync::Arc, time::Duration};

use nasiko_contract::{
    AgentName, AgentState, DeploymentId, DeploymentState, ErrorCode, Fault, RuntimeKind,
};
use nasiko_runtime::{Exit, RuntimeEvent};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::{
    adopt, discover, launch,
    plane::Shared,
    probe,
    records::{AgentRecord, DeploymentRecord, Desired, RestartPolicy},
};

/// The wait before the first restart; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait before a restart.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// An instance that ran this long was well: the next crash counts as the first.
const WELL_AFTER: Duration = Duration::from_secs(60);
/// Callers are kept waiting for a restart that comes this soon.
const LONGEST_HELD: Duration = Duration::from_secs(5);
/// How long they wait for its answer beyond that.
const START_HELD: Duration = Duration::from_secs(10);
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
                // Each by itself: one may have to wait for a job, and the others must not wait with it.
                let watcher = Arc::clone(shared);
                shared.spawn(async move {
                    if let Err(fault) = ended(&watcher, &exit).await {
                        tracing::warn!(%fault, instance = %exit.instance, "the end of an instance could not be noted");
                    }
                });
            }
            Ok(RuntimeEvent::Started { .. } | RuntimeEvent::Left(_)) => {}
            // After a gap in what was seen: look at everything instead.
            Ok(RuntimeEvent::EngineUp) | Err(RecvError::Lagged(_)) => {
                adopt::compare(shared, kind).await;
                // What was edited while the engine was away.
                shared.live.wake_all();
            }
            Ok(RuntimeEvent::EngineDown { reason }) => {
                adopt::mark_unreachable(shared, &discover::engine_stopped(reason)).await;
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// An instance ended by itself. Only the one that serves matters: one that is on its way is somebody's job.
async fn ended(shared: &Arc<Shared>, exit: &Exit) -> Result<(), Fault> {
    let id = DeploymentId(exit.instance.to_string());
    let Some(found) = shared.store.get::<DeploymentRecord>(id.as_str()).await? else {
        return Ok(());
    };
    let mut deployment = found.value;
    let name = deployment.agent.clone();
    // The job may have taken it for well just before it ended: its end matters if the agent points to it afterwards.
    let on_its_way = shared.in_hand.lock().contains(&id);
    if on_its_way {
        drop(shared.lock_agent(&name, &shared.stop).await?);
    }
    if shared.ending.is_cancelled() {
        return Ok(());
    }
    let failed = exit.code != Some(0) || exit.oom;
    let soon = shared.agent(&name).await.ok().and_then(|found| {
        let mut agent = found.value;
        count_restart(&mut agent, exit);
        wait_before(&agent, failed).filter(|wait| *wait <= LONGEST_HELD)
    });
    let _open_requests_broke_with_it = match soon {
        // Callers wait for the next instance rather than be refused.
        Some(wait) => {
            let limit = wait + START_HELD;
            shared
                .routes
                .hold_instance(name.as_str(), id.as_str(), limit)
        }
        None => shared.routes.suspend_instance(name.as_str(), id.as_str()),
    };
    let fault = probe::ended(exit, deployment.runtime).await;
    deployment.state = if failed {
        DeploymentState::Crashed
    } else {
        DeploymentState::Stopped
    };
    deployment.ended = Some(crate::time::now_ms());
    deployment.fault = Some(fault.clone());
    deployment.plane = None;
    let mut wait = None;
    let mut serving = false;
    let changed = shared
        .change_agent(&name, |agent, batch| {
            serving = agent.current.as_ref() == Some(&id);
            if !serving {
                return;
            }
            count_restart(agent, exit);
            wait = wait_before(agent, failed);
            agent.state = if failed || wait.is_some() {
                AgentState::Failed
            } else {
                AgentState::Stopped
            };
            agent.fault = Some(fault.clone());
            agent.activity = wait.map(announced).unwrap_or_default();
            launch::add_deployment(batch, &deployment);
        })
        .await;
    match changed {
        Err(fault) if fault.code == ErrorCode::AgentNotFound => return Ok(()),
        changed => drop(changed?),
    }
    if serving {
        tracing::info!(agent = %name, code = fault.code.as_str(), again = wait.is_some(), "an agent ended by itself");
    }
    match wait {
        Some(wait) => shared.start_again(&name, &id, wait).await,
        None => Ok(()),
    }
}

/// A start of our own, after the end of `ended`, failed in its turn: the next one waits longer.
pub(crate) async fn start_failed(
    shared: &Shared,
    agent: &AgentName,
    ended: &DeploymentId,
) -> Result<(), Fault> {
    let mut wait = None;
    shared
        .change_agent(agent, |agent, _| {
            agent.restarts = agent.restarts.saturating_add(1);
            wait = wait_before(agent, true);
            agent.activity = wait.map(announced).unwrap_or_default();
        })
        .await?;
    if wait.is_none_or(|wait| wait > LONGEST_HELD) {
        let _nothing_answered = shared.routes.suspend(agent.as_str());
    }
    match wait {
        Some(wait) => shared.start_again(agent, ended, wait).await,
        None => Ok(()),
    }
}

/// One more start in a row that no person asked for; the first after an instance that was well.
fn count_restart(agent: &mut AgentRecord, exit: &Exit) {
    agent.restarts = if exit.ran_for >= WELL_AFTER {
        1
    } else {
        agent.restarts.saturating_add(1)
    };
}

fn announced(wait: Duration) -> String {
    format!("Starting again in {:.1} s", wait.as_secs_f64())
}

/// How long an agent that just ended by itself waits until it is started again; none if it is not.
fn wait_before(agent: &AgentRecord, failed: bool) -> Option<Duration> {
    let policy = agent
        .plan
        .as_ref()
        .map(|plan| plan.restart)
        .unwrap_or_default();
    let again = agent.desired == Desired::Running && starts_again(policy, failed, agent.restarts);
    again.then(|| backoff(agent.restarts))
}

/// Whether a policy wants one more start, the `restarts`-th in a row.
fn starts_again(policy: RestartPolicy, failed: bool, restarts: u32) -> bool {
    restarts <= MOST_RESTARTS
        && match policy {
            RestartPolicy::Always => true,
            RestartPolicy::OnFailure => failed,
            RestartPolicy::Never => false,
        }
}

/// Doubles from [`FIRST_WAIT`] to [`LONGEST_WAIT`].
fn backoff(restarts: u32) -> Duration {
    FIRST_WAIT
        .saturating_mul(1 << restarts.saturating_sub(1).min(10))
        .min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_bounded() {
        assert_eq!(backoff(1), FIRST_WAIT);
        assert_eq!(backoff(2), FIRST_WAIT * 2);
        assert_eq!(backoff(MOST_RESTARTS), LONGEST_WAIT);
        assert_eq!(backoff(u32::MAX), LONGEST_WAIT);
    }

    #[test]
    fn a_policy_decides_until_the_starts_are_used_up() {
        use RestartPolicy::{Always, Never, OnFailure};
        for (policy, failed, restarts, again) in [
            (Always, false, 1, true),
            (Always, true, MOST_RESTARTS, true),
            (Always, true, MOST_RESTARTS + 1, false),
            (OnFailure, true, 1, true),
            (OnFailure, false, 1, false),
            (OnFailure, true, MOST_RESTARTS + 1, false),
            (Never, true, 1, false),
        ] {
            assert_eq!(
                starts_again(policy, failed, restarts),
                again,
                "{policy:?}, failed: {failed}, start {restarts}"
            );
        }
    }
}
