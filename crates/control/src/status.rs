//! What the control plane says of itself, and its end.

use std::sync::Arc;

use nasiko_contract::{
    AgentCounts, AgentState, BrowserCode, CreateBrowserCode, DeploymentId, DeploymentState, Done,
    Fault, GetStatus, RuntimeKind, Shutdown, Status,
};
use nasiko_runtime::InstanceState;
use nasiko_store::{JobQuery, JobState, KeyTier};

use crate::{
    api::{Caller, Serve},
    plane::{ControlPlane, Shared},
};

impl Serve<GetStatus> for ControlPlane {
    async fn serve(&self, _: &Caller, _: GetStatus) -> Result<Status, Fault> {
        let shared = &self.shared;
        let mut agents = AgentCounts::default();
        for agent in shared.all_agents().await? {
            agents.total += 1;
            match agent.state {
                AgentState::Active => agents.active += 1,
                AgentState::Failed => agents.failed += 1,
                AgentState::SettingUp | AgentState::Stopped => {}
            }
        }
        let open = JobQuery {
            states: vec![JobState::Queued, JobState::Running],
            limit: Some(500),
            ..JobQuery::default()
        };
        let jobs = shared.store.jobs().list(&open).await?.items.len();
        let engine = shared.engine_status().await;
        Ok(Status {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: shared.started,
            api: shared.addresses.api.clone(),
            gateway: shared.addresses.gateway.clone(),
            admin: shared.addresses.admin.clone(),
            otlp_http: shared.addresses.otlp_http.clone(),
            otlp_grpc: shared.addresses.otlp_grpc.clone(),
            store: shared.store.backend_name().to_owned(),
            queue: shared.store.backend_name().to_owned(),
            secrets: shared
                .vault
                .tier()
                .map_or("none", KeyTier::as_str)
                .to_owned(),
            engine,
            engines: shared.engine_places().await,
            agents,
            jobs: jobs as u64,
            memory_bytes: own_memory(),
            notices: shared
                .notices
                .iter()
                .cloned()
                .chain(shared.store_notices())
                .chain(shared.kong.notice())
                .chain(shared.platform.notice())
                .chain(shared.stack_notice().await?)
                .collect(),
            stack: shared.stack_services(),
            peers: shared.peers.shown(),
            forwarding: shared.forwarding.standing(),
        })
    }
}

impl Serve<CreateBrowserCode> for ControlPlane {
    async fn serve(&self, _: &Caller, _: CreateBrowserCode) -> Result<BrowserCode, Fault> {
        let code = self.shared.browser_codes.issue();
        Ok(BrowserCode {
            url: format!("{}/enter?code={code}", self.shared.addresses.api),
        })
    }
}

impl Serve<Shutdown> for ControlPlane {
    async fn serve(&self, _: &Caller, request: Shutdown) -> Result<Done, Fault> {
        if request.stop_agents {
            end_instances(&self.shared).await?;
        }
        self.shared.shutdown_wanted.cancel();
        Ok(Done {})
    }
}

/// Ends what runs without changing what is wanted: the next start brings it back.
async fn end_instances(shared: &Arc<Shared>) -> Result<(), Fault> {
    // First, so that no ending is taken for a crash and nothing is started again.
    shared.ending.cancel();
    for agent in shared.all_agents().await? {
        let _open_requests_end_with_it = shared.routes.suspend(agent.name.as_str());
    }
    let mut ends = tokio::task::JoinSet::new();
    for kind in [RuntimeKind::Process, RuntimeKind::Docker] {
        // All there are, not only those that serve: nobody is left to end one that drains. No engine, no containers.
        let instances = shared.runtime(kind).list().await.unwrap_or_default();
        for instance in instances {
            if instance.state != InstanceState::Running {
                continue;
            }
            let shared = Arc::clone(shared);
            let deployment = DeploymentId(instance.deployment_id);
            ends.spawn(async move {
                shared
                    .stop_deployment(&deployment, DeploymentState::Stopped)
                    .await;
            });
        }
    }
    ends.join_all().await;
    Ok(())
}

/// Resident bytes of this process; 0 where the system does not say.
fn own_memory() -> u64 {
    let Ok(status) = fs_err::read_to_string("/proc/self/status") else {
        return 0;
    };
    let kilobytes = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?
            .trim()
            .strip_suffix(" kB")?
            .parse()
            .ok()
    });
    kilobytes.map_or(0, |kilobytes: u64| kilobytes * 1024)
}
