//! The control plane: what it is made of, how it opens, and how it ends.

use std::{
    collections::{HashMap, HashSet},
    ffi::OsString,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use nasiko_contract::{
    AgentName, DeploymentId, ErrorCode, Fault, JobId, RuntimeKind, SessionId, Settings,
};
use nasiko_engine::EngineConfig;
use nasiko_gateway::{Credentials, Gateway, RouteTable};
use nasiko_runtime::{DockerRuntime, ProcessRuntime, Runtime};
use nasiko_store::{Store, Vault, vault::KeyKeeper};
use nasiko_telemetry::{OtlpIntake, TraceStore};
use parking_lot::Mutex;
use tokio::sync::{Notify, OnceCell};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    browser_codes::BrowserCodes, forwarding::Forwarding, home::Home, house::House, live::Live,
    peers::Peers,
};

/// How long the tasks of a control plane that ends may take to finish.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);

/// Where the control plane's listeners are, as URLs without a path.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// The API and web UI.
    pub api: String,
    /// The gateway.
    pub gateway: String,
    /// The gateway's admin address.
    pub admin: String,
    /// OTLP over HTTP.
    pub otlp_http: String,
    /// OTLP over gRPC.
    pub otlp_grpc: String,
}

/// The sockets that the control plane's own rooms answer on. All of them must be loopback.
#[derive(Debug)]
pub struct Listeners {
    /// For agents' callers.
    pub gateway: std::net::TcpListener,
    /// For the route table.
    pub admin: std::net::TcpListener,
    /// For spans over HTTP.
    pub otlp_http: std::net::TcpListener,
    /// For spans over gRPC.
    pub otlp_grpc: std::net::TcpListener,
}

/// With what a control plane opens. Not to be printed: the environment holds whatever the person keeps there.
pub struct Config {
    /// The data directory.
    pub home: PathBuf,
    /// Its sockets.
    pub listeners: Listeners,
    /// The API's address, for status and links.
    pub api: SocketAddr,
    /// Ports that were taken, and what was chosen instead.
    pub notices: Vec<String>,
    /// Where the container engine is looked for.
    pub engine: EngineConfig,
    /// The Docker network of the agents.
    pub docker_network: String,
    /// This process's environment; agents get a few of these, package tools a few more.
    pub environment: Vec<(OsString, OsString)>,
    /// How long the data directory is waited for while another control plane owns it, beyond the moment that one may take
    /// which was killed.
    pub patience: Duration,
}

/// A control plane. A cheap handle.
#[derive(Clone)]
pub struct ControlPlane {
    pub(crate) shared: Arc<Shared>,
}

/// What all rooms of the control plane work with.
pub(crate) struct Shared {
    pub(crate) home: Home,
    /// Where the store is.
    pub(crate) house: House,
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    /// Holds the vault's key.
    pub(crate) keeper: KeyKeeper,
    pub(crate) process: Arc<ProcessRuntime>,
    pub(crate) docker: Arc<DockerRuntime>,
    pub(crate) gateway: Gateway,
    pub(crate) routes: RouteTable,
    pub(crate) credentials: Credentials,
    pub(crate) traces: TraceStore,
    pub(crate) intake: OtlpIntake,
    pub(crate) forwarding: Forwarding,
    pub(crate) http: reqwest::Client,
    pub(crate) addresses: Addresses,
    pub(crate) notices: Vec<String>,
    /// What the doctor looks at.
    pub(crate) surroundings: Arc<crate::doctor::Surroundings>,
    /// What it found the last time.
    pub(crate) last_checkup: crate::doctor::Last,
    /// Whether it starts at login.
    pub(crate) login: Arc<crate::login::LoginItem>,
    pub(crate) started: i64,
    pub(crate) settings: ArcSwap<Settings>,
    pub(crate) browser_codes: BrowserCodes,
    /// Ends everything.
    pub(crate) stop: CancellationToken,
    /// Instances are being ended with this process: no end of one is a crash.
    pub(crate) ending: CancellationToken,
    /// Somebody asked over the API that this process ends.
    pub(crate) shutdown_wanted: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// One at a time per agent.
    pub(crate) agent_locks: Mutex<HashMap<AgentName, Arc<tokio::sync::Mutex<()>>>>,
    /// How to stop the jobs that run here.
    pub(crate) running_jobs: Mutex<HashMap<JobId, CancellationToken>>,
    /// Instances that somebody sees to although no agent points to them: on their way in, or draining.
    pub(crate) in_hand: Arc<Mutex<HashSet<DeploymentId>>>,
    /// Held while what runs is compared with what should.
    pub(crate) comparing: tokio::sync::Mutex<()>,
    /// Held while an instance gets its agent's plain name.
    pub(crate) promoting: tokio::sync::Mutex<()>,
    /// A job ended, or more of them may run at once.
    pub(crate) job_slot: Notify,
    /// How to stop the answers that are under way.
    pub(crate) answers: Mutex<HashMap<SessionId, CancellationToken>>,
    /// Which pinned questions are being asked.
    pub(crate) asking: crate::pins::Asking,
    /// How each deployment turned out to be spoken to.
    pub(crate) dialects: Mutex<HashMap<DeploymentId, nasiko_a2a::Hints>>,
    /// The gateway on the container network, once it listens.
    pub(crate) network_gateway: OnceCell<SocketAddr>,
    /// See [`Shared::env_fingerprint`].
    pub(crate) fingerprint_key: OnceCell<[u8; 32]>,
    /// The watched agents.
    pub(crate) live: Live,
    /// Other control planes on the same store.
    pub(crate) peers: Peers,
    /// The local stack.
    pub(crate) stack: crate::stack::LocalStack,
    /// How a Kong stands that gets our routes.
    pub(crate) kong: crate::kong::Standing,
    /// How it stands with a platform's commands.
    pub(crate) platform: crate::platform::Standing,
    /// Held for the life of this control plane: one per data directory.
    _lock: std::fs::File,
}

impl ControlPlane {
    /// Opens the data directory, adopts what runs of it, starts gateway, OTLP intake and job workers, and returns once
    /// agents that were running as processes are reachable again.
    pub async fn open(config: Config) -> Result<Self, Fault> {
        let home = Home::new(config.home)?;
        let lock = home.lock_within(config.patience).await?;
        let installation = home.installation()?;
        let keeper = crate::vault::keeper(home.root(), &installation, &config.environment);
        let house = House::find(&config.environment, &home, &keeper).await?;
        let store = house.open(&home).await?;
        let settings = crate::settings::load(&store).await?;
        let vault = Vault::new(store.clone(), keeper.clone());
        let peers = Peers::new(installation.clone(), !house.is_shared());
        let traces = TraceStore::open(
            &home.traces(),
            nasiko_telemetry::Limits {
                retention_days: u16::try_from(settings.trace_retention_days).unwrap_or(u16::MAX),
                ..nasiko_telemetry::Limits::default()
            },
        )?;
        let stack = crate::stack::LocalStack::new(&config.docker_network, &config.environment);
        let surroundings = crate::doctor::Surroundings::new(
            home.root().to_owned(),
            config.environment.clone(),
            config.engine.clone(),
            Vec::new(),
        );
        let login = crate::login::LoginItem::of(home.root(), &config.environment);
        let process = ProcessRuntime::open(nasiko_runtime::ProcessConfig {
            home: home.root().to_owned(),
            installation: installation.clone(),
            environment: config.environment,
        })
        .await?;
        let docker = DockerRuntime::new(nasiko_runtime::DockerConfig {
            engine: config.engine,
            network: config.docker_network,
            installation,
        });
        let credentials = Credentials::default();
        let sink = Arc::new(crate::spans::GatewaySpans::new(traces.clone()));
        let intake = OtlpIntake::new(traces.clone());
        let exports = Arc::new(crate::listen::ContainerExports {
            intake: intake.clone(),
        });
        let gateway =
            Gateway::new(nasiko_gateway::GatewayConfig::default(), sink).with_otlp(exports);
        let routes = gateway.routes();
        let addresses = addresses(config.api, &config.listeners)?;
        let forwarding = Forwarding::start(&traces, &addresses, &settings)?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            // A program that serves one connection at a time must not be kept busy by one that we do not use.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| internal("no HTTP client could be made", &error))?;
        let shared = Arc::new(Shared {
            home,
            house,
            vault,
            keeper,
            process: Arc::new(process),
            docker: Arc::new(docker),
            gateway,
            routes,
            credentials,
            intake,
            forwarding,
            traces,
            http,
            addresses,
            notices: config.notices,
            surroundings: Arc::new(surroundings),
            login: Arc::new(login),
            last_checkup: crate::doctor::Last::default(),
            started: crate::time::now_ms(),
            settings: ArcSwap::from_pointee(settings),
            browser_codes: BrowserCodes::default(),
            stop: CancellationToken::new(),
            ending: CancellationToken::new(),
            shutdown_wanted: CancellationToken::new(),
            tasks: TaskTracker::new(),
            agent_locks: Mutex::default(),
            running_jobs: Mutex::default(),
            in_hand: Arc::default(),
            comparing: tokio::sync::Mutex::default(),
            promoting: tokio::sync::Mutex::default(),
            job_slot: Notify::new(),
            fingerprint_key: OnceCell::new(),
            answers: Mutex::default(),
            asking: crate::pins::Asking::default(),
            dialects: Mutex::default(),
            network_gateway: OnceCell::new(),
            live: Live::default(),
            peers,
            stack,
            kong: crate::kong::Standing::default(),
            platform: crate::platform::Standing::default(),
            store,
            _lock: lock,
        });
        let peers = crate::peers::enter(&shared).await?;
        crate::notices::start(&shared).await?;
        crate::doctor::start(&shared);
        // Before anything is taken over: what ends meanwhile is noticed.
        crate::supervise::start(&shared);
        crate::vault::start(&shared);
        crate::adopt::at_start(&shared).await?;
        // The sockets are open since before: who called meanwhile waited, and finds the agents.
        crate::listen::start(&shared, config.listeners)?;
        crate::discover::start(&shared);
        crate::sweep::at_start(&shared).await?;
        crate::stack::at_start(&shared).await?;
        crate::worker::start(&shared).await?;
        crate::live::at_start(&shared).await?;
        crate::peers::start(&shared, peers);
        crate::kong::start(&shared);
        crate::platform::start(&shared);
        crate::login::at_start(Arc::clone(&shared.login));
        Ok(Self { shared })
    }

    /// Codes that open the web UI.
    pub fn browser_codes(&self) -> &BrowserCodes {
        &self.shared.browser_codes
    }

    /// Completes when somebody asked over the API that this process ends.
    pub async fn shutdown_wanted(&self) {
        self.shared.shutdown_wanted.cancelled().await;
    }

    /// Ends the control plane: no new work, jobs under way are left for the next start, agents go on running.
    pub async fn close(&self) {
        self.shared.stop.cancel();
        self.shared.end_standbys().await;
        self.shared.tasks.close();
        // Tasks that are cut short drop what they had waiting.
        let ending = async {
            self.shared.tasks.wait().await;
            self.shared.process.given_up().await;
        };
        let ended = tokio::time::timeout(SHUTDOWN_LIMIT, ending).await;
        match ended {
            Ok(()) => self.shared.leave().await,
            Err(_) => {
                tracing::warn!(open = self.shared.tasks.len(), "tasks did not end in time");
            }
        }
        if let Err(error) = self.shared.traces.flush().await {
            tracing::warn!(%error, "the last spans were not written");
        }
        self.shared.forwarding.close().await;
        self.shared.store.close().await;
    }
}

impl Shared {
    /// The place where agents of a kind run.
    pub(crate) fn runtime(&self, kind: RuntimeKind) -> Arc<dyn Runtime> {
        match kind {
            RuntimeKind::Process => Arc::clone(&self.process) as Arc<dyn Runtime>,
            RuntimeKind::Docker => Arc::clone(&self.docker) as Arc<dyn Runtime>,
        }
    }

    /// An agent's address behind the gateway.
    pub(crate) fn agent_url(&self, agent: &AgentName) -> String {
        format!("{}/{agent}", self.addresses.gateway)
    }

    /// Runs `task` until it ends or the control plane does.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task => {}
            }
        });
    }

    /// One at a time per agent: jobs of one source are in order already, this orders jobs of different sources that
    /// turn out to be about the same agent.
    pub(crate) async fn lock_agent(
        &self,
        agent: &AgentName,
        cancel: &CancellationToken,
    ) -> Result<tokio::sync::OwnedMutexGuard<()>, Fault> {
        let lock = self.agent_lock(agent);
        tokio::select! {
            () = cancel.cancelled() => Err(cancelled()),
            guard = lock.lock_owned() => Ok(guard),
        }
    }

    /// Like [`Shared::lock_agent`]; none while somebody else is at work on the agent.
    pub(crate) fn try_lock_agent(
        &self,
        agent: &AgentName,
    ) -> Option<tokio::sync::OwnedMutexGuard<()>> {
        self.agent_lock(agent).try_lock_owned().ok()
    }

    fn agent_lock(&self, agent: &AgentName) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.agent_locks.lock();
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(locks.entry(agent.clone()).or_default())
    }
}

/// The fault of something that was cancelled.
pub(crate) fn cancelled() -> Fault {
    Fault::new(ErrorCode::Cancelled, "Cancelled")
}

/// A fault of ours.
pub(crate) fn internal(what: &str, error: &dyn std::error::Error) -> Fault {
    Fault::new(
        ErrorCode::Internal,
        format!("Something failed inside the control plane: {what}"),
    )
    .evidence([error.to_string()])
}

fn addresses(api: SocketAddr, listeners: &Listeners) -> Result<Addresses, Fault> {
    let url = |listener: &std::net::TcpListener| {
        listener
            .local_addr()
            .map(|address| format!("http://{address}"))
            .map_err(|error| internal("a socket has no address", &error))
    };
    Ok(Addresses {
        api: format!("http://{api}"),
        gateway: url(&listeners.gateway)?,
        admin: url(&listeners.admin)?,
        otlp_http: url(&listeners.otlp_http)?,
        otlp_grpc: url(&listeners.otlp_grpc)?,
    })
}
