//! The living instances: who watches them, how others are adopted, what is told when they end.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use tokio::process::Child;
use tokio::sync::{OnceCell, broadcast, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::base_environment::BaseEnvironment;
use super::inspect::{self, INSTALLATION_VARIABLE, INSTANCE_VARIABLE, ProcessIdentity};
use super::log_watch::LogWatch;
use super::logs::{self, Keeper, Turns};
use super::record::{self, Record, RecordedExit};
use super::system::{self, End};
use super::{ProcessConfig, blocking, gate};
use crate::error::RuntimeError;
use crate::instance::{Exit, Instance, InstanceId, InstanceState, RuntimeEvent, RuntimeKind};

/// Events kept for a receiver that is behind.
const EVENT_QUEUE: usize = 1024;
/// How many last lines an exit carries.
const LAST_LINES: usize = 40;
/// Log files are looked at no more often than this.
const KEEPING_PAUSE: Duration = Duration::from_millis(50);

/// What all parts of a process runtime share.
pub(super) struct Shared {
    pub(super) installation: String,
    pub(super) environments: PathBuf,
    pub(super) instances: PathBuf,
    pub(super) base: BaseEnvironment,
    pub(super) interpreter: OnceCell<PathBuf>,
    /// The folder of the module that makes Python programs wait, where there can be one.
    pub(super) gate: Option<PathBuf>,
    live: Mutex<HashMap<InstanceId, Arc<Tracked>>>,
    /// Being started: on disk already, not yet to be adopted.
    pub(super) starting: Mutex<HashSet<String>>,
    /// Given out and perhaps not yet listened on.
    pub(super) ports: Mutex<HashSet<u16>>,
    pub(super) events: broadcast::Sender<RuntimeEvent>,
    pub(super) tasks: TaskTracker,
    /// Programs on standby being ended that nobody wants any more.
    pub(super) given_up: TaskTracker,
    pub(super) closed: CancellationToken,
    log_watch: LogWatch,
}

/// What was used up to a moment.
#[derive(Clone, Copy)]
pub(super) struct CpuSample {
    pub(super) at: Instant,
    pub(super) used: Duration,
}

/// A living instance.
pub(super) struct Tracked {
    pub(super) id: InstanceId,
    pub(super) process: ProcessIdentity,
    /// Set once, after everything of it is gone and its record says so.
    pub(super) exit: watch::Sender<Option<Exit>>,
    /// Somebody asked for its end, and sees to it that nothing of it is left.
    pub(super) stopping: AtomicBool,
    pub(super) changed: watch::Receiver<u64>,
    pub(super) turns: Arc<Turns>,
    pub(super) cpu: Mutex<Option<CpuSample>>,
    pub(super) port: u16,
    /// As on disk. With its `exit` it has ended, even when `exit` here is not told yet.
    pub(super) record: Mutex<Record>,
}

impl Shared {
    pub(super) fn new(config: &ProcessConfig) -> Result<Arc<Self>, RuntimeError> {
        let instances = config.home.join("instances");
        fs_err::create_dir_all(&instances).map_err(RuntimeError::file("creating", &instances))?;
        Ok(Arc::new(Self {
            installation: config.installation.clone(),
            environments: config.home.join("environments"),
            instances,
            base: BaseEnvironment::new(config.environment.clone()),
            interpreter: OnceCell::new(),
            gate: gate::install(&config.home)?,
            live: Mutex::default(),
            starting: Mutex::default(),
            ports: Mutex::default(),
            events: broadcast::Sender::new(EVENT_QUEUE),
            tasks: TaskTracker::new(),
            given_up: TaskTracker::new(),
            closed: CancellationToken::new(),
            log_watch: LogWatch::new(),
        }))
    }

    pub(super) fn folder(&self, deployment_id: &str) -> PathBuf {
        record::folder(&self.instances, deployment_id)
    }

    pub(super) fn live(&self, instance: &InstanceId) -> Option<Arc<Tracked>> {
        self.live.lock().get(instance).cloned()
    }

    /// The living processes of an instance.
    pub(super) async fn members(
        &self,
        tracked: &Arc<Tracked>,
    ) -> Result<Vec<ProcessIdentity>, RuntimeError> {
        let (installation, tracked) = (self.installation.clone(), Arc::clone(tracked));
        blocking(move || {
            inspect::members(&installation, tracked.id.as_str(), Some(&tracked.process))
        })
        .await
    }

    /// Begins to watch a process that `record` names; with `child` as ours, else as somebody else's.
    pub(super) fn track(
        self: &Arc<Self>,
        record: Record,
        process: ProcessIdentity,
        child: Option<Child>,
    ) -> Arc<Tracked> {
        let folder = self.folder(&record.deployment_id);
        let id = InstanceId::new(&record.deployment_id);
        let mut live = self.live.lock();
        if let Some(tracked) = live.get(&id) {
            return Arc::clone(tracked);
        }
        let tracked = Arc::new(Tracked {
            id: id.clone(),
            process,
            exit: watch::Sender::new(None),
            stopping: AtomicBool::new(false),
            changed: self.log_watch.add(&folder),
            turns: Arc::default(),
            cpu: Mutex::default(),
            port: record.port,
            record: Mutex::new(record),
        });
        live.insert(id, Arc::clone(&tracked));
        drop(live);
        self.ports.lock().insert(tracked.port);
        self.tasks
            .spawn(Arc::clone(self).watch(Arc::clone(&tracked), child));
        self.tasks.spawn(keep_logs(folder, Arc::clone(&tracked)));
        tracked
    }

    async fn watch(self: Arc<Self>, tracked: Arc<Tracked>, child: Option<Child>) {
        let ended = async {
            match child {
                Some(mut child) => child.wait().await.ok(),
                None => {
                    wait_gone(&tracked.process).await;
                    None
                }
            }
        };
        let status = tokio::select! {
            status = ended => status,
            () = self.closed.cancelled() => return,
        };
        self.ended(&tracked, status).await;
    }

    async fn ended(&self, tracked: &Arc<Tracked>, status: Option<ExitStatus>) {
        let requested = tracked.stopping.load(Ordering::Acquire);
        if !requested && let Ok(left) = self.members(tracked).await {
            // What a crashed program leaves behind would hold its port.
            for process in left {
                process.end(End::Force);
            }
        }
        let record = {
            let mut record = tracked.record.lock();
            let ran_for = SystemTime::now()
                .duration_since(record.started_at())
                .unwrap_or_default();
            record.exit = Some(RecordedExit {
                code: status.and_then(|status| status.code()),
                signal: status.and_then(system::signal_of),
                requested,
                ran_for_ms: u64::try_from(ran_for.as_millis()).unwrap_or(u64::MAX),
            });
            record.clone()
        };
        let folder = self.folder(&record.deployment_id);
        if let Err(error) = record.write(&folder) {
            tracing::warn!(instance = %tracked.id, %error, "the end of an instance could not be recorded");
        }
        if let Err(error) = logs::mark_end(&folder) {
            tracing::debug!(instance = %tracked.id, %error, "the end of the logs could not be marked");
        }
        let exit = recorded_exit(self, &record);
        self.ports.lock().remove(&record.port);
        self.live.lock().remove(&tracked.id);
        tracked.exit.send_replace(Some(exit.clone()));
        self.log_watch.remove(&folder);
        // Nobody was told that one on standby had started. Nobody listening is fine.
        if !record.standby {
            let _ = self.events.send(RuntimeEvent::Exited(exit));
        }
    }
}

/// The exit a record tells of.
pub(super) fn recorded_exit(shared: &Shared, record: &Record) -> Exit {
    let exit = record.exit.clone().unwrap_or(RecordedExit {
        code: None,
        signal: None,
        requested: false,
        ran_for_ms: 0,
    });
    Exit {
        instance: InstanceId::new(&record.deployment_id),
        agent: record.agent.clone(),
        code: exit.code,
        signal: exit.signal,
        oom: false,
        requested: exit.requested,
        ran_for: Duration::from_millis(exit.ran_for_ms),
        last_lines: logs::last_lines(&shared.folder(&record.deployment_id), LAST_LINES),
    }
}

/// The instance a record tells of.
pub(super) fn instance(record: &Record, running: Option<&ProcessIdentity>) -> Instance {
    let state = match (running, &record.exit) {
        (Some(_), _) if record.standby => InstanceState::Created,
        (Some(_), _) => InstanceState::Running,
        (None, exit) => InstanceState::Exited {
            code: exit.as_ref().and_then(|exit| exit.code),
        },
    };
    let process = running.or(record.process.as_ref());
    Instance {
        id: InstanceId::new(&record.deployment_id),
        agent: record.agent.clone(),
        owner: record.owner.clone(),
        version: record.version.clone(),
        deployment_id: record.deployment_id.clone(),
        kind: RuntimeKind::Process,
        state,
        address: running
            .filter(|_| !record.standby)
            .map(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, record.port))),
        started_at: record.started_at(),
        handle: process
            .map(|process| process.pid.to_string())
            .unwrap_or_default(),
        foreign: None,
    }
}

/// Everything that exists, adopting on the way what runs unwatched.
pub(super) async fn list(shared: &Arc<Shared>) -> Result<Vec<Instance>, RuntimeError> {
    let scanned = Arc::clone(shared);
    let (mut records, marked) = blocking(move || {
        let records = record::all(&scanned.instances);
        let marked = inspect::marked(INSTALLATION_VARIABLE, &scanned.installation);
        let marked: Vec<(String, ProcessIdentity)> = marked
            .into_iter()
            .filter_map(|process| {
                Some((inspect::variable(process.pid, INSTANCE_VARIABLE)?, process))
            })
            .collect();
        (records, marked)
    })
    .await?;

    // Processes whose folder has gone still are ours.
    for (deployment_id, process) in &marked {
        let known = records
            .iter()
            .any(|record| record.deployment_id == *deployment_id);
        if !known && super::launch::is_safe_name(deployment_id) {
            records.push(record_from_marks(shared, deployment_id, process)?);
        }
    }
    records.retain(|record| !shared.starting.lock().contains(&record.deployment_id));
    Ok(records
        .iter()
        .map(|record| observe(shared, record, &marked))
        .collect())
}

fn observe(
    shared: &Arc<Shared>,
    record: &Record,
    marked: &[(String, ProcessIdentity)],
) -> Instance {
    if let Some(tracked) = shared.live(&InstanceId::new(&record.deployment_id)) {
        return instance(record, Some(&tracked.process));
    }
    if record.exit.is_some() {
        return instance(record, None);
    }
    // Without a recorded process the control plane died between start and record: the first process that carries the
    // marks is the one that was started.
    let recorded = record.process.clone().filter(ProcessIdentity::alive);
    let first = || {
        let ours = marked
            .iter()
            .filter(|(deployment_id, _)| *deployment_id == record.deployment_id);
        ours.map(|(_, process)| process)
            .min_by_key(|process| (process.started, process.pid))
            .cloned()
    };
    let Some(process) = recorded.or_else(first) else {
        return instance(record, None);
    };
    let adopted = Record {
        process: Some(process.clone()),
        ..record.clone()
    };
    if let Err(error) = adopted.write(&shared.folder(&record.deployment_id)) {
        tracing::warn!(instance = %record.deployment_id, %error, "an adopted instance could not be recorded");
    }
    let observed = instance(&adopted, Some(&process));
    shared.track(adopted, process, None);
    observed
}

fn record_from_marks(
    shared: &Shared,
    deployment_id: &str,
    process: &ProcessIdentity,
) -> Result<Record, RuntimeError> {
    let variable = |name| inspect::variable(process.pid, name).unwrap_or_default();
    let folder = shared.folder(deployment_id);
    fs_err::create_dir_all(&folder).map_err(RuntimeError::file("creating", &folder))?;
    Ok(Record {
        deployment_id: deployment_id.to_owned(),
        agent: variable("AGENT_NAME"),
        owner: variable("OWNER_ID"),
        version: String::new(),
        port: variable("PORT").parse().unwrap_or(0),
        log_bytes: crate::spec::Limits::LOG_BYTES,
        started_at: record::millis(SystemTime::now()),
        standby: false,
        process: None,
        exit: None,
    })
}

/// Waits until a process that is not our child has ended.
#[cfg(target_os = "linux")]
#[expect(
    deprecated,
    reason = "its replacement is unsafe; an owned descriptor cannot be closed under the registration"
)]
pub(super) async fn wait_gone(process: &ProcessIdentity) {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    use tokio::io::unix::AsyncFd;

    let opened =
        Pid::from_raw(process.pid).and_then(|pid| pidfd_open(pid, PidfdFlags::NONBLOCK).ok());
    let watched = opened.and_then(|descriptor| AsyncFd::new(descriptor).ok());
    // Checked after opening: the descriptor is of this process, not of one that took its number.
    if !process.alive() {
        return;
    }
    match watched {
        Some(watched) if watched.readable().await.is_ok() => {}
        _ => poll_gone(process).await,
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) async fn wait_gone(process: &ProcessIdentity) {
    poll_gone(process).await;
}

async fn poll_gone(process: &ProcessIdentity) {
    while process.alive() {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Keeps the log files of an instance within their limit until it ends.
async fn keep_logs(folder: PathBuf, tracked: Arc<Tracked>) {
    let mut changed = tracked.changed.clone();
    let mut exit = tracked.exit.subscribe();
    let limit = tracked.record.lock().log_bytes;
    let mut keepers = logs::STREAMS.map(|stream| Keeper::new(&folder, stream, limit));
    let turns = Arc::clone(&tracked.turns);
    drop(tracked);
    loop {
        tokio::select! {
            told = changed.changed() => if told.is_err() { return },
            _ = exit.changed() => return,
        }
        let turns = Arc::clone(&turns);
        let kept = blocking(move || {
            for (keeper, turns) in keepers.iter_mut().zip(turns.iter()) {
                if let Err(error) = keeper.changed(turns) {
                    tracing::warn!(%error, "a log file could not be kept");
                }
            }
            keepers
        });
        let Ok(returned) = kept.await else { return };
        keepers = returned;
        tokio::time::sleep(KEEPING_PAUSE).await;
    }
}
