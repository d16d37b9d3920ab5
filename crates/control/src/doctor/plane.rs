//! The doctor of a control plane that runs.

use std::{path::PathBuf, sync::Arc};

use nasiko_contract::{
    AgentName, Check, CheckState, Checkup, DoctorReport, ErrorCode, Fault, FixCheck, Fixed,
    ReportDoctor, RestartAgent, RunDoctor, RuntimeKind, StartAgent, UnlockVault,
};

use super::{
    Surroundings, agents, engine,
    finding::Finding,
    jobs, keyring, leftovers,
    run::{self, Examination},
    stored,
    surroundings::Needs,
};
use crate::{
    api::{self, Caller, Serve},
    plane::{ControlPlane, Shared},
    records::{AgentRecord, Source},
};

impl Shared {
    /// The surroundings, with what the agents of now need of them.
    async fn surroundings_now(&self) -> Result<Arc<Surroundings>, Fault> {
        let mut surroundings = Surroundings::clone(&self.surroundings);
        surroundings.notices.clone_from(&self.notices);
        surroundings.needs = needs(
            &self.all_agents().await?,
            self.settings.load().default_runtime,
        );
        Ok(Arc::new(surroundings))
    }

    async fn check_up(&self) -> Result<Checkup, Fault> {
        let surroundings = self.surroundings_now().await?;
        let mut examinations = super::without_plane(&surroundings, self.docker.engine());
        examinations.extend([
            Examination::new(agents::SPECS, self.check_agents(None)),
            run::one(&leftovers::LEFTOVERS, leftovers::leftovers(self)),
            run::one(&jobs::DEAD_LETTERS, jobs::dead_letters(self)),
            Examination::new([&jobs::PULL, &jobs::INTERCEPTION], self.check_last_jobs()),
            run::one(&stored::STORE, async { self.check_store() }),
            run::one(&stored::SETTINGS, stored::settings(&self.store)),
            run::one(&keyring::KEY, async { keyring::key(&self.vault) }),
        ]);
        Ok(run::all(examinations).await)
    }

    async fn check_agents(&self, only: Option<&AgentName>) -> Vec<Check> {
        match agents::checks(self, only).await {
            Ok(checks) => checks,
            Err(fault) => {
                vec![Finding::of_fault(CheckState::Skipped, fault).of(&agents::HEALTH, None)]
            }
        }
    }

    async fn check_last_jobs(&self) -> Vec<Check> {
        let (pull, interception) = match jobs::failures(self).await {
            Ok(failures) => (jobs::pull(&failures), jobs::interception(&failures)),
            Err(fault) => {
                let skipped = Finding::of_fault(CheckState::Skipped, fault);
                (skipped.clone(), skipped)
            }
        };
        vec![
            pull.of(&jobs::PULL, None),
            interception.of(&jobs::INTERCEPTION, None),
        ]
    }

    fn check_store(&self) -> Finding {
        let troubles: Vec<String> = self.store_notices();
        if troubles.is_empty() {
            return Finding::ok(format!("It is open ({})", self.store.backend_name()));
        }
        Finding::failed("What holds the store does not answer: what is accepted waits")
            .evidence(troubles)
            .hint("Start it again, or move the store: `nasiko settings set store sqlite`")
    }
}

/// What these agents need of the machine.
fn needs(agents: &[AgentRecord], default_runtime: RuntimeKind) -> Needs {
    let as_process = |languages: &[&str]| {
        agents.iter().any(|agent| {
            agent.runtime == RuntimeKind::Process && languages.contains(&agent.language.as_str())
        })
    };
    let folders = agents.iter().filter_map(|agent| match &agent.source {
        Source::Folder { path } => Some(path.clone()),
        _ => None,
    });
    Needs {
        engine: default_runtime == RuntimeKind::Docker
            || agents
                .iter()
                .any(|agent| agent.runtime == RuntimeKind::Docker),
        python: as_process(&["python"]),
        node: as_process(&["node", "javascript", "typescript"]),
        folders: folders.collect::<Vec<PathBuf>>(),
    }
}

impl Serve<RunDoctor> for ControlPlane {
    async fn serve(&self, _: &Caller, request: RunDoctor) -> Result<Checkup, Fault> {
        let shared = &self.shared;
        let Some(agent) = request.agent else {
            return shared.check_up().await;
        };
        // Refused at once, not told as something that could not be looked at.
        shared.agent(&agent).await?;
        let looking = shared.check_agents(Some(&agent));
        Ok(run::all(vec![Examination::new(agents::SPECS, looking)]).await)
    }
}

impl Serve<ReportDoctor> for ControlPlane {
    async fn serve(&self, _: &Caller, _: ReportDoctor) -> Result<DoctorReport, Fault> {
        let checkup = self.shared.check_up().await?;
        Ok(DoctorReport {
            text: super::report(&checkup, &self.shared.surroundings),
        })
    }
}

impl Serve<FixCheck> for ControlPlane {
    async fn serve(&self, caller: &Caller, request: FixCheck) -> Result<Fixed, Fault> {
        let Some(before) = self.find(&request).await? else {
            return Err(super::unknown(&request.check));
        };
        if before.fix.is_none() {
            return Ok(super::nothing_to_do(Some(before)));
        }
        let did = self.do_about(caller, &request).await?;
        Ok(Fixed {
            changed: true,
            did,
            check: self.find(&request).await?,
        })
    }
}

impl ControlPlane {
    /// How the check stands that is to be fixed.
    async fn find(&self, request: &FixCheck) -> Result<Option<Check>, Fault> {
        let checkup = match &request.agent {
            Some(agent) => {
                self.shared.agent(agent).await?;
                let looking = self.shared.check_agents(Some(agent));
                run::all(vec![Examination::new(agents::SPECS, looking)]).await
            }
            None => self.shared.check_up().await?,
        };
        Ok(super::find(checkup, &request.check))
    }

    async fn do_about(&self, caller: &Caller, request: &FixCheck) -> Result<String, Fault> {
        let shared = &self.shared;
        match (request.check.as_str(), &request.agent) {
            (check, Some(agent)) if check == agents::HEALTH.id => {
                self.start_again(caller, agent).await
            }
            (check, None) if check == engine::ADDRESS.id => {
                match engine::use_another(shared.docker.engine()).await? {
                    Some(address) => Ok(format!(
                        "The engine at {address} is used until the control plane ends"
                    )),
                    None => Err(Fault::new(
                        ErrorCode::EngineAbsent,
                        "No other engine answers any more",
                    )),
                }
            }
            (check, None) if check == keyring::KEY.id || check == keyring::KEYRING.id => {
                let vault = api::call(self, caller, UnlockVault::default()).await?;
                match vault.fault {
                    Some(fault) => Err(fault),
                    None => Ok("The key of secrets is at hand".to_owned()),
                }
            }
            (check, None) if check == leftovers::LEFTOVERS.id => leftovers::remove(shared).await,
            (check, None) if check == stored::SETTINGS.id => {
                let did = stored::renew_settings(&shared.store, &shared.home).await?;
                let settings = crate::settings::load(&shared.store).await?;
                shared.apply_settings(settings);
                Ok(did)
            }
            (check, None) => super::fix_files(&shared.surroundings, check).await,
            (check, Some(_)) => Err(super::unknown(check)),
        }
    }

    /// By a job, as a person would, who needs the right to.
    async fn start_again(&self, caller: &Caller, agent: &AgentName) -> Result<String, Fault> {
        let agent = agent.clone();
        let is_active =
            self.shared.agent(&agent).await?.value.state == nasiko_contract::AgentState::Active;
        let job = if is_active {
            api::call(self, caller, RestartAgent { agent }).await?
        } else {
            api::call(self, caller, StartAgent { agent }).await?
        };
        Ok(format!("Job {} starts it", job.id))
    }
}
