//! What runs of ours and belongs to no agent.

use std::{collections::HashSet, sync::Arc};

use nasiko_contract::{CheckGroup, DeploymentId, Fault, RuntimeKind};
use nasiko_runtime::Instance;

use super::finding::{Finding, Spec};
use crate::{adopt, plane::Shared};

pub(super) const LEFTOVERS: Spec = Spec {
    id: "agents.leftovers",
    title: "Nothing of ours is left over",
    group: CheckGroup::Agents,
};

const KINDS: [RuntimeKind; 2] = [RuntimeKind::Process, RuntimeKind::Docker];

/// Instances that no agent points to and nobody has in hand.
async fn of_nobody(shared: &Shared) -> Result<Vec<Instance>, Fault> {
    let mut instances = Vec::new();
    for kind in KINDS {
        // No engine, no containers.
        instances.extend(shared.runtime(kind).list().await.unwrap_or_default());
    }
    // After the list: an instance that is listed and no longer in hand is some agent's by now.
    let in_hand = shared.in_hand.lock().clone();
    let agents = shared.all_agents().await?.into_iter();
    let current: HashSet<DeploymentId> = agents.filter_map(|agent| agent.current).collect();
    instances.retain(|instance| {
        let deployment = DeploymentId(instance.deployment_id.clone());
        !instance.deployment_id.is_empty()
            && !current.contains(&deployment)
            && !in_hand.contains(&deployment)
    });
    Ok(instances)
}

pub(super) async fn leftovers(shared: &Shared) -> Finding {
    let left = match of_nobody(shared).await {
        Ok(left) => left,
        Err(fault) => return Finding::unreadable("What runs", &fault),
    };
    if left.is_empty() {
        return Finding::ok("All that runs belongs to an agent");
    }
    Finding::warning("Instances of ours run or lie about that belong to no agent any more")
        .evidence(left.iter().map(|instance| {
            format!(
                "{} {} of {}",
                instance.kind.as_str(),
                instance.handle,
                instance.agent
            )
        }))
        .hint("End them; no agent is touched")
        .fix(
            "End and remove them",
            "Ends instances of this installation that no agent points to, and removes them",
        )
}

/// Ends what [`leftovers`] found, as a start does.
pub(super) async fn remove(shared: &Arc<Shared>) -> Result<String, Fault> {
    let before = of_nobody(shared).await?.len();
    for kind in KINDS {
        // An engine that is not there has nothing of ours.
        if let Err(fault) = adopt::reconcile(shared, kind).await {
            tracing::debug!(%fault, kind = kind.as_str(), "nothing is removed there");
        }
    }
    let left = of_nobody(shared).await?.len();
    Ok(format!(
        "{} were removed, {left} are left",
        before.saturating_sub(left)
    ))
}
