//! A Compose project, typed.

mod resource;

use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;

use super::problem::Problem;
use super::span::{Span, Spanned};

pub use self::resource::{AddressRange, Content, FileObject, Network, Volume};

/// A project: what all of its files say together.
#[derive(Debug, Clone)]
pub struct Project {
    /// What its containers, networks and volumes are named after.
    pub name: String,
    /// The beginning of the first file.
    pub span: Span,
    /// What relative paths are relative to.
    pub directory: PathBuf,
    /// The files that were given, in their order.
    pub files: Vec<PathBuf>,
    /// By name, in the files' order.
    pub services: IndexMap<String, Service>,
    /// Those that services use, `default` among them.
    pub networks: IndexMap<String, Network>,
    /// Those that services use.
    pub volumes: IndexMap<String, Volume>,
    /// Files that services may be given.
    pub configs: IndexMap<String, FileObject>,
    /// Files that services may be given, not to be shown.
    pub secrets: IndexMap<String, FileObject>,
    /// What is worth saying and no error.
    pub warnings: Vec<Problem>,
}

/// A service: at most one container.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name within the project.
    pub name: String,
    /// Where it is described.
    pub span: Span,
    /// Only brought up when one of these profiles is chosen; empty for always.
    pub profiles: Vec<String>,
    /// The image to run, or the name of what is built.
    pub image: Option<Spanned<String>>,
    /// How the image is built.
    pub build: Option<Build>,
    /// When an image is pulled.
    pub pull_policy: PullPolicy,
    /// E.g. `linux/arm64`.
    pub platform: Option<String>,
    /// In place of the image's command.
    pub command: Option<Vec<String>>,
    /// In place of the image's entry point.
    pub entrypoint: Option<Vec<String>>,
    /// All variables: of `env_file`, then of `environment`.
    pub environment: IndexMap<String, String>,
    /// Published ports.
    pub ports: Vec<Spanned<Port>>,
    /// Ports that are announced and not published, e.g. `80/tcp`.
    pub expose: Vec<String>,
    /// What is mounted.
    pub mounts: Vec<Spanned<Mount>>,
    /// In-memory file systems: path and options.
    pub tmpfs: IndexMap<String, String>,
    /// The networks it joins; empty with a `network_mode`.
    pub networks: IndexMap<String, Spanned<Attachment>>,
    /// In place of networks.
    pub network_mode: Option<Spanned<Namespace>>,
    /// Whose processes it sees.
    pub pid: Option<Spanned<Namespace>>,
    /// Whose shared memory it uses.
    pub ipc: Option<Spanned<Namespace>>,
    /// What it waits for.
    pub depends_on: IndexMap<String, Spanned<Dependency>>,
    /// When it counts as healthy.
    pub healthcheck: Option<Healthcheck>,
    /// When the engine starts it again.
    pub restart: Restart,
    /// Limits.
    pub resources: Resources,
    /// Files of configs.
    pub configs: Vec<Spanned<FileMount>>,
    /// Files of secrets.
    pub secrets: Vec<Spanned<FileMount>>,
    /// How its output is kept.
    pub logging: Option<Logging>,
    /// Labels.
    pub labels: IndexMap<String, String>,
    /// For the engine's runtime.
    pub annotations: IndexMap<String, String>,
    /// In place of `<project>-<service>-1`.
    pub container_name: Option<Spanned<String>>,
    /// Its host name.
    pub hostname: Option<String>,
    /// Its domain.
    pub domainname: Option<String>,
    /// User or `user:group`.
    pub user: Option<String>,
    /// Further groups.
    pub group_add: Vec<String>,
    /// Where its program starts.
    pub working_dir: Option<String>,
    /// With a process 1 that reaps orphans.
    pub init: Option<bool>,
    /// With all rights.
    pub privileged: bool,
    /// With a terminal.
    pub tty: bool,
    /// With an open standard input.
    pub stdin_open: bool,
    /// With a root file system that cannot be written to.
    pub read_only: bool,
    /// Capabilities given.
    pub cap_add: Vec<String>,
    /// Capabilities taken.
    pub cap_drop: Vec<String>,
    /// E.g. `no-new-privileges`.
    pub security_opt: Vec<String>,
    /// Host devices: `host:container:rights`.
    pub devices: Vec<String>,
    /// Kernel parameters.
    pub sysctls: IndexMap<String, String>,
    /// Soft and hard limits.
    pub ulimits: IndexMap<String, Ulimit>,
    /// Host names and their addresses.
    pub extra_hosts: IndexMap<String, Vec<String>>,
    /// Name servers.
    pub dns: Vec<String>,
    /// Domains to search.
    pub dns_search: Vec<String>,
    /// Resolver options.
    pub dns_opt: Vec<String>,
    /// In place of SIGTERM.
    pub stop_signal: Option<String>,
    /// How long it may take to end, in place of ten seconds.
    pub stop_grace_period: Option<Duration>,
    /// Size of /dev/shm in bytes.
    pub shm_size: Option<i64>,
}

impl Service {
    /// The services whose namespaces it uses.
    pub fn shares(&self) -> impl Iterator<Item = &str> {
        self.shared_namespaces().map(|(name, _)| name)
    }

    /// The services that must be there before it: what it waits for, then those whose namespaces it uses.
    pub fn needs(&self) -> impl Iterator<Item = &str> {
        let waits = self.depends_on.keys().map(String::as_str);
        waits.chain(self.shares())
    }

    pub(super) fn shared_namespaces(&self) -> impl Iterator<Item = (&str, &Span)> {
        let all = [&self.network_mode, &self.pid, &self.ipc];
        all.into_iter()
            .flatten()
            .filter_map(|namespace| match &namespace.value {
                Namespace::Service(name) => Some((name.as_str(), &namespace.span)),
                Namespace::Engine(_) => None,
            })
    }
}

/// How an image is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The folder.
    pub context: PathBuf,
    /// Relative to the folder, or absolute.
    pub dockerfile: Option<String>,
    /// A Dockerfile's text in place of a file.
    pub dockerfile_inline: Option<String>,
    /// `ARG` values; none are taken from the environment and unset.
    pub args: IndexMap<String, String>,
    /// The stage.
    pub target: Option<String>,
    /// Labels of the image.
    pub labels: IndexMap<String, String>,
    /// The network of `RUN`.
    pub network: Option<String>,
    /// Images whose layers may be used.
    pub cache_from: Vec<String>,
    /// Size of /dev/shm in bytes.
    pub shm_size: Option<i64>,
    /// Without the layer cache.
    pub no_cache: bool,
    /// Base images are pulled even if they are here.
    pub pull: bool,
}

/// When an image is pulled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PullPolicy {
    /// When it is not here.
    #[default]
    Missing,
    /// At each `up`.
    Always,
    /// Never: it must be here.
    Never,
    /// It is built at each `up`.
    Build,
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Inside of the container.
    pub target: u16,
    /// On the host: none for one that the engine chooses, a range for one of it.
    pub published: Option<(u16, u16)>,
    /// The host's address; none for all.
    pub host_ip: Option<String>,
    /// Protocol.
    pub protocol: Protocol,
}

/// Of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// As the engine writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

/// Something mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Path inside of the container.
    pub target: String,
    /// Whether it cannot be written to.
    pub read_only: bool,
    /// What is mounted.
    pub source: MountSource,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountSource {
    /// A volume of the project; none for a new one without a name.
    Volume {
        /// The volume's key.
        name: Option<String>,
        /// Without copying what the image has there.
        nocopy: bool,
    },
    /// A path of the host.
    Bind {
        /// Absolute.
        path: PathBuf,
        /// Whether it is made when it is not there.
        create: bool,
        /// E.g. `rshared`.
        propagation: Option<String>,
        /// `z` or `Z`.
        selinux: Option<String>,
    },
    /// Memory.
    Tmpfs {
        /// In bytes.
        size: Option<i64>,
        /// Of its root.
        mode: Option<u32>,
    },
}

/// How a service is on a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attachment {
    /// Further names there.
    pub aliases: Vec<String>,
    /// A fixed address.
    pub ipv4_address: Option<String>,
    /// A fixed address.
    pub ipv6_address: Option<String>,
    /// Further addresses.
    pub link_local_ips: Vec<String>,
    /// A fixed hardware address.
    pub mac_address: Option<String>,
    /// Options of the network's driver.
    pub driver_opts: IndexMap<String, String>,
    /// The highest is joined first.
    pub priority: i32,
}

/// Whose namespace a service uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Namespace {
    /// As the engine knows it: `host`, `none`, `container:…`, `private`, `shareable`.
    Engine(String),
    /// That of another service's container.
    Service(String),
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    /// Until when.
    pub condition: Condition,
    /// Whether the service starts again when the other was made anew.
    pub restart: bool,
    /// Whether the service fails when the other does.
    pub required: bool,
}

/// Until when another service is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Until it runs.
    Started,
    /// Until its health check passes.
    Healthy,
    /// Until it has ended with code 0.
    Completed,
}

/// When a container counts as healthy. What is not said is the image's or the engine's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Healthcheck {
    /// In place of any check: none.
    pub disable: bool,
    /// `CMD …` or `CMD-SHELL …`.
    pub test: Option<Vec<String>>,
    /// Between checks.
    pub interval: Option<Duration>,
    /// Of one check.
    pub timeout: Option<Duration>,
    /// Failures in a row until it counts as unhealthy.
    pub retries: Option<u32>,
    /// In which failures do not count.
    pub start_period: Option<Duration>,
    /// Between checks in that time.
    pub start_interval: Option<Duration>,
}

/// When the engine starts a container again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Restart {
    /// Never.
    #[default]
    No,
    /// Whenever it ends.
    Always,
    /// When it fails, at most so often.
    OnFailure(Option<u32>),
    /// Whenever it ends, unless a person stopped it.
    UnlessStopped,
}

/// Limits.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resources {
    /// Cores, in billionths.
    pub nano_cpus: Option<i64>,
    /// Weight against others.
    pub cpu_shares: Option<i64>,
    /// E.g. `0-3`.
    pub cpuset: Option<String>,
    /// In bytes.
    pub memory: Option<i64>,
    /// In bytes.
    pub memory_reservation: Option<i64>,
    /// Memory and swap together in bytes; -1 for no limit.
    pub memory_swap: Option<i64>,
    /// Processes and threads.
    pub pids: Option<i64>,
    /// For the kernel's choice when memory ends.
    pub oom_score_adj: Option<i64>,
}

/// A soft and a hard limit; -1 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ulimit {
    /// What the program may raise.
    pub soft: i64,
    /// To at most this.
    pub hard: i64,
}

/// How output is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// The engine's driver; none for its default.
    pub driver: Option<String>,
    /// The driver's options.
    pub options: IndexMap<String, String>,
}

/// A config or a secret in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMount {
    /// The key of the config or secret.
    pub source: String,
    /// Absolute path in the container.
    pub target: String,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Rights.
    pub mode: u32,
}
