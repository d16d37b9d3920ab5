//! Brings the engine to the state that the files describe.

mod checks;
mod files;
mod graph;
mod images;
mod ports;
mod replace;
mod resources;
mod turns;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::StackError;
use crate::compose::{Build, Content, FileObject, Project, Protocol, Service};
use crate::observed::{Health, Observed};
use crate::plan::{Action, ImageAction, Orphan, Plan, PlanOptions, plan};
use crate::progress::{Phase, Progress, ProgressSink};
use crate::spec::Contents;
use crate::stack::Stack;

/// How long calls that are under way at a cancel may take.
const LAST_CALLS: Duration = Duration::from_secs(10);

/// Writes the context of a build as a tar. Runs on a thread that may block.
pub type WriteContext = Arc<dyn Fn(&Build, &mut dyn io::Write) -> io::Result<()> + Send + Sync>;

/// Says in words who holds a port of this machine, if it can be found out.
pub type PortOwner = Arc<dyn Fn(u16, Protocol) -> Option<String> + Send + Sync>;

/// How a stack is brought up.
#[derive(Clone)]
pub struct UpOptions {
    /// What is wanted.
    pub plan: PlanOptions,
    /// Containers whose service the project no longer has are removed.
    pub remove_orphans: bool,
    /// It is done when every service that has a health check passed it, not already when all run.
    pub wait_healthy: bool,
    /// How long all the waiting for health and for ends may take.
    pub wait_limit: Duration,
    /// How long a registry may say nothing.
    pub registry_silence: Duration,
    /// How images are built; without it, a build is an error.
    pub write_context: Option<WriteContext>,
    /// Who holds a port that is taken.
    pub port_owner: Option<PortOwner>,
}

impl Default for UpOptions {
    fn default() -> Self {
        Self {
            plan: PlanOptions::default(),
            remove_orphans: false,
            wait_healthy: true,
            wait_limit: Duration::from_secs(10 * 60),
            registry_silence: Duration::from_secs(60),
            write_context: None,
            port_owner: None,
        }
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What was to be done.
    pub plan: Arc<Plan>,
    /// Orphans that are still there.
    pub orphans: Vec<Orphan>,
}

impl Stack {
    /// What [`Stack::up`] would do now. Reads the files of configs and secrets, and changes nothing.
    pub async fn plan(&self, project: &Project, options: &PlanOptions) -> Result<Plan, StackError> {
        let selected = project.select(&options.profiles, &options.services)?;
        let contents = contents(project, &selected).await?;
        let observed = self.observe(project).await?;
        Ok(plan(project, options, &observed, &contents, &self.key)?)
    }

    /// Brings up the selected services: networks, volumes, images, then containers in the order of their dependencies, as many
    /// at a time as that allows. What is as it should be is left alone.
    ///
    /// A service that fails keeps from starting those that need it; the others are brought up all the same, and the error tells
    /// of every failure. When `cancel` is cancelled, nothing further is begun; what was done stays, and the next call goes on
    /// from there, as it does after a crash.
    pub async fn up(
        &self,
        project: &Project,
        options: &UpOptions,
        progress: &dyn ProgressSink,
        cancel: &CancellationToken,
    ) -> Result<Outcome, StackError> {
        let job = Job {
            stack: self,
            project,
            options,
            progress,
            calls: TaskTracker::new(),
        };
        let done = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(StackError::Cancelled { what: "bringing the stack up" }),
            done = Box::pin(job.run()) => done,
        };
        job.calls.close();
        // The engine carries out what it was told, so that the next call would not see it yet.
        let _ = tokio::time::timeout(LAST_CALLS, job.calls.wait()).await;
        done
    }
}

/// One `up`.
struct Job<'a> {
    stack: &'a Stack,
    project: &'a Project,
    options: &'a UpOptions,
    progress: &'a dyn ProgressSink,
    /// Calls that make something, which are not broken off.
    calls: TaskTracker,
}

impl Job<'_> {
    /// Makes a call that goes on when the job is cancelled.
    async fn unbroken<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        match self.calls.spawn(call).await {
            Ok(answer) => answer,
            Err(ended) => Err(Error::IOError { err: ended.into() }),
        }
    }

    async fn run(&self) -> Result<Outcome, StackError> {
        let wanted = &self.options.plan;
        let selected = self.project.select(&wanted.profiles, &wanted.services)?;
        let contents = contents(self.project, &selected).await?;
        let mut observed = self.stack.observe(self.project).await?;
        let mut plan = self.planned(wanted, &observed, &contents)?;
        // First, since what they hold may be what a service needs.
        let orphans = self.orphans(&plan).await?;
        if plan.is_settled() && !self.must_wait(&plan, &observed) {
            return Ok(self.finish(plan, orphans));
        }
        self.preflight(&plan, &observed).await?;
        let (fetched, ()) = tokio::try_join!(self.images(&plan), self.resources(&plan))?;
        if fetched {
            // The images are others now, and with them maybe what is to be done.
            let settled = PlanOptions {
                build: false,
                pull: false,
                ..wanted.clone()
            };
            observed = self.stack.observe(self.project).await?;
            plan = self.planned(&settled, &observed, &contents)?;
        }
        self.containers(&plan, &contents).await?;
        Ok(self.finish(plan, orphans))
    }

    fn planned(
        &self,
        wanted: &PlanOptions,
        observed: &Observed,
        contents: &Contents,
    ) -> Result<Arc<Plan>, StackError> {
        let plan = plan(self.project, wanted, observed, contents, &self.stack.key)?;
        let plan = Arc::new(plan);
        self.progress.report(Progress::Planned(Arc::clone(&plan)));
        Ok(plan)
    }

    /// Whether something that runs already is not known to be healthy.
    fn must_wait(&self, plan: &Plan, observed: &Observed) -> bool {
        let waiting = |health| matches!(health, Some(Health::Starting | Health::Unhealthy));
        self.options.wait_healthy
            && observed
                .containers
                .iter()
                .filter(|container| plan.container(&container.service).is_some())
                .any(|container| waiting(container.health))
    }

    fn finish(&self, plan: Arc<Plan>, orphans: Vec<Orphan>) -> Outcome {
        for step in &plan.containers {
            if matches!(step.action, Action::Keep { .. }) {
                self.tell(&step.service, Phase::Kept);
            }
        }
        Outcome { plan, orphans }
    }

    /// Removes orphans where that is asked for; answers those that stay.
    async fn orphans(&self, plan: &Plan) -> Result<Vec<Orphan>, StackError> {
        let mut orphans = plan.orphans.clone();
        if self.options.remove_orphans {
            for orphan in orphans.drain(..) {
                self.tell(&orphan.service, Phase::Stopping);
                self.stack.stop_container(&orphan.id).await?;
                self.stack.remove_container(&orphan.id).await?;
                self.tell(&orphan.service, Phase::Removed);
            }
        }
        Ok(orphans)
    }

    fn tell(&self, service: &str, phase: Phase) {
        self.progress.report(Progress::Service {
            service: service.to_owned(),
            phase,
        });
    }

    fn service(&self, name: &str) -> Result<&Service, StackError> {
        self.project
            .services
            .get(name)
            .ok_or_else(|| StackError::ServiceUnknown {
                project: self.project.name.clone(),
                service: name.to_owned(),
            })
    }
}

/// Reads what services are given as configs and secrets.
async fn contents(project: &Project, services: &[&Service]) -> Result<Contents, StackError> {
    let mut contents = Contents::default();
    for service in services {
        for mount in &service.configs {
            if let Some(object) = project.configs.get(&mount.source) {
                let content = read(object).await?;
                contents.configs.insert(mount.source.clone(), content);
            }
        }
        for mount in &service.secrets {
            if let Some(object) = project.secrets.get(&mount.source) {
                let content = read(object).await?;
                contents.secrets.insert(mount.source.clone(), content);
            }
        }
    }
    Ok(contents)
}

/// What is longer is data rather than a setting.
const MAX_CONTENT_BYTES: u64 = 8 * 1024 * 1024;

async fn read(object: &FileObject) -> Result<Vec<u8>, StackError> {
    let path = match &object.content {
        Content::Inline(text) => return Ok(text.clone().into_bytes()),
        Content::File(path) => path,
    };
    let failed = |source| StackError::File {
        path: path.clone(),
        source,
    };
    let metadata = fs_err::tokio::metadata(path).await.map_err(failed)?;
    if !metadata.is_file() {
        let text = "it is no regular file";
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, text)));
    }
    if metadata.len() > MAX_CONTENT_BYTES {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    fs_err::tokio::read(path).await.map_err(failed)
}

/// Whether a plan fetches any image.
fn fetches(plan: &Plan) -> bool {
    let kept = |action: &ImageAction| *action == ImageAction::Keep;
    !plan.images.iter().all(|step| kept(&step.action))
}
