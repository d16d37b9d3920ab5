//! The road of a folder: read, prepare, start beside the old instance, switch, drain. A failure anywhere leaves the old
//! instance serving.

mod rollback;
mod sources;

use std::time::Instant;

use nasiko_contract::{
    AgentName, AgentState, BuildState, DeployResult, DeploySeconds, ErrorCode, Fault, RuntimeKind,
};
use nasiko_runtime::{Artifact, PreparePlan};
use nasiko_store::{Batch, Expected};
use nasiko_workshop::Description;
use serde_json::Value;

use crate::{
    home,
    launch::Launch,
    plans,
    platform::Order,
    read::{self, Read},
    records::{AgentRecord, BuildRecord, DeploymentRecord, Desired, Source, VersionRecord},
    secrets::Belongs,
    worker::Bench,
};

/// Where the phases of a deploy stand on its way from 0 to 1.
mod share {
    pub(super) const READ: f64 = 0.1;
    pub(super) const PREPARED: f64 = 0.75;
}

/// Letters of an agent's name at most.
const LONGEST_NAME: usize = 63;
/// How often another suffix is tried for a name that is taken.
const NAME_TRIES: u32 = 100;

impl Bench {
    /// From a source to a running agent. What a platform ordered is updated from wherever it keeps the new version; with
    /// `replace` so is any agent of ours.
    pub(crate) async fn deploy(
        &self,
        source: &Source,
        name: Option<&AgentName>,
        runtime: Option<RuntimeKind>,
        force: bool,
        replace: bool,
        order: Option<&Order>,
    ) -> Result<DeployResult, Fault> {
        let begun = Instant::now();
        self.report.step(0.01, "Reading");
        let unpack = self.shared.home.unpack(&self.job);
        home::discard(&unpack).await;
        let cache = match (source, name) {
            (Source::Folder { path }, _) => Some(self.shared.home.snapshot_cache_of(path)),
            _ => None,
        };
        let report = self.report.clone();
        let intake = move |progress| match progress {
            nasiko_workshop::IntakeProgress::Extracting { entries, .. } => {
                report.step(0.02, format!("Unpacking, {entries} entries"));
            }
            nasiko_workshop::IntakeProgress::Cloning { step, percent } => {
                let percent = percent.map_or_else(String::new, |percent| format!(" {percent} %"));
                report.step(0.02, format!("Cloning: {step}{percent}"));
            }
        };
        let read = read::read(source, &unpack, cache, &intake, &self.cancel).await?;

        let (name, holder, _one_at_a_time) = self
            .claim_name(source, name, replace, order, &read.description)
            .await?;
        let name = &name;
        let runtime = runtime
            .or(read.description.manifest.agent.runtime)
            .or(holder
                .as_ref()
                .and_then(|agent| agent.plan.as_ref())
                .map(|plan| plan.runtime))
            .unwrap_or_else(|| self.shared.settings.load().default_runtime);
        if let Err(fault) = read::refuse_if_hopeless(&read.description, runtime) {
            if holder.is_some() {
                self.give_up(name, &fault).await;
            }
            return Err(fault);
        }
        let read = self.keep_source(source, read, name).await?;
        let agent = match holder {
            Some(agent) => agent,
            None => match self.add(name, source, runtime, &read).await? {
                Some(agent) => agent,
                // Another control plane gave the name to something else just now: another try finds that out.
                None => {
                    self.forget_source(name, &read.root).await;
                    return Err(Fault::new(
                        ErrorCode::Conflict,
                        format!("The name `{name}` was given away meanwhile"),
                    )
                    .retryable());
                }
            },
        };
        let agent = match order {
            Some(order) => {
                let ordered = |agent: &mut AgentRecord, _: &mut Batch| {
                    agent.ordered = Some(order.clone());
                };
                self.shared.change_agent(name, ordered).await?
            }
            None => agent,
        };
        // The same content from elsewhere is to be told apart all the same: the folder that is watched is another.
        let moved = replace && agent.source != *source;
        let deployed = self
            .update(agent, source, &read, runtime, force || moved, begun)
            .await;
        if let Err(fault) = &deployed {
            self.give_up(name, fault).await;
            self.forget_source(name, &read.root).await;
        }
        deployed
    }

    /// Brings a known agent to what was read.
    async fn update(
        &self,
        agent: AgentRecord,
        source: &Source,
        read: &Read,
        runtime: RuntimeKind,
        force: bool,
        begun: Instant,
    ) -> Result<DeployResult, Fault> {
        self.take_over_values(&agent.name).await?;
        let seconds = DeploySeconds {
            read: begun.elapsed().as_secs_f64(),
            ..DeploySeconds::default()
        };
        if !force && self.is_unchanged(&agent, read, runtime).await? {
            // What went wrong with another content meanwhile is over.
            let agent = self
                .shared
                .change_agent(&agent.name, |agent, _| {
                    agent.activity.clear();
                    agent.fault = None;
                })
                .await?;
            return Ok(DeployResult {
                url: self.shared.agent_url(&agent.name),
                agent: agent.name,
                version: agent.version,
                runtime,
                unchanged: true,
                seconds: DeploySeconds {
                    total: begun.elapsed().as_secs_f64(),
                    ..seconds
                },
            });
        }
        let name = agent.name.clone();
        let deployed = self
            .make_and_switch(agent, source, read, runtime, seconds, begun)
            .await;
        self.shared.forget_folder_envs(&name).await?;
        deployed
    }

    /// Reads the source again and makes everything anew.
    pub(crate) async fn rebuild(&self, name: &AgentName) -> Result<Value, Fault> {
        let _one_at_a_time = self.shared.lock_agent(name, &self.cancel).await?;
        let agent = self.shared.agent(name).await?.value;
        self.make_anew(agent).await
    }

    /// Like [`Bench::rebuild`], for whoever is the only one at work on the agent.
    pub(crate) async fn make_anew(&self, agent: AgentRecord) -> Result<Value, Fault> {
        let begun = Instant::now();
        let name = &agent.name.clone();
        let source = match &agent.source {
            // An upload is gone once it was unpacked: what was unpacked is the source from then on.
            Source::Upload { .. } => Source::Folder {
                path: agent.root.clone(),
            },
            source => source.clone(),
        };
        self.report.step(0.01, "Reading");
        let unpack = self.shared.home.unpack(&self.job);
        home::discard(&unpack).await;
        let read = read::read(&source, &unpack, None, &|_| {}, &self.cancel).await?;
        read::refuse_if_hopeless(&read.description, agent.runtime)?;
        let read = match agent.source {
            Source::Upload { .. } => read,
            _ => self.keep_source(&source, read, name).await?,
        };
        let seconds = DeploySeconds {
            read: begun.elapsed().as_secs_f64(),
            ..DeploySeconds::default()
        };
        let (source, runtime) = (agent.source.clone(), agent.runtime);
        let deployed = self
            .make_and_switch(agent, &source, &read, runtime, seconds, begun)
            .await;
        self.shared.forget_folder_envs(name).await?;
        if let Err(fault) = &deployed {
            self.give_up(name, fault).await;
            self.forget_source(name, &read.root).await;
        }
        Ok(serde_json::to_value(deployed?).unwrap_or_default())
    }

    /// Finds the agent's name and becomes the only one who works on it. A name that belongs to something else gets a
    /// suffix when it was derived, and is refused when it was given.
    async fn claim_name(
        &self,
        source: &Source,
        given: Option<&AgentName>,
        replace: bool,
        order: Option<&Order>,
        description: &Description,
    ) -> Result<
        (
            AgentName,
            Option<AgentRecord>,
            tokio::sync::OwnedMutexGuard<()>,
        ),
        Fault,
    > {
        let wanted = given
            .map_or(description.name.as_str(), AgentName::as_str)
            .to_owned();
        for number in 1..=NAME_TRIES {
            let name: AgentName = numbered_name(&wanted, number).into();
            let guard = self.shared.lock_agent(&name, &self.cancel).await?;
            let holder = self
                .shared
                .store
                .get::<AgentRecord>(name.as_str())
                .await?
                .map(|found| found.value);
            match holder {
                None => return Ok((name, None, guard)),
                Some(holder)
                    if holder.source.is_updated_by(source)
                        || (replace && !holder.source.is_foreign())
                        || (order.is_some() && holder.ordered.is_some()) =>
                {
                    return Ok((name, Some(holder), guard));
                }
                Some(holder) if given.is_some() => {
                    return Err(Fault::new(
                        ErrorCode::Conflict,
                        format!("There is another agent named `{name}`"),
                    )
                    .hint(if holder.source.is_foreign() {
                        "Give another --name: somebody else's container has this one".to_owned()
                    } else {
                        format!(
                            "Give another --name, put this in the other one's place with --replace, or remove that one first: `nasiko rm {name}`"
                        )
                    })
                    .evidence([format!("`{name}` comes from {}", holder.source.shown())]));
                }
                Some(holder) => self.report.line(format!(
                    "The name `{name}` belongs to the agent from {}: trying the next",
                    holder.source.shown()
                )),
            }
        }
        Err(Fault::new(
            ErrorCode::Conflict,
            format!("`{wanted}` and every name like it is taken"),
        )
        .hint("Give a --name"))
    }

    /// The agent becomes known, so that everybody sees what is on its way. None if there is one of that name by now.
    async fn add(
        &self,
        name: &AgentName,
        source: &Source,
        runtime: RuntimeKind,
        read: &Read,
    ) -> Result<Option<AgentRecord>, Fault> {
        let mut agent = plans::new_agent(name.clone(), source.clone(), runtime, &read.description);
        agent.root.clone_from(&read.root);
        agent.plane = Some(self.shared.peers.me().clone());
        let is_added = self.shared.add_agent(&agent).await?;
        Ok(is_added.then_some(agent))
    }

    /// Values that were given with this deploy become the agent's.
    async fn take_over_values(&self, agent: &AgentName) -> Result<(), Fault> {
        let waiting = Belongs::Job(self.job.as_str());
        for (name, value) in self.shared.reveal(waiting).await? {
            self.shared
                .seal_if_new(Belongs::Deploy(agent), &name, value)
                .await?;
            self.shared.outdate_standby(agent).await;
        }
        self.shared.forget_all(waiting).await
    }

    /// Whether just this content with just these values runs already.
    async fn is_unchanged(
        &self,
        agent: &AgentRecord,
        read: &Read,
        runtime: RuntimeKind,
    ) -> Result<bool, Fault> {
        let (Some(plan), Some(current), AgentState::Active) =
            (&agent.plan, &agent.current, agent.state)
        else {
            return Ok(false);
        };
        if plan.content_hash != read.snapshot.hash.to_string() || plan.runtime != runtime {
            return Ok(false);
        }
        let Some(deployment) = self
            .shared
            .store
            .get::<DeploymentRecord>(current.as_str())
            .await?
        else {
            return Ok(false);
        };
        // The values as they are now: a `.env` need not be part of the content.
        let env = plans::run_env(&read.description, runtime);
        let fingerprint = self.shared.env_fingerprint(&agent.name, &env).await?;
        Ok(deployment.value.env_fingerprint == fingerprint)
    }

    /// Prepares, starts, switches.
    async fn make_and_switch(
        &self,
        agent: AgentRecord,
        source: &Source,
        read: &Read,
        runtime: RuntimeKind,
        mut seconds: DeploySeconds,
        begun: Instant,
    ) -> Result<DeployResult, Fault> {
        let shared = &self.shared;
        let name = &agent.name;
        plans::check_variables(shared, name, &read.description).await?;
        let prepare_begun = Instant::now();
        let artifact = self.prepare(&agent, read, runtime).await?;
        seconds.prepare = prepare_begun.elapsed().as_secs_f64();

        let env = plans::run_env(&read.description, runtime);
        let folder_env = shared
            .seal_folder_env(name, self.job.as_str(), &env)
            .await?;
        let plan = plans::run_plan(read, runtime, &artifact, folder_env);
        let start_begun = Instant::now();
        self.report.step(share::PREPARED, "Starting");
        shared.show_activity(name, "Starting").await?;
        let note = |line: String| self.report.line(line);
        let launch = Launch {
            agent: name,
            plan: &plan,
            known_card: &plans::known_card(&read.description),
            standby: None,
            also: Batch::new(),
            note: &note,
        };
        let launched = shared.launch_beside(&agent, launch, &self.cancel).await?;
        seconds.start = start_begun.elapsed().as_secs_f64();

        let described = plans::described(&read.description);
        let root = read.root.clone();
        let (version, content_hash) = (plan.version.clone(), plan.content_hash.clone());
        shared
            .switch(
                name,
                &plan,
                launched,
                |agent: &mut AgentRecord, batch: &mut Batch| {
                    described.apply(agent);
                    agent.source = source.clone();
                    agent.root.clone_from(&root);
                    agent.desired = Desired::Running;
                    agent.restarts = 0;
                    let version = VersionRecord {
                        id: format!("{}/{}", agent.name, content_hash),
                        agent: agent.name.clone(),
                        version: version.clone(),
                        content_hash: content_hash.clone(),
                        created: crate::time::now_ms(),
                        root: Some(root.clone()),
                        ordered_as: agent
                            .ordered
                            .as_ref()
                            .and_then(|order| order.version.clone()),
                    };
                    batch.put(&version, Expected::Any);
                    self.fence(batch);
                },
            )
            .await?;
        if agent.source != *source {
            shared.watch_moved(name).await;
        }
        shared.content_runs(name, read).await;
        self.forget_older_sources(name, &[&read.root, &agent.root])
            .await;
        seconds.total = begun.elapsed().as_secs_f64();
        let agent = shared.agent(name).await?.value;
        Ok(DeployResult {
            agent: name.clone(),
            version: agent.version,
            runtime,
            url: shared.agent_url(name),
            unchanged: false,
            seconds,
        })
    }

    /// Makes the image or environment and records it as a build.
    async fn prepare(
        &self,
        agent: &AgentRecord,
        read: &Read,
        runtime: RuntimeKind,
    ) -> Result<Artifact, Fault> {
        let shared = &self.shared;
        let mut build = BuildRecord {
            job: self.job.clone(),
            agent: agent.name.clone(),
            content_hash: read.snapshot.hash.to_string(),
            runtime,
            state: BuildState::Building,
            started: crate::time::now_ms(),
            ended: None,
            reused: false,
            fault: None,
        };
        shared.put_build(&build).await?;
        let what = match runtime {
            RuntimeKind::Process => "Preparing its environment",
            RuntimeKind::Docker => "Building its image",
        };
        self.report.step(share::READ, what);
        shared.show_activity(&agent.name, what).await?;
        let plan: PreparePlan = plans::prepare_plan(&agent.name, read);
        let sink = self.report.between(share::READ, share::PREPARED);
        let prepared = shared
            .runtime(runtime)
            .prepare(&plan, &sink, &self.cancel)
            .await
            .map_err(plans::not_prepared);
        build.ended = Some(crate::time::now_ms());
        match prepared {
            Ok(prepared) => {
                build.state = BuildState::Succeeded;
                build.reused = prepared.reused;
                shared.put_build(&build).await?;
                Ok(prepared.artifact)
            }
            Err(fault) => {
                build.state = BuildState::Failed;
                build.fault = Some(fault.clone());
                shared.put_build(&build).await?;
                Err(fault)
            }
        }
    }
}

/// The `number`-th name to try for an agent that would like to be called `wanted`.
pub(crate) fn numbered_name(wanted: &str, number: u32) -> String {
    if number == 1 {
        return wanted.to_owned();
    }
    let suffix = format!("-{number}");
    let room = wanted.len().min(LONGEST_NAME - suffix.len());
    format!("{}{suffix}", wanted[..room].trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::numbered_name;

    #[test]
    fn names_that_are_taken_get_a_number_and_stay_names() {
        assert_eq!(numbered_name("greeter", 1), "greeter");
        assert_eq!(numbered_name("greeter", 2), "greeter-2");
        let long = "x".repeat(63);
        assert_eq!(numbered_name(&long, 1), long);
        assert_eq!(numbered_name(&long, 10), format!("{}-10", "x".repeat(60)));
        let dashed = format!("{}-yy", "x".repeat(60));
        assert_eq!(numbered_name(&dashed, 2), format!("{}-2", "x".repeat(60)));
    }
}
