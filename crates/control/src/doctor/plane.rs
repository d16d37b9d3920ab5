//! The doctor of a control plane that runs.

use std::{path::PathBuf, sync::Arc};

use futures::StreamExt;
use nasiko_contract::{
    AgentName, Check, CheckState, Checkup, CheckupProgress, DoctorReport, ErrorCode, Examine,
    Fault, FixCheck, Fixed, GetLastCheckup, LastCheckup, ReportDoctor, RestartAgent, RunDoctor,
    RuntimeKind, StartAgent, UnlockVault,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    Surroundings, agents, engine,
    finding::Finding,
    jobs, keyring, leftovers,
    run::{self, Examination, Tell},
    stored,
    surroundings::Needs,
};
use crate::{
    api::{self, Caller, Items, Numbered, Serve, ServeStream},
    plane::{ControlPlane, Shared},
    records::{AgentRecord, Source},
};

/// Progress that nobody has read yet: more than a look has to tell. What finds no room is left out, since the last item has
/// it all.
const UNREAD: usize = 64;

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

    /// Looks at everything, and keeps what was found; at the checks of an agent alone where one is named.
    async fn look(&self, agent: Option<&AgentName>, tell: &mut Tell<'_>) -> Result<Checkup, Fault> {
        if let Some(agent) = agent {
            return Ok(run::all(vec![self.examination_of(Some(agent))], tell).await);
        }
        let checkup = run::all(self.examinations().await?, tell).await;
        self.last_checkup.put(checkup.clone());
        Ok(checkup)
    }

    /// All that can be looked at.
    pub(super) async fn examinations(&self) -> Result<Vec<Examination<'_>>, Fault> {
        let surroundings = self.surroundings_now().await?;
        let mut examinations = super::without_plane(&surroundings, self.docker.engine());
        examinations.extend([
            self.examination_of(None),
            run::one(&leftovers::LEFTOVERS, leftovers::leftovers(self)).within(run::ASKING_LIMIT),
            run::one(&jobs::DEAD_LETTERS, jobs::dead_letters(self)),
            Examination::new([&jobs::PULL, &jobs::INTERCEPTION], self.check_last_jobs()),
            run::one(&stored::STORE, async { self.check_store() }),
            run::one(&stored::SETTINGS, stored::settings(&self.store)),
            run::one(&keyring::KEY, keyring::key(&self.vault)),
        ]);
        Ok(examinations)
    }

    /// The checks of one agent, or of all.
    fn examination_of<'a>(&'a self, agent: Option<&'a AgentName>) -> Examination<'a> {
        Examination::new(agents::SPECS, self.check_agents(agent)).within(run::ASKING_LIMIT)
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
        self.refuse_unknown(request.agent.as_ref()).await?;
        let agent = request.agent.as_ref();
        self.shared.look(agent, &mut run::quietly).await
    }
}

impl ServeStream<Examine> for ControlPlane {
    async fn serve_stream(
        &self,
        _: &Caller,
        request: Examine,
    ) -> Result<Items<CheckupProgress>, Fault> {
        self.refuse_unknown(request.agent.as_ref()).await?;
        let shared = Arc::clone(&self.shared);
        let (tell, told) = mpsc::channel(UNREAD);
        let cancel = self.shared.stop.child_token();
        let given_up = cancel.clone().drop_guard();
        self.shared.tasks.spawn(async move {
            let mut total = 0;
            let mut say = |progress: CheckupProgress| {
                total = progress.total;
                let _ = tell.try_send(Ok(Numbered::from(progress)));
            };
            let looking = shared.look(request.agent.as_ref(), &mut say);
            let Some(outcome) = cancel.run_until_cancelled(looking).await else {
                return;
            };
            let last = outcome.map(|checkup| CheckupProgress {
                done: total,
                total,
                checkup: Some(checkup),
                ..CheckupProgress::default()
            });
            // Who went away wanted no more.
            let _ = tell.send(last.map(Numbered::from)).await;
        });
        let items = ReceiverStream::new(told).map(move |item| {
            let _ends_with_the_stream = &given_up;
            item
        });
        Ok(items.boxed())
    }
}

impl Serve<GetLastCheckup> for ControlPlane {
    async fn serve(&self, _: &Caller, _: GetLastCheckup) -> Result<LastCheckup, Fault> {
        Ok(LastCheckup {
            checkup: self.shared.last_checkup.get(),
        })
    }
}

impl Serve<ReportDoctor> for ControlPlane {
    async fn serve(&self, _: &Caller, _: ReportDoctor) -> Result<DoctorReport, Fault> {
        let checkup = self.shared.look(None, &mut run::quietly).await?;
        Ok(DoctorReport {
            text: super::report(&checkup, &self.shared.surroundings),
        })
    }
}

impl Serve<FixCheck> for ControlPlane {
    async fn serve(&self, caller: &Caller, request: FixCheck) -> Result<Fixed, Fault> {
        self.refuse_unknown(request.agent.as_ref()).await?;
        let of_it = |examination: &Examination<'_>| examination.settles(&request.check);
        let Some(before) = self.find(&request, of_it).await? else {
            return Err(super::unknown(&request.check));
        };
        if before.fix.is_none() {
            return Ok(super::nothing_to_do(Some(before)));
        }
        let did = self.do_about(caller, &request).await?;
        // What was done may mend its neighbours, too.
        let near_it = |examination: &Examination<'_>| examination.is_about(&[before.group]);
        Ok(Fixed {
            changed: true,
            did,
            check: self.find(&request, near_it).await?,
        })
    }
}

impl ControlPlane {
    /// At once, not told as something that could not be looked at.
    async fn refuse_unknown(&self, agent: Option<&AgentName>) -> Result<(), Fault> {
        match agent {
            Some(agent) => self.shared.agent(agent).await.map(drop),
            None => Ok(()),
        }
    }

    /// How the check stands that is to be fixed, by a look at what is wanted.
    async fn find(
        &self,
        request: &FixCheck,
        is_wanted: impl Fn(&Examination<'_>) -> bool,
    ) -> Result<Option<Check>, Fault> {
        let checks = match &request.agent {
            Some(agent) => {
                let checkup = self.shared.look(Some(agent), &mut run::quietly).await?;
                checkup.checks
            }
            None => self.shared.renew_last(is_wanted).await?,
        };
        Ok(super::find(checks, &request.check))
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
